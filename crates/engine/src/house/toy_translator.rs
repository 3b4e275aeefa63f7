//! Messages of four words at most, so that the tests are about the worker and not about Stripe.

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, Provenance, TransactionRecord},
    link::Subject,
    order::commands::OrderCommand,
    policies::Command,
};
use async_trait::async_trait;
use kernel::{Currency, OrderId, PaymentId, Timestamp};

use crate::{
    testing::NOON,
    translator::{Links, LinksUnavailable, ReceivedInfo, Translation, Translator, Want},
};

/// Understands `link X`, `about X`, `wants TXN`, `refused`, `refused wants TXN`, `dull`, and nothing
/// else.
pub(super) struct ToyTranslator;

/// The payment that everything about an object belongs to.
pub(super) fn payment(object: &str) -> PaymentId {
    PaymentId::derived(&["toy", object])
}

/// A charge's balance transaction.
pub(super) fn record(txn: &str, charge: &str) -> TransactionRecord {
    TransactionRecord {
        txn: txn.into(),
        account: None,
        kind: "charge".to_owned(),
        category: "charge".to_owned(),
        source: Some(charge.to_owned()),
        counterpart: None,
        currency: Currency::EUR,
        amount: 10_00,
        fee: 59,
        net: 9_41,
        fee_details: Vec::new(),
        exchange_rate: None,
        available_on: Timestamp::from_millis(NOON).plus_days(2),
        occurred_at: Timestamp::from_millis(NOON),
        provenance: Provenance::Inline,
    }
}

fn refused() -> Command {
    Command::Order(OrderId::derived(&["nobody's"]), OrderCommand::Expire)
}

#[async_trait]
impl Translator for ToyTranslator {
    fn lane(&self, _received: &ReceivedInfo, body: &[u8]) -> String {
        String::from_utf8_lossy(body).into_owned()
    }

    async fn translate(
        &self,
        received: &ReceivedInfo,
        body: &[u8],
        links: &dyn Links,
    ) -> Result<Translation, LinksUnavailable> {
        let text = String::from_utf8_lossy(body);
        let apply = |links, commands, wants| Translation::Apply { links, commands, wants };
        Ok(match text.split(' ').collect::<Vec<_>>().as_slice() {
            ["link", object] => {
                let subject = Subject::Payment(payment(object));
                apply(vec![((*object).to_owned(), subject)], Vec::new(), Vec::new())
            }
            ["about", object] if links.subject(object).await?.is_none() => {
                let (commands, wants) = (Vec::new(), Vec::new());
                Translation::Park { by: (*object).to_owned(), commands, wants }
            }
            ["about", object] => {
                let txn = format!("txn_{}", received.event);
                let record = BalanceTransactionCommand::Record(Box::new(record(&txn, object)));
                let command = Command::BalanceTransaction(txn.into(), record);
                apply(Vec::new(), vec![command], Vec::new())
            }
            ["wants", txn] => {
                let txn = (*txn).into();
                let want = Want::Transaction { txn, account: None, assumed: None };
                apply(Vec::new(), Vec::new(), vec![want])
            }
            ["refused"] => apply(Vec::new(), vec![refused()], Vec::new()),
            ["refused", "wants", txn] => {
                let given = format!("{txn}_given");
                let record =
                    BalanceTransactionCommand::Record(Box::new(record(&given, "ch_given")));
                let commands = vec![refused(), Command::BalanceTransaction(given.into(), record)];
                let txn = (*txn).into();
                let want = Want::Transaction { txn, account: None, assumed: None };
                apply(Vec::new(), commands, vec![want])
            }
            ["dull"] => Translation::Ignore { why: "class C".to_owned() },
            _ => Translation::Quarantine { error: format!("\"{text}\" makes no sense") },
        })
    }
}
