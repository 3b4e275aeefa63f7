//! Refunds and disputes.

use aggregates::{
    dispute::commands::DisputeCommand, link::Subject, policies::Command,
    refund::commands::RefundCommand, vocabulary::ChargeRef,
};
use engine::FreeMovement;
use kernel::{DisputeId, PaymentId, RefundId};

use super::{Draft, Message, Moves, Outcome, Stop};
use crate::{
    facts::{dispute_fact, id_of, keys, ours, refund_fact},
    objects::{Dispute, Fault, Refund},
};

/// What became of a refund inside a message.
pub(super) enum Routed {
    /// It is drafted.
    Done,
    /// Nobody knows its payment; this is what it hangs on.
    Unknown(String),
}

impl Message<'_> {
    pub(super) async fn refund(&self) -> Outcome {
        let refund: Refund = self.read()?;
        let mut draft = Draft::default();
        if self.is_of_connected_account() {
            self.refund_transactions(&refund, &mut draft)?;
            return Ok(draft.apply_or("a connected account's own refund"));
        }
        let known =
            self.known_payment(id_of(&refund.payment_intent), id_of(&refund.charge)).await?;
        match self.merge_refund(&refund, known, &mut draft).await? {
            Routed::Done => Ok(draft.apply()),
            Routed::Unknown(by) => Ok(draft.park(by)),
        }
    }

    /// Drafts what a refund says. It is ours if its metadata says so or its link is known;
    /// otherwise somebody made it at Stripe, and its id derives from Stripe's.
    pub(super) async fn merge_refund(
        &self,
        refund: &Refund,
        payment: Option<PaymentId>,
        draft: &mut Draft,
    ) -> Result<Routed, Stop> {
        let id = refund.id.need("id")?.as_str();
        let fact = Box::new(refund_fact(refund, &self.said())?);
        self.refund_transactions(refund, draft)?;
        let external = RefundId::derived(&[&self.tenant_text(), id]);
        let linked = match self.links.subject(id).await? {
            Some(Subject::Refund(known)) => Some(known),
            _ => None,
        };
        let ours = linked.or_else(|| ours(&refund.metadata, keys::REFUND, self.info.tenant));
        let (target, command) = match (ours, payment) {
            (Some(known), _) if known != external => (known, RefundCommand::MergeFact(fact)),
            // The link alone does not prove that the refund was observed: we may have stopped
            // between the two. Observing again merges the fact.
            (_, Some(payment)) => {
                let charge = ChargeRef::from(refund.charge.need("charge")?.0.as_str());
                let refund = external;
                (external, RefundCommand::ObserveExternal { refund, payment, charge, fact })
            }
            (_, None) => {
                let by = id_of(&refund.payment_intent).or(id_of(&refund.charge));
                let by = by.ok_or_else(|| Fault::new("charge", "missing"))?;
                return Ok(Routed::Unknown(by.to_owned()));
            }
        };
        if linked != Some(target) {
            draft.link(id, Subject::Refund(target));
        }
        draft.command(Command::Refund(target, command));
        Ok(Routed::Done)
    }

    fn refund_transactions(&self, refund: &Refund, draft: &mut Draft) -> Result<(), Fault> {
        let id = refund.id.need("id")?.as_str();
        let fact = refund_fact(refund, &self.said())?;
        let account = self.info.account.as_ref();
        let taken = Moves {
            movement: FreeMovement::Refund,
            source: id,
            amount: fact.amount,
            counterpart: None,
            occurred_at: fact.occurred_at,
        };
        let returned = Moves {
            movement: FreeMovement::RefundFailure,
            occurred_at: self.said().at().max(fact.occurred_at),
            ..taken
        };
        draft.transaction(
            &refund.balance_transaction,
            "balance_transaction",
            account,
            Some(&taken),
        )?;
        draft.transaction(
            &refund.failure_balance_transaction,
            "failure_balance_transaction",
            account,
            Some(&returned),
        )
    }

    pub(super) async fn dispute(&self) -> Outcome {
        let dispute: Dispute = self.read()?;
        let id = dispute.id.need("id")?.as_str();
        let fact = Box::new(dispute_fact(&dispute, &self.said())?);
        let mut draft = Draft::default();
        for moved in dispute.balance_transactions.get().into_iter().flatten() {
            draft
                .record(moved, Some(id), self.info.account.as_ref())
                .map_err(|fault| fault.inside("balance_transactions"))?;
        }
        if self.is_of_connected_account() {
            return Ok(draft.apply_or("a connected account's own dispute"));
        }
        let (intent, charge) = (id_of(&dispute.payment_intent), id_of(&dispute.charge));
        let Some(payment) = self.known_payment(intent, charge).await? else {
            return Ok(draft.park(intent.or(charge).unwrap_or(fact.charge.as_str())));
        };
        let ours = DisputeId::derived(&[&self.tenant_text(), id]);
        draft.link(id, Subject::Dispute(ours));
        draft.command(Command::Dispute(
            ours,
            DisputeCommand::MergeFact { dispute: ours, payment, fact },
        ));
        Ok(draft.apply())
    }
}
