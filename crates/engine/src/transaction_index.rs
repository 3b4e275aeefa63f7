//! A read model of the engine's own: which balance transaction belongs to which Stripe object.

use std::{sync::Arc, time::Duration};

use aggregates::{balance_transaction::BalanceTransactionEvent, fact::Fact, vocabulary::TxnRef};
use async_trait::async_trait;
use kernel::TenantId;
use projections::{FoldError, Occurrence, Projection, Rows, Wanted};
use store::{Field, LogError, Position, Table, TableDef, Value, Views, ViewsExt};

use crate::{bus::TransactionIndex, projector::Projector};

/// How long a reaction waits for the index; it is tried again afterwards.
const PATIENCE: Duration = Duration::from_secs(30);

store::table! {
    /// The first balance transaction of a Stripe object on the platform's balance.
    pub struct TransactionSource as "transaction_sources" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Stripe's object, such as ch_...
            source: String,
        }
        /// Its balance transaction, txn_...
        txn: String,
    }
}

/// Keeps [`TransactionSource`]; a payment that is captured after its balance transaction was
/// recorded finds it here.
#[derive(Debug, Clone, Copy)]
pub struct TransactionSources;

fn source_of<'a>(occurrence: &Occurrence<'a>) -> Option<(&'a str, &'a TxnRef)> {
    let Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { record, .. }) =
        occurrence.fact
    else {
        return None;
    };
    let is_charge = matches!(record.kind.as_str(), "charge" | "payment");
    let source = record.source.as_deref().filter(|_| is_charge && record.account.is_none())?;
    Some((source, &record.txn))
}

fn key(tenant: TenantId, source: &str) -> Vec<Value> {
    vec![tenant.to_value(), Value::text(source)]
}

impl Projection for TransactionSources {
    fn name(&self) -> &'static str {
        "transaction_sources"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[TransactionSource::TABLE] }
    }

    fn reads_entries(&self) -> bool {
        false
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        if let Some((source, _)) = source_of(occurrence) {
            wanted.row::<TransactionSource>(key(occurrence.tenant(), source));
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        if let Some((source, txn)) = source_of(occurrence) {
            let tenant = occurrence.tenant();
            rows.upsert(key(tenant, source), || TransactionSource {
                tenant,
                source: source.to_owned(),
                txn: txn.to_string(),
            })?;
        }
        Ok(())
    }
}

/// Answers from the read model, once it has come far enough.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) projector: Arc<Projector>,
    pub(crate) views: Arc<dyn Views>,
}

#[async_trait]
impl TransactionIndex for Index {
    async fn transaction_of(
        &self,
        tenant: TenantId,
        source: &str,
        known_at: Position,
    ) -> Result<Option<TxnRef>, LogError> {
        let name = TransactionSources.name();
        self.projector
            .wait_for_one(name, known_at, PATIENCE)
            .await
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        let row: Option<TransactionSource> = self
            .views
            .row(tenant, (source.to_owned(),))
            .await
            .map_err(|error| LogError::Unavailable(error.to_string()))?;
        Ok(row.map(|row| TxnRef(row.txn)))
    }
}
