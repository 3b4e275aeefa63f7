//! The contract of read-model stores: one suite of cases that every [`Views`] must pass.
//!
//! A store runs it with [`views_contract!`](crate::views_contract), which makes one test of each
//! case, each on a fresh store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "these are tests, named as sentences; other crates run them, so they are not cfg(test)"
)]

mod questions;
mod steps;
mod versions;

use kernel::{TenantId, Timestamp};
use uuid::Uuid;

pub use self::questions::{
    a_name_that_does_not_exist_is_refused, a_prefix_means_itself, an_answer_has_one_order,
    every_filter_selects_what_it_says, every_row_is_handed_out_once,
    instants_are_found_in_any_spelling, one_of_many_values_may_be_asked_for,
    pages_continue_beyond_the_last_row, tenants_never_mix,
};
pub use self::steps::{
    a_closed_store_answers_nothing, a_step_from_a_moved_checkpoint_writes_nothing,
    a_step_that_fails_leaves_nothing, a_step_writes_rows_and_checkpoint_together,
    every_checkpoint_is_listed, load_gives_the_rows_that_exist,
    of_two_racing_steps_exactly_one_is_applied, readers_see_whole_steps_only,
    rows_are_replaced_and_removed_by_key,
};
pub use self::versions::{
    a_changed_table_needs_a_new_version, a_discarded_projection_can_start_again,
    a_new_version_may_have_other_columns, a_new_version_replaces_the_old_in_one_step,
    a_table_belongs_to_one_projection, nothing_is_answered_before_a_version_is_live,
};
use crate::{
    Checkpoint, Column, ColumnType, Filter, LogId, Position, Query, RowWrite, Table, TableDef,
    Views, ViewsExt, ViewsTransaction,
};

/// Runs every case on a store.
///
/// Takes the name of an async function that opens a fresh store and returns it with whatever must
/// outlive it (a temporary folder).
#[macro_export]
macro_rules! views_contract {
    ($open:ident) => {
        $crate::views_contract! { $open:
            a_step_writes_rows_and_checkpoint_together,
            a_step_from_a_moved_checkpoint_writes_nothing,
            of_two_racing_steps_exactly_one_is_applied,
            a_step_that_fails_leaves_nothing,
            rows_are_replaced_and_removed_by_key,
            load_gives_the_rows_that_exist,
            every_filter_selects_what_it_says,
            one_of_many_values_may_be_asked_for,
            a_prefix_means_itself,
            instants_are_found_in_any_spelling,
            pages_continue_beyond_the_last_row,
            every_row_is_handed_out_once,
            an_answer_has_one_order,
            tenants_never_mix,
            a_name_that_does_not_exist_is_refused,
            nothing_is_answered_before_a_version_is_live,
            a_new_version_replaces_the_old_in_one_step,
            a_new_version_may_have_other_columns,
            a_discarded_projection_can_start_again,
            a_changed_table_needs_a_new_version,
            a_table_belongs_to_one_projection,
            readers_see_whole_steps_only,
            every_checkpoint_is_listed,
            a_closed_store_answers_nothing,
        }
    };
    ($open:ident: $($case:ident),+ $(,)?) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (views, _kept_until_the_end) = $open().await;
            $crate::views_contract::$case(&views).await;
        }
    )+};
}

crate::table! {
    /// A parcel on a shelf.
    pub struct Parcel as "contract_parcels" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Which parcel.
            id: String,
        }
        /// Where it lies.
        shelf: String,
        /// Its weight in grams.
        grams: i64,
        /// When it was sent.
        sent_at: Option<Timestamp>,
        /// What is written on it; "it's" quoted.
        label: Option<String>,
        /// The last event folded into the row.
        #[unhashed]
        updated_position: Position,
    }
    indexes [["tenant", "shelf", "grams"], ["tenant", "label"]]
}

crate::table! {
    /// How much lies on a shelf.
    pub struct Shelf as "contract_shelves" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Which shelf.
            shelf: String,
        }
        /// The sum of the weights in grams.
        grams: i64,
    }
}

const TABLES: &[TableDef] = &[Parcel::TABLE, Shelf::TABLE];
const FIRST: &str = "contract_store@1";
const SECOND: &str = "contract_store@2";

const PARCELS_WITH_HEIGHT: &[TableDef] = &[
    TableDef {
        columns: &[
            Column { name: "tenant", kind: ColumnType::Text, comment: "Owner.", hashed: true },
            Column { name: "id", kind: ColumnType::Text, comment: "Which.", hashed: true },
            Column { name: "height", kind: ColumnType::Integer, comment: "In mm.", hashed: true },
        ],
        indexes: &[&["tenant", "height"]],
        ..Parcel::TABLE
    },
    Shelf::TABLE,
];

fn tenant(name: &str) -> TenantId {
    TenantId::derived(&[name])
}

fn parcel(id: &str, shelf: &str, grams: i64) -> Parcel {
    Parcel {
        tenant: tenant("acorn"),
        id: id.to_owned(),
        shelf: shelf.to_owned(),
        grams,
        sent_at: None,
        label: None,
        updated_position: Position(1),
    }
}

fn checkpoint(projection: &str, position: u64) -> Checkpoint {
    Checkpoint {
        projection: projection.to_owned(),
        log: LogId("contract".to_owned()),
        position: Position(position),
        event_id: event_at(position),
        state_hash: format!("{position:064x}"),
        rows: position,
        stopped: None,
    }
}

fn event_at(position: u64) -> Uuid {
    Uuid::from_u128(u128::from(position))
}

fn puts<T: Table>(rows: &[T]) -> (&'static str, Vec<RowWrite>) {
    (T::TABLE.name, rows.iter().map(|row| RowWrite::Put(row.to_values())).collect())
}

/// The step of a projection from one position (0: from the start) to the next.
fn step(
    projection: &str,
    from: u64,
    writes: impl IntoIterator<Item = (&'static str, Vec<RowWrite>)>,
) -> ViewsTransaction {
    ViewsTransaction {
        expected: (from > 0).then(|| (Position(from), event_at(from))),
        checkpoint: checkpoint(projection, from + 1),
        writes: writes.into_iter().collect(),
    }
}

/// A live store with these parcels.
async fn stocked(views: &dyn Views, parcels: &[Parcel]) {
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 0, [puts(parcels)])).await.unwrap();
    views.make_live(FIRST, TABLES).await.unwrap();
}

async fn ids(views: &dyn Views, query: Query) -> Vec<String> {
    views.rows::<Parcel>(query).await.unwrap().into_iter().map(|row| row.id).collect()
}

async fn ids_where(views: &dyn Views, filter: Filter) -> String {
    ids(views, Query::of(tenant("acorn")).filter(filter)).await.join(" ")
}
