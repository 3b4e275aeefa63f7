//! Calls that change something at Stripe, each with its idempotency key and our ids in metadata.

use std::collections::{BTreeMap, HashMap};

use aggregates::{
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    refund::commands::RefundFact,
    vocabulary::{EventRef, SessionRef},
};
use engine::{
    ports::{
        CloseDispute, CreatePayout, CreateRefund, CreateSession, CreateTransfer, OpenedSession,
        ReverseTransfer, StripeCallError, SubmitEvidence,
    },
    stripe_metadata::Metadata,
};
use kernel::{Currency, TenantId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use stripe::StripeRequest;
use stripe_client_core::{RequestBuilder, StripeMethod};

use super::{
    StripeGateway,
    call::{Call, unreadable},
};
use crate::{
    facts::{Said, payout_fact, refund_fact, reversal_fact, session_intent, transfer_fact},
    objects::{Field, Payout, Refund, Reversal, Session, Transfer},
};

fn stripe_currency(currency: Currency) -> stripe_types::Currency {
    let Ok(known) = currency.stripe_code().parse::<stripe_types::Currency>();
    known
}

/// As the Stripe crate takes it.
fn owned(metadata: Metadata) -> HashMap<String, String> {
    metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What Stripe says of an object it has just made ranks by the object's own time: the answer may be
/// a repeated one, and older than news that came since.
fn made(created: &Field<i64>) -> Said {
    Said { created: *created.get().unwrap_or(&0), event: EventRef::from("fetch") }
}

/// Evidence, by Stripe's field names. Stripe refuses a name it does not know.
#[derive(Serialize)]
struct Evidence<'a> {
    evidence: &'a BTreeMap<String, String>,
    submit: bool,
}

impl StripeGateway {
    pub(super) async fn open_session(
        &self,
        call: &CreateSession,
    ) -> Result<OpenedSession, StripeCallError> {
        let session: Session =
            self.call(session_request(call).build(), Call::change(&call.idempotency_key)).await?;
        let opened = || {
            Ok(OpenedSession {
                session: session.id.need("id")?.as_str().into(),
                url: session.url.get().cloned(),
                intent: session_intent(&session).map(Into::into),
                expires_at: session
                    .expires_at
                    .get()
                    .map_or(call.expires_at, |seconds| Timestamp::from_unix_seconds(*seconds)),
            })
        };
        opened().map_err(|fault| unreadable(&fault))
    }

    pub(super) async fn end_session(
        &self,
        tenant: TenantId,
        session: &SessionRef,
    ) -> Result<(), StripeCallError> {
        let request =
            stripe_checkout::checkout_session::ExpireCheckoutSession::new(session.as_str());
        let key = format!("db:{tenant}:session:{session}:expire");
        self.call::<Box<RawValue>>(request.build(), Call::change(&key)).await.map(drop)
    }

    pub(super) async fn make_refund(
        &self,
        call: &CreateRefund,
    ) -> Result<RefundFact, StripeCallError> {
        let request = stripe_core::refund::CreateRefund::new()
            .charge(call.charge.as_str())
            .amount(call.amount.minor())
            .metadata(owned(call.metadata()));
        let refund: Refund =
            self.call(request.build(), Call::change(&call.idempotency_key)).await?;
        refund_fact(&refund, &made(&refund.created)).map_err(|fault| unreadable(&fault))
    }

    pub(super) async fn make_transfer(
        &self,
        call: &CreateTransfer,
    ) -> Result<TransferFact, StripeCallError> {
        let request = stripe_connect::transfer::CreateTransfer::new(
            stripe_currency(call.amount.currency()),
            call.account.as_str(),
        )
        .amount(call.amount.minor())
        .transfer_group(call.payout.to_string())
        .metadata(owned(call.metadata()));
        let transfer: Transfer =
            self.call(request.build(), Call::change(&call.idempotency_key)).await?;
        transfer_fact(&transfer).map_err(|fault| unreadable(&fault))
    }

    pub(super) async fn make_payout(
        &self,
        call: &CreatePayout,
    ) -> Result<PayoutFact, StripeCallError> {
        let request = stripe_core::payout::CreatePayout::new(
            call.amount.minor(),
            stripe_currency(call.amount.currency()),
        )
        .metadata(owned(call.metadata()));
        let account = Some(&call.account);
        let payout: Payout =
            self.call(request.build(), Call::change(&call.idempotency_key).on(account)).await?;
        payout_fact(&payout, account.cloned(), None, &made(&payout.created))
            .map_err(|fault| unreadable(&fault))
    }

    pub(super) async fn make_reversal(
        &self,
        call: &ReverseTransfer,
    ) -> Result<ReversalFact, StripeCallError> {
        let request = stripe_connect::transfer_reversal::CreateIdTransferReversal::new(
            call.transfer.as_str(),
        )
        .amount(call.amount.minor())
        .metadata(owned(call.metadata()));
        let reversal: Reversal =
            self.call(request.build(), Call::change(&call.idempotency_key)).await?;
        reversal_fact(&reversal, &call.transfer, &call.account).map_err(|fault| unreadable(&fault))
    }

    pub(super) async fn send_evidence(&self, call: &SubmitEvidence) -> Result<(), StripeCallError> {
        let path = format!("/disputes/{}", call.stripe_dispute);
        let request = RequestBuilder::new(StripeMethod::Post, path)
            .form(&Evidence { evidence: &call.fields, submit: true });
        self.call::<Box<RawValue>>(request, Call::change(&call.idempotency_key)).await.map(drop)
    }

    pub(super) async fn accept_dispute(&self, call: &CloseDispute) -> Result<(), StripeCallError> {
        let request = stripe_core::dispute::CloseDispute::new(call.stripe_dispute.as_str());
        let change = Call::change(&call.idempotency_key);
        self.call::<Box<RawValue>>(request.build(), change).await.map(drop)
    }
}

/// One line for the whole order: what it consists of is ours to know.
fn session_request(
    call: &CreateSession,
) -> stripe_checkout::checkout_session::CreateCheckoutSession {
    use stripe_checkout::checkout_session::{
        CreateCheckoutSession, CreateCheckoutSessionLineItems,
        CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData,
        ProductData,
    };
    let ours = owned(call.metadata());
    let mut price =
        CreateCheckoutSessionLineItemsPriceData::new(stripe_currency(call.amount.currency()));
    price.unit_amount = Some(call.amount.minor());
    price.product_data = Some(ProductData::new(format!("Order {}", call.order)));
    let mut line = CreateCheckoutSessionLineItems::new();
    line.quantity = Some(1);
    line.price_data = Some(price);
    let mut intent = CreateCheckoutSessionPaymentIntentData::new();
    intent.metadata = Some(ours.clone());
    intent.transfer_group = Some(call.transfer_group.clone());
    CreateCheckoutSession::new()
        .mode(stripe_checkout::CheckoutSessionMode::Payment)
        .client_reference_id(call.order.to_string())
        .line_items(vec![line])
        .payment_intent_data(intent)
        .metadata(ours)
        .success_url(call.success_url.clone())
        .cancel_url(call.cancel_url.clone())
        .expires_at(call.expires_at.unix_seconds())
}
