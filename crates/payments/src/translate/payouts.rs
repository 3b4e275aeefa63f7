//! Transfers, payouts to banks, and top-ups.
//!
//! A transfer or payout that names no payout of ours was made by somebody at Stripe, or by Stripe's
//! own schedule. It gets a payout of its own whose id derives from Stripe's, so that it is seen and
//! counted, with the seller of the account at the other end if there is one; nothing is invented
//! about why it was made. A transfer is not parked for an unknown account: the money has left the
//! platform's balance, and the open clearing account is the work item.

use aggregates::{
    link::Subject,
    payout::commands::PayoutCommand,
    policies::Command,
    topup::commands::TopupCommand,
    vocabulary::{AccountRef, TopupRef},
};
use engine::FreeMovement;
use kernel::{PayoutId, SellerId};

use super::{Draft, Message, Moves, Outcome, Stop, ignore};
use crate::{
    facts::{keys, ours, payout_fact, reversal_fact, topup_class, transfer_fact},
    objects::{Field, Metadata, Payout, Topup, Transfer, instant, money},
};

impl Message<'_> {
    pub(super) async fn transfer(&self) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore("a connected account's own transfer"));
        }
        let transfer: Transfer = self.read()?;
        let fact = transfer_fact(&transfer)?;
        let account = fact.account.clone();
        let reference = fact.transfer.clone();
        let seller = self.seller_of(&account).await?;
        let payout = self.payout_of(reference.as_str(), &transfer.metadata).await?;
        let mut draft = Draft::default();
        draft.link(reference.as_str(), Subject::Payout(payout));
        let sent = Moves {
            movement: FreeMovement::Transfer,
            source: reference.as_str(),
            amount: fact.amount,
            counterpart: Some(&account),
            occurred_at: fact.occurred_at,
        };
        draft.transaction(
            &transfer.balance_transaction,
            "balance_transaction",
            None,
            Some(&sent),
        )?;
        draft.command(Command::Payout(
            payout,
            PayoutCommand::NoteTransfer { payout, seller, fact: fact.clone() },
        ));
        for reversal in
            transfer.reversals.maybe("reversals")?.into_iter().flat_map(|list| &list.data)
        {
            let fact = reversal_fact(reversal, &reference, &account)
                .map_err(|fault| fault.inside("reversals"))?;
            let returned = Moves {
                movement: FreeMovement::TransferRefund,
                source: fact.reversal.as_str(),
                amount: fact.amount,
                counterpart: Some(&account),
                occurred_at: fact.occurred_at,
            };
            let field = &reversal.balance_transaction;
            draft.transaction(field, "reversals.balance_transaction", None, Some(&returned))?;
            draft.link(fact.reversal.as_str(), Subject::Payout(payout));
            draft.command(Command::Payout(
                payout,
                PayoutCommand::NoteReversal { payout, seller, fact },
            ));
        }
        Ok(draft.apply())
    }

    pub(super) fn payout(&self, seller: Option<SellerId>) -> Outcome {
        let payout: Payout = self.read()?;
        let account: Option<AccountRef> = self.info.account.clone();
        let fact = payout_fact(&payout, account.clone(), seller, &self.said())?;
        let id = fact.stripe_payout.clone();
        let ours = ours(&payout.metadata, keys::PAYOUT, self.info.tenant)
            .unwrap_or_else(|| PayoutId::derived(&[&self.tenant_text(), id.as_str()]));
        let mut draft = Draft::default();
        draft.link(id.as_str(), Subject::Payout(ours));
        let sent = Moves {
            movement: FreeMovement::Payout,
            source: fact.stripe_payout.as_str(),
            amount: fact.amount,
            counterpart: None,
            occurred_at: fact.occurred_at,
        };
        let returned = Moves {
            movement: FreeMovement::PayoutFailure,
            occurred_at: self.said().at().max(fact.occurred_at),
            ..sent
        };
        if self.info.kind == "payout.reconciliation_completed" {
            draft.transactions_of(id, account.clone());
        }
        let account = account.as_ref();
        draft.transaction(
            &payout.balance_transaction,
            "balance_transaction",
            account,
            Some(&sent),
        )?;
        draft.transaction(
            &payout.failure_balance_transaction,
            "failure_balance_transaction",
            account,
            Some(&returned),
        )?;
        let command = PayoutCommand::MergeFact { payout: ours, fact: Box::new(fact) };
        draft.command(Command::Payout(ours, command));
        Ok(draft.apply())
    }

    pub(super) fn topup(&self) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore("a connected account's own top-up"));
        }
        let topup: Topup = self.read()?;
        let id = topup.id.need("id")?.as_str();
        let amount = money(&topup.amount, "amount", &topup.currency)?;
        let status = topup.status.need("status")?.clone();
        let occurred_at = instant(&topup.created, "created")?;
        let movement = FreeMovement::Topup;
        let arrived = Moves { movement, source: id, amount, counterpart: None, occurred_at };
        let mut draft = Draft::default();
        draft.transaction(
            &topup.balance_transaction,
            "balance_transaction",
            None,
            Some(&arrived),
        )?;
        let reference = TopupRef::from(id);
        draft.command(Command::Topup(
            reference.clone(),
            TopupCommand::MergeFact {
                topup: reference,
                amount,
                rank: self.said().rank(topup_class(&status)),
                status,
                txn: crate::facts::maybe_txn(&topup.balance_transaction, "balance_transaction")?,
                occurred_at,
            },
        ));
        Ok(draft.apply())
    }

    async fn payout_of(&self, object: &str, metadata: &Field<Metadata>) -> Result<PayoutId, Stop> {
        if let Some(payout) = ours(metadata, keys::PAYOUT, self.info.tenant) {
            return Ok(payout);
        }
        Ok(match self.links.subject(object).await? {
            Some(Subject::Payout(payout)) => payout,
            _ => PayoutId::derived(&[&self.tenant_text(), object]),
        })
    }
}
