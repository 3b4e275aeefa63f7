//! Sessions, intents, charges and warnings: all of them say something about one payment.
//!
//! Which payment: the one its intent or charge belongs to already; otherwise the one our metadata
//! names; otherwise the one its session belongs to; otherwise one whose id derives from the intent
//! (or the charge, or the session), so that every message about it comes to the same id in whatever
//! order they arrive. What is known comes before the metadata so that one charge can never belong
//! to two payments.

use aggregates::{
    link::Subject,
    payment::{
        commands::{PaymentCommand, PaymentFact},
        events::Risk,
    },
    policies::Command,
};
use kernel::PaymentId;

use super::{Draft, Message, Outcome, Stop, ignore};
use crate::{
    facts::{
        SessionNews, charge_fact, id_of, intent_fact, keys, ours, session_fact, session_intent,
    },
    objects::{
        Charge, EarlyFraudWarning, Field, Intent, Metadata, Reference, Review, Session, instant,
    },
};

/// Why money that a connected account takes in by itself is no payment of ours.
const DIRECT: &str = "a connected account's own payment";

/// Stripe's ids that are about one payment.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Ids<'a> {
    pub(super) session: Option<&'a str>,
    pub(super) intent: Option<&'a str>,
    pub(super) charge: Option<&'a str>,
}

impl Message<'_> {
    pub(super) async fn session(&self) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore(DIRECT));
        }
        let session: Session = self.read()?;
        let failed = self.info.kind == "checkout.session.async_payment_failed";
        let fact = match session_fact(&session, failed, self.info.tenant, &self.said())? {
            SessionNews::Fact(fact) => fact,
            SessionNews::Nothing(why) => return Ok(ignore(why)),
        };
        let expanded = session.payment_intent.get().and_then(|intent| intent.object());
        let ids = Ids {
            session: session.id.get().map(String::as_str),
            intent: session_intent(&session),
            charge: expanded.and_then(|intent| id_of(&intent.latest_charge)),
        };
        let mut draft = Draft::default();
        let payment = self.payment(ids, &session.metadata, &mut draft).await?;
        draft.command(merge(payment, *fact));
        Ok(draft.apply())
    }

    pub(super) async fn intent(&self) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore(DIRECT));
        }
        let intent: Intent = self.read()?;
        let fact = intent_fact(&intent, self.info.tenant, &self.said())?;
        let ids = Ids {
            session: None,
            intent: intent.id.get().map(String::as_str),
            charge: id_of(&intent.latest_charge),
        };
        let mut draft = Draft::default();
        let payment = self.payment(ids, &intent.metadata, &mut draft).await?;
        draft.command(merge(payment, fact));
        Ok(draft.apply())
    }

    pub(super) async fn charge(&self) -> Outcome {
        let charge: Charge = self.read()?;
        let account = self.info.account.as_ref();
        let mut draft = Draft::default();
        let note_transactions = |draft: &mut Draft| {
            // What Stripe keeps of a charge is never guessed, so nothing is assumed.
            draft.transaction(&charge.balance_transaction, "balance_transaction", account, None)?;
            let failure = &charge.failure_balance_transaction;
            draft.transaction(failure, "failure_balance_transaction", account, None)
        };
        if self.is_of_connected_account() {
            note_transactions(&mut draft)?;
            return Ok(draft.apply_or(DIRECT));
        }
        let expired = self.info.kind == "charge.expired";
        let fact = charge_fact(&charge, expired, self.info.tenant, &self.said())?;
        let id = charge.id.need("id")?.as_str();
        let ids = Ids { session: None, intent: id_of(&charge.payment_intent), charge: Some(id) };
        let payment = self.payment(ids, &charge.metadata, &mut draft).await?;
        draft.command(merge(payment, fact));
        note_transactions(&mut draft)?;
        // API versions before 2022-11-15 list the refunds here.
        for refund in charge.refunds.maybe("refunds")?.into_iter().flat_map(|list| &list.data) {
            let merged = self.merge_refund(refund, Some(payment), &mut draft).await;
            merged.map_err(|stop| stop.inside("refunds"))?;
        }
        if self.info.kind == "charge.refunded" {
            draft.refunds_of(id.into());
        }
        Ok(draft.apply())
    }

    pub(super) async fn early_fraud_warning(&self) -> Outcome {
        let warning: EarlyFraudWarning = self.read()?;
        let risk = Risk::EarlyFraudWarning {
            warning: warning.id.need("id")?.clone(),
            actionable: *warning.actionable.get().unwrap_or(&true),
            kind: warning.fraud_type.get().cloned().unwrap_or_else(|| "misc".into()),
        };
        let intent = id_of(&warning.payment_intent);
        self.flag(risk, &warning.created, intent, &warning.charge).await
    }

    pub(super) async fn review(&self) -> Outcome {
        let review: Review = self.read()?;
        let id = review.id.need("id")?.clone();
        let latest = review.reason.get();
        let text = |own: &Field<String>| own.get().or(latest).cloned().unwrap_or_default();
        // Older API versions do not say `open`; the event's type does.
        let open = *review.open.get().unwrap_or(&(self.info.kind == "review.opened"));
        let risk = if open {
            Risk::ReviewOpened { review: id, reason: text(&review.opened_reason) }
        } else {
            Risk::ReviewClosed { review: id, reason: text(&review.closed_reason) }
        };
        self.flag(risk, &review.created, id_of(&review.payment_intent), &review.charge).await
    }

    async fn flag(
        &self,
        risk: Risk,
        created: &Field<i64>,
        intent: Option<&str>,
        charge: &Field<Reference>,
    ) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore(DIRECT));
        }
        let by = match (intent, id_of(charge)) {
            (Some(intent), _) => intent,
            (None, Some(charge)) => charge,
            (None, None) => charge.need("charge")?.0.as_str(),
        };
        let occurred_at = instant(created, "created")?;
        let mut draft = Draft::default();
        match self.known_payment(intent, id_of(charge)).await? {
            Some(payment) => {
                let command = PaymentCommand::FlagRisk { risk, occurred_at };
                draft.command(Command::Payment(payment, command));
                Ok(draft.apply())
            }
            None => Ok(draft.park(by)),
        }
    }

    /// The payment that an intent or a charge belongs to already.
    pub(super) async fn known_payment(
        &self,
        intent: Option<&str>,
        charge: Option<&str>,
    ) -> Result<Option<PaymentId>, Stop> {
        for object in [intent, charge].into_iter().flatten() {
            if let Some(Subject::Payment(payment)) = self.links.subject(object).await? {
                return Ok(Some(payment));
            }
        }
        Ok(None)
    }

    /// The payment these ids belong to, known or from now on; links that are missing are drafted.
    async fn payment(
        &self,
        ids: Ids<'_>,
        metadata: &Field<Metadata>,
        draft: &mut Draft,
    ) -> Result<PaymentId, Stop> {
        let mut known = Vec::with_capacity(3);
        for object in [ids.intent, ids.charge, ids.session].into_iter().flatten() {
            let subject = self.links.subject(object).await?;
            known.push((object, subject));
        }
        let of = |wanted: Option<&str>| {
            let found = known.iter().find(|(object, _)| Some(*object) == wanted);
            match found.and_then(|(_, subject)| *subject) {
                Some(Subject::Payment(payment)) => Some(payment),
                _ => None,
            }
        };
        let payment = of(ids.intent)
            .or_else(|| of(ids.charge))
            .or_else(|| ours(metadata, keys::PAYMENT, self.info.tenant))
            .or_else(|| of(ids.session))
            .unwrap_or_else(|| self.derived_payment(ids));
        for (object, subject) in &known {
            let is_ours = *subject == Some(Subject::Payment(payment));
            // A session that we opened stays with the payment that asked for it, also when its
            // intent has lost our metadata and was taken for another payment.
            let is_taken = Some(*object) == ids.session && subject.is_some();
            if !is_ours && !is_taken {
                draft.link(*object, Subject::Payment(payment));
            }
        }
        Ok(payment)
    }

    fn derived_payment(&self, ids: Ids<'_>) -> PaymentId {
        let object = ids.intent.or(ids.charge).or(ids.session).unwrap_or_default();
        PaymentId::derived(&[&self.tenant_text(), object])
    }
}

fn merge(payment: PaymentId, fact: PaymentFact) -> Command {
    Command::Payment(payment, PaymentCommand::MergeFact { payment, fact: Box::new(fact) })
}
