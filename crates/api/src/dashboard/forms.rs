//! What the dashboard's forms do: the same commands as the API's, sent in the same way.
//!
//! Every form repeats the session's token, so that no other site can send it, and a word for one use,
//! so that a double click does its work once.

use actix_web::{HttpResponse, web};
use aggregates::{
    refund::{Refund, commands::RefundCommand},
    seller_account::{SellerAccount, commands::SellerAccountCommand},
};
use kernel::{Currency, PayoutId, RefundId, SellerId};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::Deserialize;
use store::fingerprint;

use super::{
    frame::see_other,
    trouble::{Trouble, Visitor},
};
use crate::{
    commands::{may_with_refund, send},
    created_id,
    extract::Caller,
    permissions::Permission,
    problem::Problem,
    session,
    state::Api,
};

/// The visitor as the sender of a form.
///
/// # Errors
/// 403 when the form does not repeat the session's token.
pub(crate) fn sender(visitor: Visitor, csrf: &str, once: &str) -> Result<Caller, Trouble> {
    let mut caller = visitor.0;
    if !session::is_genuine(caller.csrf.as_deref(), csrf) {
        let detail = "this form was not made for your session; open the page again";
        let status = actix_web::http::StatusCode::FORBIDDEN;
        return Err(Problem::new(status, "session.form_not_genuine", detail).into());
    }
    let fits = !once.is_empty()
        && once.len() <= 100
        && once.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !fits {
        return Err(Trouble::malformed("this form is not complete; open the page again"));
    }
    caller.idempotency_key = Some(format!("form/{once}"));
    Ok(caller)
}

/// A decision about a refund.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    csrf: String,
    once: String,
    #[serde(default)]
    note: String,
}

/// Approves a refund.
pub(crate) async fn approve(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    form: web::Form<Decision>,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    let by = caller.person();
    decide(&api, &caller, &path, RefundCommand::Approve { by }, "approved", "").await
}

/// Declines a refund.
pub(crate) async fn decline(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    form: web::Form<Decision>,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    let note = form.note.trim();
    if note.is_empty() || note.chars().count() > 500 {
        return Err(Trouble::malformed("say in at most 500 characters why not"));
    }
    let command = RefundCommand::Decline { note: note.to_owned(), by: caller.person() };
    decide(&api, &caller, &path, command, "declined", note).await
}

async fn decide(
    api: &Api,
    caller: &Caller,
    id: &str,
    command: RefundCommand,
    done: &str,
    note: &str,
) -> Result<HttpResponse, Trouble> {
    let list = "/dashboard/refunds";
    let refund: RefundId = id.parse().map_err(|_| Trouble::not_found("refund"))?;
    may_with_refund(api, caller, Permission::DecideRefunds, refund).await?;
    let print = fingerprint(&[done.as_bytes(), id.as_bytes(), note.as_bytes()]);
    let written = send::<Refund>(api, caller, print, refund, command)
        .await
        .map_err(|problem| Trouble::from(problem).back_to(list))?;
    Ok(see_other(&format!("{list}?done={done}&after={}", written.position)))
}

/// A payout asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutForm {
    csrf: String,
    once: String,
    currency: String,
    amount: String,
}

/// Requests a payout.
pub(crate) async fn request_payout(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    form: web::Form<PayoutForm>,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    let seller: SellerId = path.parse().map_err(|_| Trouble::not_found("seller"))?;
    caller.may_for(Permission::RequestPayouts, seller)?;
    let home = format!("/dashboard/sellers/{seller}");
    let wrong = |words: &str| Trouble::malformed(words).back_to(home.as_str());
    let currency: Currency = form.currency.parse().map_err(|_| wrong("this is no currency"))?;
    let amount = minor_of(&form.amount, currency)
        .filter(|minor| *minor > 0)
        .ok_or_else(|| wrong("write the amount in digits, such as 120.50"))?;
    let payout = created_id!(PayoutId, caller);
    let command = SellerAccountCommand::ReserveForPayout {
        payout,
        currency,
        amount: Some(amount),
        minimum: caller.info.policy.payout_minimum,
        by: caller.person(),
    };
    let parts = [seller.to_string(), currency.to_string(), amount.to_string()];
    let print =
        fingerprint(&[b"payout", parts[0].as_bytes(), parts[1].as_bytes(), parts[2].as_bytes()]);
    let written = send::<SellerAccount>(&api, &caller, print, seller, command)
        .await
        .map_err(|problem| Trouble::from(problem).back_to(home.as_str()))?;
    Ok(see_other(&format!("{home}?done=payout&after={}", written.position)))
}

/// Minor units of an amount as a person writes it: `1,234.50`. `None` if it is none, or finer than
/// the currency.
pub(crate) fn minor_of(text: &str, currency: Currency) -> Option<i64> {
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | ' ' | '\u{a0}')).collect();
    let amount: Decimal = digits.parse().ok()?;
    let scale = u32::from(currency.facts().stripe_exponent);
    let minor = amount.checked_mul(Decimal::from(10_i64.checked_pow(scale)?))?;
    minor.is_integer().then(|| minor.to_i64()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let jpy: Currency = "JPY".parse().unwrap();
        assert_eq!(minor_of("1,234.50", Currency::USD), Some(123_450));
        assert_eq!(minor_of(" 12 ", Currency::USD), Some(1200));
        assert_eq!(minor_of("5000", jpy), Some(5000));
        for (wrong, currency) in [
            ("", Currency::USD),
            ("1.234", Currency::USD),
            ("5000.5", jpy),
            ("ten", Currency::USD),
            ("99999999999999999999", Currency::USD),
        ] {
            assert_eq!(minor_of(wrong, currency), None, "{wrong}");
        }
    }
}
