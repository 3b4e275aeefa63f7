//! Memberships: started by the storefront, paid in periods, cut short, given back.

use actix_web::{HttpResponse, web};
use aggregates::{
    membership::{
        Membership,
        commands::{CancelRefund, MembershipCommand, PaidPeriod},
        errors::MembershipError,
        events::{CommissionIncome, MembershipTerms, SoldBy},
    },
    payment::{Payment, commands::PaymentCommand},
    vocabulary::{MembershipRef, PeriodRef, PeriodTerms},
};
use chrono::NaiveDate;
use kernel::{Money, PaymentId, Rate, RefundId, RequestId, SellerId, SubjectRef, derived_uuid};
use serde::{Deserialize, Serialize};

use crate::{
    commands::{Written, send},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// A membership to be made known.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMembership {
    /// Your customer's id; only what follows from it is kept.
    member: String,
    /// Your own number for the membership.
    reference: Option<String>,
    /// The tier or product, a word of letters, digits, `.`, `_` and `-`.
    product: String,
    /// What a period costs by the price list, tax included.
    #[schema(value_type = Object)]
    price: Money,
    /// The seller, if one sells it and the platform is his agent; default: the platform sells it.
    agent_for: Option<NewAgent>,
}

/// A seller who sells through the platform.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAgent {
    #[schema(value_type = String)]
    seller: SellerId,
    /// Default: the seller.
    organizer: Option<String>,
    /// Commission in basis points of the price without tax.
    #[schema(value_type = u16)]
    fee_bps: Rate,
    /// `at_once`, or `deferred`: as the days pass.
    #[serde(default)]
    #[schema(value_type = String)]
    commission_income: CommissionIncome,
}

/// A membership, and what to put on the Stripe objects that pay it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StartedMembership {
    #[serde(flatten)]
    written: Written,
    /// Metadata for the subscription, or for session, intent and charge.
    #[schema(value_type = Object)]
    stripe: serde_json::Value,
}

/// Makes a membership known. Its periods are paid one by one.
#[utoipa::path(post, path = "/v1/memberships", tag = "memberships", request_body = NewMembership,
    responses((status = 201, body = StartedMembership), (status = 422, body = Problem)))]
pub(crate) async fn start(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewMembership>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::PlaceOrders)?;
    let membership = minted(&caller);
    let tenant = caller.tenant.to_string();
    let NewMembership { member, reference, product, price, agent_for } = body.value;
    let sold_by = match agent_for {
        None => SoldBy::Platform,
        Some(agent) => SoldBy::Agent {
            seller: agent.seller,
            organizer: agent.organizer.unwrap_or_else(|| agent.seller.to_string()).into(),
            commission: agent.fee_bps,
            income: agent.commission_income,
            commission_returned: caller.info.policy.commission_returned,
        },
    };
    let terms = MembershipTerms {
        member: SubjectRef::derived(&[&tenant, "account", &member]),
        reference,
        product,
        sold_by,
        price,
        policy: caller.info.policy.version,
    };
    let command =
        MembershipCommand::Start { membership: membership.clone(), terms: Box::new(terms) };
    let written = send::<Membership>(&api, &caller, body.fingerprint, &membership, command).await?;
    let stripe = serde_json::json!({
        "metadata": { "daybook_tenant": caller.tenant, "daybook_membership": membership },
    });
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/memberships/{membership}")))
        .json(StartedMembership { written, stripe }))
}

/// The same request always names the same membership.
fn minted(caller: &Caller) -> MembershipRef {
    let uuid = match caller.derivation() {
        Some(parts) => derived_uuid(&["mem", &parts[0], &parts[1], &parts[2]]),
        None => RequestId::mint().uuid(),
    };
    MembershipRef(format!("mem_{}", uuid.simple()))
}

/// A period that was paid.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPeriod {
    /// Your name for it, such as an invoice's number.
    #[schema(value_type = String)]
    period: PeriodRef,
    /// The first day, `2026-01-01`, in the tenant's time zone.
    #[schema(value_type = String)]
    start: NaiveDate,
    /// The day after the last.
    #[schema(value_type = String)]
    end: NaiveDate,
    /// The payment that brought the money, set aside or waiting. All that is set aside of it pays
    /// the period. Without one nothing is paid: what is carried over covers the price.
    #[schema(value_type = Option<String>)]
    payment: Option<PaymentId>,
    /// The tax in it, minor units.
    #[serde(default)]
    tax: i64,
    /// Whom the tax is owed to, such as `US-CA`.
    #[serde(default = "super::orders::no_jurisdiction")]
    tax_jurisdiction: String,
    /// Default: the membership's product.
    product: Option<String>,
    /// The period that this one takes the place of from its first day on.
    #[schema(value_type = Option<String>)]
    replaces: Option<PeriodRef>,
    #[serde(default)]
    reason: String,
}

/// Says that a payment pays a period of a membership.
#[utoipa::path(post, path = "/v1/memberships/{membership}/periods", tag = "memberships",
    request_body = NewPeriod, responses((status = 201, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn pay(
    api: web::Data<Api>,
    caller: Caller,
    membership: web::Path<MembershipRef>,
    body: Body<NewPeriod>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let membership = membership.into_inner();
    let new = body.value;
    let known = known(&api, &caller, &membership).await?;
    let terms = PeriodTerms {
        period: new.period,
        start: new.start,
        end: new.end,
        zone: caller.info.zone,
        product: new.product.unwrap_or(known.product),
        tax: new.tax,
        tax_jurisdiction: new.tax_jurisdiction,
        replaces: new.replaces,
    };
    let now = api.engine.bus().directory().now(Some(&caller.info));
    let mut period = PaidPeriod {
        membership: membership.clone(),
        terms,
        paid: Money::zero(known.price.currency()),
        charge: None,
        available_on: None,
        occurred_at: now,
    };
    let Some(payment) = new.payment else {
        let command = MembershipCommand::RecordPaidPeriod(Box::new(period));
        let written =
            send::<Membership>(&api, &caller, body.fingerprint, &membership, command).await?;
        return Ok(HttpResponse::Created().json(written));
    };
    // The payment decides first. It is asked nothing that the membership would refuse now; should
    // that change in between, the membership says so and the money is set aside again.
    if let Some((charge, paid)) = money_of(&api, &caller, payment).await? {
        period.charge = Some((payment, charge));
        period.paid = paid;
        let id = membership.to_string();
        let checked = api
            .engine
            .bus()
            .inspect::<Membership, _>(caller.tenant, &id, |known, _| known.check(&period, now))
            .await?;
        checked.map_err(|refusal| refused(&refusal))?;
    }
    let command = PaymentCommand::AttributeToMembership {
        membership: membership.clone(),
        terms: Box::new(period.terms),
        reason: new.reason,
    };
    let written = send::<Payment>(&api, &caller, body.fingerprint, payment, command).await?;
    let id = membership.to_string();
    Ok(HttpResponse::Created().json(Written { id, ..written }))
}

fn refused(refusal: &MembershipError) -> Problem {
    let message = refusal.to_string();
    Problem::refused(&format!("membership.{}", refusal.as_ref()), &message)
}

/// What the payment would bring: what is set aside of it, or all that came; `None` if that is
/// nothing, which the payment refuses by itself.
async fn money_of(
    api: &Api,
    caller: &Caller,
    payment: PaymentId,
) -> Result<Option<(aggregates::vocabulary::ChargeRef, Money)>, Problem> {
    let id = payment.to_string();
    let bus = api.engine.bus();
    Ok(bus
        .inspect::<Payment, _>(caller.tenant, &id, |payment, _| {
            let money = payment.captured()?;
            let amount = payment.set_aside().unwrap_or(money.amount);
            amount.is_positive().then(|| (money.charge.clone(), amount))
        })
        .await?)
}

/// What a membership was started with.
async fn known(
    api: &Api,
    caller: &Caller,
    membership: &MembershipRef,
) -> Result<MembershipTerms, Problem> {
    let id = membership.to_string();
    let bus = api.engine.bus();
    let terms = bus.inspect::<Membership, _>(caller.tenant, &id, |known, _| known.terms().cloned());
    terms.await?.ok_or_else(|| Problem::not_found("membership"))
}

/// Why, and what goes back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEnd {
    /// The period that is cut short; default: the one that ends last.
    #[schema(value_type = Option<String>)]
    period: Option<PeriodRef>,
    #[serde(default)]
    refund: RefundWish,
    /// With `amount`: how much goes back, tax included.
    #[schema(value_type = Option<Object>)]
    amount: Option<Money>,
    reason: String,
}

/// What goes back of a period that is cut short.
#[derive(Debug, Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundWish {
    /// Nothing: the rest is forfeited.
    #[default]
    None,
    /// The part of the time that is left.
    ProRata,
    /// What `amount` says.
    Amount,
}

/// Cuts the running period short today, gives back what is asked for, and ends the membership when
/// no other period is left.
#[utoipa::path(post, path = "/v1/memberships/{membership}/cancel", tag = "memberships",
    request_body = NewEnd, responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    membership: web::Path<MembershipRef>,
    body: Body<NewEnd>,
) -> Result<HttpResponse, Problem> {
    let NewEnd { period, refund, amount, reason } = body.value;
    let permission = match refund {
        RefundWish::None => Permission::PlaceOrders,
        RefundWish::ProRata | RefundWish::Amount => Permission::DecideMoney,
    };
    caller.may(permission)?;
    let id = created_id!(RefundId, caller);
    let refund = match (refund, amount) {
        (RefundWish::None, None) => CancelRefund::Nothing,
        (RefundWish::ProRata, None) => CancelRefund::ProRata(id),
        (RefundWish::Amount, Some(amount)) => CancelRefund::Amount(id, amount),
        (RefundWish::Amount, None) | (RefundWish::None | RefundWish::ProRata, Some(_)) => {
            return Err(Problem::malformed("an amount goes with \"refund\": \"amount\""));
        }
    };
    let by = caller.person();
    let command = MembershipCommand::Cancel { period, refund, reason, by };
    let id = membership.into_inner();
    let written = send::<Membership>(&api, &caller, body.fingerprint, id, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhyEnded {
    reason: String,
}

/// Ends a membership: a running period is rendered to its end, and no other follows.
#[utoipa::path(post, path = "/v1/memberships/{membership}/end", tag = "memberships",
    request_body = WhyEnded, responses((status = 200, body = Written)))]
pub(crate) async fn end(
    api: web::Data<Api>,
    caller: Caller,
    membership: web::Path<MembershipRef>,
    body: Body<WhyEnded>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::PlaceOrders)?;
    let command = MembershipCommand::End { reason: body.value.reason, by: caller.person() };
    let id = membership.into_inner();
    let written = send::<Membership>(&api, &caller, body.fingerprint, id, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// How much of a period goes back, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPeriodRefund {
    /// Tax included; default: all that is left of it.
    #[schema(value_type = Option<Object>)]
    amount: Option<Money>,
    reason: String,
}

/// Gives money of a period back; the period goes on.
#[utoipa::path(post, path = "/v1/memberships/{membership}/periods/{period}/refunds",
    tag = "memberships", request_body = NewPeriodRefund,
    responses((status = 201, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn refund(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(MembershipRef, PeriodRef)>,
    body: Body<NewPeriodRefund>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let (membership, period) = path.into_inner();
    let refund = created_id!(RefundId, caller);
    let NewPeriodRefund { amount, reason } = body.value;
    let by = caller.person();
    let command = MembershipCommand::RefundPeriod { refund, period, amount, reason, by };
    let written = send::<Membership>(&api, &caller, body.fingerprint, membership, command).await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/refunds/{refund}")))
        .json(Written { id: refund.to_string(), ..written }))
}
