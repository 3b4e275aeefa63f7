//! What a read model is: a fold of facts into rows, and the rows of one batch while they are folded.
//!
//! The engine asks a [`Projection`] which rows it will need ([`Projection::keys`]), loads those, folds
//! a batch, and writes what [`Rows::take_writes`] says in one transaction with the checkpoint. A row
//! that was not asked for cannot be read by mistake: that is a [`FoldError::NotLoaded`].

use aggregates::fact::Fact;
use store::{Metadata, Recorded, TableDef, ViewsError};

use crate::postings::{Entry, PostingFault};

mod rows;

pub use rows::{Rows, Wanted, Writes};

/// One event of the log, with everything that is known of it. `entries` are its postings, computed
/// once for all projections.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// The event as stored.
    pub recorded: &'a Recorded,
    /// The fact it states.
    pub fact: &'a Fact,
    /// Who, in which request, because of what.
    pub metadata: &'a Metadata,
    /// What it does to the books; see [`crate::postings`].
    pub entries: &'a [Entry],
}

impl Occurrence<'_> {
    /// Whose event it is.
    #[must_use]
    pub const fn tenant(&self) -> kernel::TenantId {
        self.recorded.stream.tenant
    }

    /// The id of the stream within its tenant, as one of our ids.
    ///
    /// # Errors
    /// [`FoldError::Subject`] when the stream is not named after such an id.
    pub fn subject<T: std::str::FromStr>(&self) -> Result<T, FoldError> {
        self.recorded
            .stream
            .id
            .parse()
            .map_err(|_| FoldError::Subject(self.recorded.stream.to_string()))
    }
}

/// Why a fact could not be folded. The projection stops there, visibly; the others go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A row is read that [`Projection::keys`] did not ask for: a mistake in the projection.
    #[error("the row {key} of {table} was not loaded; the projection did not ask for it")]
    NotLoaded {
        /// The table.
        table: &'static str,
        /// The key, for people.
        key: String,
    },
    /// A row was put under a key that is not its own: a mistake in the projection.
    #[error("a row of {table} was put under the key {key}, which is not its own")]
    KeyChanged {
        /// The table.
        table: &'static str,
        /// The key, for people.
        key: String,
    },
    /// The stored rows cannot be read.
    #[error(transparent)]
    Row(#[from] ViewsError),
    /// A stream is not named after the kind of id its events speak of.
    #[error("the stream {0} is not named after the thing its events are about")]
    Subject(String),
    /// A sum does not fit into 64 bits of minor units.
    #[error("the {0} exceeds 64-bit minor units")]
    Overflow(&'static str),
    /// The fact cannot be posted.
    #[error(transparent)]
    Posting(#[from] PostingFault),
}

/// A read model. Pure: the same facts always give the same rows.
pub trait Projection: Send + Sync {
    /// What its reader would call it, such as `seller_balances`.
    fn name(&self) -> &'static str;

    /// Raise it and the next start rebuilds.
    fn version(&self) -> u32;

    /// Its tables.
    fn tables(&self) -> &'static [TableDef];

    /// Whether it reads [`Occurrence::entries`]. One that does not goes on where a fact cannot be
    /// posted; the others stop there.
    fn reads_entries(&self) -> bool {
        true
    }

    /// Names the rows this occurrence will read or change, so that they can be loaded first.
    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted);

    /// Folds one occurrence into the rows.
    ///
    /// # Errors
    /// [`FoldError`]; the engine then stops this projection and keeps the rows as they were.
    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError>;
}

/// The values of a key, in the order of the key's columns.
macro_rules! key {
    ($($part:expr),+ $(,)?) => { vec![$(store::Field::to_value(&$part)),+] };
}
pub(crate) use key;

/// Adds minor units, checked.
pub(crate) fn add(total: &mut i64, minor: i64, what: &'static str) -> Result<(), FoldError> {
    *total = total.checked_add(minor).ok_or(FoldError::Overflow(what))?;
    Ok(())
}

/// Declares a projection whose work is done by two functions of its module, `keys` and `fold`, and
/// which has no use for postings.
macro_rules! read_model {
    ($(#[doc = $doc:literal])+ $type:ident = $name:literal, version $version:expr, [$($row:ident),+ $(,)?]) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $type;

        impl $crate::Projection for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn version(&self) -> u32 {
                $version
            }

            fn tables(&self) -> &'static [store::TableDef] {
                const { &[$(<$row as store::Table>::TABLE),+] }
            }

            fn reads_entries(&self) -> bool {
                false
            }

            fn keys(&self, occurrence: &$crate::Occurrence<'_>, wanted: &mut $crate::Wanted) {
                keys(occurrence, wanted);
            }

            fn fold(
                &self,
                occurrence: &$crate::Occurrence<'_>,
                rows: &mut $crate::Rows,
            ) -> Result<(), $crate::FoldError> {
                fold(occurrence, rows)
            }
        }
    };
}
pub(crate) use read_model;
