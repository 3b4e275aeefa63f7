//! What a message becomes, as it is put together.

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, Provenance, TransactionRecord},
    link::Subject,
    policies::Command,
    vocabulary::{AccountRef, ChargeRef, StripePayoutRef, TxnRef},
};
use engine::{FreeMovement, Moved, Translation, Want, assumed_record};
use kernel::{Money, Timestamp};

use crate::{
    facts::transaction_record,
    objects::{BalanceTransaction, Expandable, Fault, Field},
};

/// An object that moves its own amount without a fee: what its balance transaction must say when
/// nobody can be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moves<'a> {
    pub(super) movement: FreeMovement,
    /// The object.
    pub(super) source: &'a str,
    pub(super) amount: Money,
    /// The connected account at the other end of a transfer.
    pub(super) counterpart: Option<&'a AccountRef>,
    pub(super) occurred_at: Timestamp,
}

impl Moves<'_> {
    fn record(&self, txn: &TxnRef, account: Option<&AccountRef>) -> TransactionRecord {
        assumed_record(&Moved {
            movement: self.movement,
            txn: txn.clone(),
            account: account.cloned(),
            source: self.source.to_owned(),
            counterpart: self.counterpart.cloned(),
            amount: self.amount,
            occurred_at: self.occurred_at,
            available_on: None,
        })
    }
}

/// Links, commands and wants, in the order in which they are to be done.
#[derive(Debug, Default)]
pub(super) struct Draft {
    links: Vec<(String, Subject)>,
    commands: Vec<Command>,
    wants: Vec<Want>,
}

impl Draft {
    pub(super) fn link(&mut self, object: impl Into<String>, subject: Subject) {
        self.links.push((object.into(), subject));
    }

    pub(super) fn command(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// Records a balance transaction that stands inside the message. Those of other balances than
    /// the normal one are left out.
    pub(super) fn record(
        &mut self,
        given: &BalanceTransaction,
        source: Option<&str>,
        account: Option<&AccountRef>,
    ) -> Result<(), Fault> {
        if let Some(mut record) = transaction_record(given, account, Provenance::Inline)? {
            record.source = record.source.or_else(|| source.map(str::to_owned));
            self.commands.push(Command::BalanceTransaction(
                record.txn.clone(),
                BalanceTransactionCommand::Record(Box::new(record)),
            ));
        }
        Ok(())
    }

    /// A balance transaction that an object refers to: recorded if it is expanded, wanted if not.
    /// `moves` says what it must be when nobody can be asked.
    pub(super) fn transaction(
        &mut self,
        field: &Field<Expandable<BalanceTransaction>>,
        name: &'static str,
        account: Option<&AccountRef>,
        moves: Option<&Moves<'_>>,
    ) -> Result<(), Fault> {
        match field.maybe(name)? {
            None => {}
            Some(Expandable::Object(given)) => {
                self.record(given, moves.map(|moves| moves.source), account)
                    .map_err(|fault| fault.inside(name))?;
            }
            Some(Expandable::Id(id)) => {
                let txn = TxnRef::from(id.as_str());
                let assumed = moves.map(|moves| Box::new(moves.record(&txn, account)));
                self.wants.push(Want::Transaction { txn, account: account.cloned(), assumed });
            }
        }
        Ok(())
    }

    pub(super) fn refunds_of(&mut self, charge: ChargeRef) {
        self.wants.push(Want::RefundsOfCharge(charge));
    }

    pub(super) fn transactions_of(&mut self, payout: StripePayoutRef, account: Option<AccountRef>) {
        self.wants.push(Want::TransactionsOfPayout { payout, account });
    }

    /// It is to be done; if there is nothing in it, it is ignored for this reason.
    pub(super) fn apply_or(self, why: &str) -> Translation {
        if self.links.is_empty() && self.commands.is_empty() && self.wants.is_empty() {
            return Translation::Ignore { why: why.to_owned() };
        }
        self.apply()
    }

    pub(super) fn apply(self) -> Translation {
        let Self { links, commands, wants } = self;
        Translation::Apply { links, commands, wants }
    }

    /// It waits for the link of this object. What moved at Stripe is booked at once.
    pub(super) fn park(self, by: impl Into<String>) -> Translation {
        let Self { commands, wants, .. } = self;
        Translation::Park { by: by.into(), commands, wants }
    }
}
