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

use std::collections::BTreeMap;

use kernel::{TenantId, Timestamp};
use uuid::Uuid;

use crate::{
    Checkpoint, Column, ColumnType,
    Direction::{self, Ascending, Descending},
    Filter, LogId, Position, Query, RowWrite, Table, TableDef, Value, Views, ViewsError, ViewsExt,
    ViewsTransaction,
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

pub async fn a_step_writes_rows_and_checkpoint_together(views: &dyn Views) {
    let shelf = Shelf { tenant: tenant("acorn"), shelf: "A".to_owned(), grams: 500 };
    let labelled = Parcel {
        sent_at: Some(Timestamp::from_millis(1_772_366_400_250)),
        label: Some("Zoë's \"fragile\"; DROP TABLE x -- \u{1F4E6}".to_owned()),
        ..parcel("p1", "A", i64::MAX)
    };
    views.prepare(FIRST, TABLES).await.unwrap();
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), None);
    let writes = [puts(&[labelled.clone()]), puts(&[shelf.clone()])];
    views.apply(step(FIRST, 0, writes)).await.unwrap();
    views.make_live(FIRST, TABLES).await.unwrap();

    assert_eq!(views.checkpoint(FIRST).await.unwrap(), Some(checkpoint(FIRST, 1)));
    let found: Vec<Parcel> = views.rows(Query::of(tenant("acorn"))).await.unwrap();
    assert_eq!(found, [labelled]);
    let found = views.row::<Shelf>(tenant("acorn"), ("A".to_owned(),)).await.unwrap();
    assert_eq!(found, Some(shelf));
}

pub async fn a_step_from_a_moved_checkpoint_writes_nothing(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    let heavier = || [puts(&[parcel("p1", "A", 999)])];
    let another_event = ViewsTransaction {
        expected: Some((Position(1), event_at(7))),
        ..step(FIRST, 1, heavier())
    };
    for stale in [step(FIRST, 0, heavier()), step(FIRST, 2, heavier()), another_event] {
        let moved = ViewsError::CheckpointMoved { projection: FIRST.to_owned() };
        assert_eq!(views.apply(stale).await, Err(moved));
        assert_eq!(views.checkpoint(FIRST).await.unwrap(), Some(checkpoint(FIRST, 1)));
        let row = views.row::<Parcel>(tenant("acorn"), ("p1".to_owned(),)).await.unwrap();
        assert_eq!(row.unwrap().grams, 1);
    }
    views.apply(step(FIRST, 1, heavier())).await.unwrap();
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), Some(checkpoint(FIRST, 2)));
}

pub async fn of_two_racing_steps_exactly_one_is_applied(views: &dyn Views) {
    stocked(views, &[]).await;
    for round in 1..20 {
        let (left, right) = tokio::join!(
            views.apply(step(FIRST, round, [puts(&[parcel("left", "A", 1)])])),
            views.apply(step(FIRST, round, [puts(&[parcel("right", "A", 1)])])),
        );
        let moved = ViewsError::CheckpointMoved { projection: FIRST.to_owned() };
        let winner = match (left, right) {
            (Ok(()), Err(error)) if error == moved => "left",
            (Err(error), Ok(())) if error == moved => "right",
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(ids(views, Query::of(tenant("acorn"))).await, [winner]);
        let cleared = ["left", "right"].map(|id| {
            RowWrite::Delete(vec![Value::text(tenant("acorn").to_string()), Value::text(id)])
        });
        let mut clear = step(FIRST, round + 1, [(Parcel::TABLE.name, cleared.to_vec())]);
        clear.checkpoint = checkpoint(FIRST, round + 1);
        views.apply(clear).await.unwrap();
    }
}

pub async fn a_step_that_fails_leaves_nothing(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    let mut mistyped = parcel("p3", "A", 3).to_values();
    mistyped[3] = Value::text("heavy");
    let mut keyless = parcel("p3", "A", 3).to_values();
    keyless[1] = Value::Null;
    for wrong in [mistyped, keyless, vec![Value::Null]] {
        let writes = vec![
            RowWrite::Put(parcel("p1", "A", 2).to_values()),
            RowWrite::Put(parcel("p2", "A", 2).to_values()),
            RowWrite::Put(wrong),
        ];
        let failed = views.apply(step(FIRST, 1, [(Parcel::TABLE.name, writes)])).await;
        assert!(matches!(failed, Err(ViewsError::Invalid(_))), "{failed:?}");
    }
    let too_late_position = Parcel { updated_position: Position(u64::MAX), ..parcel("p4", "A", 1) };
    let failed = views.apply(step(FIRST, 1, [puts(&[too_late_position])])).await;
    assert!(matches!(failed, Err(ViewsError::Invalid(_))), "{failed:?}");
    let unknown = [puts(&[parcel("p2", "A", 2)]), ("contract_unknown", Vec::new())];
    let failed = views.apply(step(FIRST, 1, unknown)).await;
    assert!(matches!(failed, Err(ViewsError::UnknownName(_))), "{failed:?}");

    let found: Vec<Parcel> = views.rows(Query::of(tenant("acorn"))).await.unwrap();
    assert_eq!(found, [parcel("p1", "A", 1)]);
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), Some(checkpoint(FIRST, 1)));
}

pub async fn rows_are_replaced_and_removed_by_key(views: &dyn Views) {
    let before = Parcel { label: Some("old".to_owned()), ..parcel("p1", "A", 1) };
    stocked(views, &[before, parcel("p2", "A", 2), parcel("p3", "A", 3)]).await;
    let remove = |id: &str| {
        RowWrite::Delete(vec![Value::text(tenant("acorn").to_string()), Value::text(id)])
    };
    let writes = vec![
        RowWrite::Put(parcel("p1", "B", 10).to_values()),
        remove("p2"),
        remove("never there"),
        // Within one step, the last write of a key is the one that stays.
        remove("p3"),
        RowWrite::Put(parcel("p3", "C", 30).to_values()),
    ];
    views.apply(step(FIRST, 1, [(Parcel::TABLE.name, writes)])).await.unwrap();
    let found: Vec<Parcel> = views.rows(Query::of(tenant("acorn"))).await.unwrap();
    assert_eq!(found, [parcel("p1", "B", 10), parcel("p3", "C", 30)]);
}

pub async fn load_gives_the_rows_that_exist(views: &dyn Views) {
    views.prepare(FIRST, TABLES).await.unwrap();
    let stored: Vec<Parcel> = (0..50).map(|n| parcel(&format!("p{n:02}"), "A", n)).collect();
    views.apply(step(FIRST, 0, [puts(&stored)])).await.unwrap();
    let key = |id: &str| vec![Value::text(tenant("acorn").to_string()), Value::text(id)];
    let keys = vec![key("p03"), key("nobody"), key("p41")];
    // Loading works before a version is live: it is what the version is built with.
    let found = views.load(FIRST, &TABLES[0], keys).await.unwrap();
    let mut found: Vec<Parcel> =
        found.into_iter().map(|values| Parcel::from_values(values).unwrap()).collect();
    found.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(found, [stored[3].clone(), stored[41].clone()]);
    assert_eq!(views.load(FIRST, &TABLES[0], Vec::new()).await.unwrap(), Vec::<Vec<Value>>::new());
    assert!(views.load(FIRST, &TABLES[0], vec![vec![Value::text("half")]]).await.is_err());
    assert!(views.load(SECOND, &TABLES[0], Vec::new()).await.is_err());
}

pub async fn every_filter_selects_what_it_says(views: &dyn Views) {
    let labelled = |id: &str, grams, label: &str| Parcel {
        label: Some(label.to_owned()),
        ..parcel(id, "A", grams)
    };
    stocked(
        views,
        &[labelled("a", -5, "x"), labelled("b", 0, "y"), parcel("c", "B", 5), parcel("d", "B", 10)],
    )
    .await;
    let text = Value::text;
    for (filter, expected) in [
        (Filter::Eq("shelf", text("B")), "c d"),
        (Filter::Eq("shelf", text("b")), ""),
        (Filter::Eq("grams", Value::Int(-5)), "a"),
        (Filter::Eq("label", Value::Null), "c d"),
        (Filter::In("id", vec![text("d"), text("a"), text("z")]), "a d"),
        (Filter::In("id", vec![]), ""),
        (Filter::In("label", vec![text("y"), Value::Null]), "b c d"),
        (Filter::AtLeast("grams", Value::Int(0)), "b c d"),
        (Filter::AtLeast("label", text("y")), "b"),
        (Filter::AtLeast("label", Value::Null), ""),
        (Filter::Below("grams", Value::Int(0)), "a"),
        (Filter::Below("label", text("zz")), "a b"),
        (Filter::Prefix("label", String::new()), "a b"),
        (Filter::Present("label"), "a b"),
        (Filter::Beyond(vec!["grams"], vec![Value::Int(0)], Ascending), "c d"),
        (Filter::Beyond(vec!["grams"], vec![Value::Int(0)], Descending), "a"),
        (Filter::Beyond(vec!["label"], vec![text("x")], Ascending), "b"),
    ] {
        assert_eq!(ids_where(views, filter.clone()).await, expected, "{filter:?}");
    }
    let both =
        Query::of(tenant("acorn")).eq("shelf", "B").filter(Filter::AtLeast("grams", Value::Int(6)));
    assert_eq!(ids(views, both).await, ["d"]);
    assert_eq!(ids(views, Query::of(tenant("acorn")).limit(2)).await, ["a", "b"]);
    assert_eq!(ids(views, Query::of(tenant("acorn")).limit(0)).await, Vec::<String>::new());
}

pub async fn one_of_many_values_may_be_asked_for(views: &dyn Views) {
    let stored: Vec<Parcel> = (0..30).map(|n| parcel(&format!("p{n:02}"), "A", n)).collect();
    stocked(views, &stored).await;
    let many = |count: i64| Filter::In("grams", (10..10 + count).map(Value::Int).collect());
    let most = i64::try_from(crate::IN_VALUES_MAX).unwrap();
    let query = Query::of(tenant("acorn"));
    assert_eq!(ids(views, query.clone().filter(many(most))).await.len(), 20);
    let refused = views.rows::<Parcel>(query.filter(many(most + 1))).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
}

pub async fn a_prefix_means_itself(views: &dyn Views) {
    let labels = [
        "100%",
        "100% wool",
        "100x",
        "a_b",
        "aXb",
        "A_b",
        "\\d",
        "\u{10FFFF}z",
        "\u{D7FF}q",
        "\u{E000}",
    ];
    let stored: Vec<Parcel> = labels
        .iter()
        .enumerate()
        .map(|(n, label)| Parcel {
            label: Some((*label).to_owned()),
            ..parcel(&n.to_string(), "A", 1)
        })
        .collect();
    stocked(views, &stored).await;
    for (prefix, expected) in [
        ("100%", "0 1"),
        ("100", "0 1 2"),
        ("a_", "3"),
        ("A", "5"),
        ("\\", "6"),
        ("\u{10FFFF}", "7"),
        // The next character after this one is beyond the gap that UTF-8 has no bytes for.
        ("\u{D7FF}", "8"),
        ("'", ""),
    ] {
        let filter = Filter::Prefix("label", prefix.to_owned());
        assert_eq!(ids_where(views, filter).await, expected, "{prefix}");
    }
    let number = Query::of(tenant("acorn")).filter(Filter::Prefix("grams", "1".to_owned()));
    assert!(matches!(views.rows::<Parcel>(number).await, Err(ViewsError::Invalid(_))));
}

pub async fn instants_are_found_in_any_spelling(views: &dyn Views) {
    let sent =
        |id: &str, at: &str| Parcel { sent_at: Some(at.parse().unwrap()), ..parcel(id, "A", 1) };
    stocked(
        views,
        &[
            sent("a", "2026-03-01T11:59:59.999Z"),
            sent("b", "2026-03-01T12:00:00Z"),
            sent("c", "2026-03-01T12:00:00.001Z"),
        ],
    )
    .await;
    for spelling in
        ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z", "2026-03-01T14:00:00+02:00"]
    {
        let noon = Value::text(spelling);
        let at_noon = Filter::Eq("sent_at", noon.clone());
        assert_eq!(ids_where(views, at_noon).await, "b", "{spelling}");
        assert_eq!(ids_where(views, Filter::AtLeast("sent_at", noon.clone())).await, "b c");
        assert_eq!(ids_where(views, Filter::Below("sent_at", noon)).await, "a");
    }
    let nonsense = Query::of(tenant("acorn")).eq("sent_at", "noon");
    assert!(matches!(views.rows::<Parcel>(nonsense).await, Err(ViewsError::Invalid(_))));
}

pub async fn pages_continue_beyond_the_last_row(views: &dyn Views) {
    // Many rows share a weight, so only the pair of weight and id has an order.
    let stored: Vec<Parcel> = (0..25).map(|n| parcel(&format!("p{n:02}"), "A", n / 10)).collect();
    stocked(views, &stored).await;
    for direction in [Ascending, Descending] {
        let mut seen: Vec<Parcel> = Vec::new();
        loop {
            let mut query = Query::of(tenant("acorn"))
                .order_by("grams", direction)
                .order_by("id", direction)
                .limit(7);
            if let Some(last) = seen.last() {
                let values = vec![Value::Int(last.grams), Value::text(last.id.as_str())];
                query = query.filter(Filter::Beyond(vec!["grams", "id"], values, direction));
            }
            let page: Vec<Parcel> = views.rows(query).await.unwrap();
            if page.is_empty() {
                break;
            }
            seen.extend(page);
            assert!(seen.len() <= stored.len(), "a row was seen twice");
        }
        let mut expected = stored.clone();
        if direction == Descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

pub async fn an_answer_has_one_order(views: &dyn Views) {
    let labelled =
        |id: &str, label: &str| Parcel { label: Some(label.to_owned()), ..parcel(id, "A", 1) };
    stocked(
        views,
        &[
            labelled("a", "b"),
            labelled("b", "B"),
            labelled("c", "é"),
            labelled("d", "z"),
            parcel("e", "A", 1),
            labelled("f", "b"),
        ],
    )
    .await;
    let by = |column, direction: Direction| Query::of(tenant("acorn")).order_by(column, direction);
    // Text is ordered by its bytes, nothing comes first, and the key decides between equals.
    assert_eq!(ids(views, by("label", Ascending)).await.join(" "), "e b a f d c");
    assert_eq!(ids(views, by("label", Descending)).await.join(" "), "c d f a b e");
    assert_eq!(ids(views, by("grams", Descending)).await.join(" "), "f e d c b a");
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await.join(" "), "a b c d e f");
}

pub async fn tenants_never_mix(views: &dyn Views) {
    let other = Parcel { tenant: tenant("birch"), ..parcel("p1", "A", 99) };
    stocked(views, &[parcel("p1", "A", 1), parcel("p2", "A", 2), other.clone()]).await;
    let everything = |whose: Query| async move { views.rows::<Parcel>(whose).await.unwrap() };
    assert_eq!(everything(Query::of(tenant("birch"))).await, [other.clone()]);
    assert_eq!(everything(Query::of(tenant("acorn"))).await.len(), 2);
    assert_eq!(everything(Query::of(tenant("cedar"))).await, []);
    assert_eq!(everything(Query::across_tenants()).await.len(), 3);
    let smuggled = Query::of(tenant("acorn")).eq("tenant", tenant("birch").to_string());
    assert_eq!(everything(smuggled).await, []);
    let row = views.row::<Parcel>(tenant("birch"), ("p1".to_owned(),)).await.unwrap();
    assert_eq!(row, Some(other));
    let row = views.row::<Parcel>(tenant("birch"), ("p2".to_owned(),)).await.unwrap();
    assert_eq!(row, None);
}

pub async fn a_name_that_does_not_exist_is_refused(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    let query = || Query::of(tenant("acorn"));
    for wrong in [
        query().eq("colour", "red"),
        query().eq("id\" OR 1=1 --", "p1"),
        query().filter(Filter::Present("rowid")),
        query().order_by("colour", Ascending),
        query().filter(Filter::Beyond(vec!["colour"], vec![Value::Null], Ascending)),
    ] {
        let refused = views.rows::<Parcel>(wrong.clone()).await;
        assert!(matches!(refused, Err(ViewsError::UnknownName(_))), "{wrong:?}: {refused:?}");
    }
    for wrong in [
        query().filter(Filter::Beyond(vec!["id"], vec![], Ascending)),
        query().filter(Filter::AtLeast("grams", Value::text("1"))),
    ] {
        let refused = views.rows::<Parcel>(wrong.clone()).await;
        assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{wrong:?}: {refused:?}");
    }
    static NEVER_PREPARED: TableDef = TableDef { name: "contract_unknown", ..Parcel::TABLE };
    let refused = views.select(&NEVER_PREPARED, query()).await;
    assert!(matches!(refused, Err(ViewsError::UnknownName(_))), "{refused:?}");
    for name in ["unversioned", "contract_other@", "contract_other@x"] {
        let refused = views.prepare(name, TABLES).await;
        assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{name}: {refused:?}");
    }
    let unprepared = views.apply(step(SECOND, 0, [])).await;
    assert!(matches!(unprepared, Err(ViewsError::UnknownName(_))), "{unprepared:?}");
    let unprepared = views.make_live(SECOND, TABLES).await;
    assert!(matches!(unprepared, Err(ViewsError::UnknownName(_))), "{unprepared:?}");
}

pub async fn nothing_is_answered_before_a_version_is_live(views: &dyn Views) {
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 0, [puts(&[parcel("p1", "A", 1)])])).await.unwrap();
    assert_eq!(views.live("contract_store").await.unwrap(), None);
    let refused = views.rows::<Parcel>(Query::of(tenant("acorn"))).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    views.make_live(FIRST, TABLES).await.unwrap();
    assert_eq!(views.live("contract_store").await.unwrap().as_deref(), Some(FIRST));
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["p1"]);
}

pub async fn a_new_version_replaces_the_old_in_one_step(views: &dyn Views) {
    stocked(views, &[parcel("old", "A", 1)]).await;
    views.prepare(SECOND, TABLES).await.unwrap();
    views.apply(step(SECOND, 0, [puts(&[parcel("new", "A", 1)])])).await.unwrap();
    // The live version keeps answering, and keeps being written, while the next one is built.
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["old"]);
    views.apply(step(FIRST, 1, [puts(&[parcel("older", "A", 1)])])).await.unwrap();
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["old", "older"]);

    views.make_live(SECOND, TABLES).await.unwrap();
    assert_eq!(views.live("contract_store").await.unwrap().as_deref(), Some(SECOND));
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["new"]);
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), None);
    assert_eq!(views.checkpoint(SECOND).await.unwrap(), Some(checkpoint(SECOND, 1)));
    let outdated = views.apply(step(FIRST, 2, [puts(&[parcel("late", "A", 1)])])).await;
    assert!(matches!(outdated, Err(ViewsError::UnknownName(_))), "{outdated:?}");
    views.make_live(SECOND, TABLES).await.unwrap();
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["new"]);
}

pub async fn a_new_version_may_have_other_columns(views: &dyn Views) {
    stocked(views, &[parcel("old", "A", 1)]).await;
    views.prepare(SECOND, PARCELS_WITH_HEIGHT).await.unwrap();
    let tall =
        vec![Value::text(tenant("acorn").to_string()), Value::text("tall"), Value::Int(2000)];
    let writes = [(Parcel::TABLE.name, vec![RowWrite::Put(tall.clone())])];
    views.apply(step(SECOND, 0, writes)).await.unwrap();
    // A question that the live version has no columns for is not answered from other columns.
    let with_height = &PARCELS_WITH_HEIGHT[0];
    let early = views.select(with_height, Query::of(tenant("acorn"))).await;
    assert!(matches!(early, Err(ViewsError::Unavailable(_))), "{early:?}");
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["old"]);

    views.make_live(SECOND, PARCELS_WITH_HEIGHT).await.unwrap();
    let found = views.select(with_height, Query::of(tenant("acorn"))).await.unwrap();
    assert_eq!(found, [tall]);
    let late = views.rows::<Parcel>(Query::of(tenant("acorn"))).await;
    assert!(matches!(late, Err(ViewsError::Unavailable(_))), "{late:?}");
}

pub async fn a_discarded_projection_can_start_again(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    views.discard(FIRST, TABLES).await.unwrap();
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), None);
    assert_eq!(views.live("contract_store").await.unwrap(), None);
    assert!(views.rows::<Parcel>(Query::of(tenant("acorn"))).await.is_err());
    let gone = views.apply(step(FIRST, 1, [puts(&[parcel("p2", "A", 1)])])).await;
    assert!(matches!(gone, Err(ViewsError::UnknownName(_))), "{gone:?}");
    views.discard(FIRST, TABLES).await.unwrap();

    stocked(views, &[parcel("again", "A", 1)]).await;
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["again"]);
    // A version that is not live can be given up without touching the one that is.
    views.prepare(SECOND, TABLES).await.unwrap();
    views.apply(step(SECOND, 0, [puts(&[parcel("new", "A", 1)])])).await.unwrap();
    views.discard(SECOND, TABLES).await.unwrap();
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["again"]);
    assert_eq!(views.live("contract_store").await.unwrap().as_deref(), Some(FIRST));
}

pub async fn a_changed_table_needs_a_new_version(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    views.prepare(FIRST, TABLES).await.unwrap();
    const FEWER: &[TableDef] = &[Parcel::TABLE];
    for tables in [PARCELS_WITH_HEIGHT, FEWER] {
        let refused = views.prepare(FIRST, tables).await;
        assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
    }
    const REWORDED: &[TableDef] =
        &[TableDef { comment: "A box.", indexes: &[&["label"]], ..Parcel::TABLE }, Shelf::TABLE];
    views.prepare(FIRST, REWORDED).await.unwrap();
    assert_eq!(ids(views, Query::of(tenant("acorn"))).await, ["p1"]);
}

pub async fn a_table_belongs_to_one_projection(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    let refused = views.prepare("contract_other@1", TABLES).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
    static UNSOUND: &[TableDef] = &[TableDef { name: "no spaces", ..Parcel::TABLE }];
    let refused = views.prepare("contract_other@1", UNSOUND).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
}

pub async fn readers_see_whole_steps_only(views: &dyn Views) {
    const STEPS: u64 = 200;
    stocked(views, &[parcel("left", "A", 1), parcel("right", "A", 1)]).await;
    let writer = async {
        for position in 1..=STEPS {
            let grams = i64::try_from(position).unwrap() + 1;
            let rows = [parcel("left", "A", grams), parcel("right", "A", grams)];
            views.apply(step(FIRST, position, [puts(&rows)])).await.unwrap();
        }
    };
    let reader = || async {
        let mut newest = 0;
        while newest <= i64::try_from(STEPS).unwrap() {
            let rows: Vec<Parcel> = views.rows(Query::of(tenant("acorn"))).await.unwrap();
            assert_eq!(rows[0].grams, rows[1].grams, "half a step was visible");
            assert!(rows[0].grams >= newest, "an answer went back in time");
            newest = rows[0].grams;
            let key = |id: &str| vec![Value::text(tenant("acorn").to_string()), Value::text(id)];
            let loaded =
                views.load(FIRST, &TABLES[0], vec![key("left"), key("right")]).await.unwrap();
            assert_eq!(loaded[0][3], loaded[1][3], "half a step was loaded");
            // Without this, a store that never waits would starve the writer of this one task.
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(writer, reader(), reader(), reader());
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), Some(checkpoint(FIRST, STEPS + 1)));
}

pub async fn every_checkpoint_is_listed(views: &dyn Views) {
    static OTHER: &[TableDef] = &[TableDef { name: "contract_others", ..Shelf::TABLE }];
    views.prepare(FIRST, TABLES).await.unwrap();
    views.prepare("contract_other@3", OTHER).await.unwrap();
    assert_eq!(views.checkpoints().await.unwrap(), []);
    views.apply(step(FIRST, 0, [])).await.unwrap();
    let stopped = Checkpoint {
        stopped: Some("unknown event \"order.teleported\"".to_owned()),
        ..checkpoint("contract_other@3", 9)
    };
    let stop =
        ViewsTransaction { expected: None, checkpoint: stopped.clone(), writes: BTreeMap::new() };
    views.apply(stop).await.unwrap();
    let mut listed = views.checkpoints().await.unwrap();
    listed.sort_by(|left, right| left.projection.cmp(&right.projection));
    assert_eq!(listed, [stopped, checkpoint(FIRST, 1)]);
}

pub async fn a_closed_store_answers_nothing(views: &dyn Views) {
    stocked(views, &[parcel("p1", "A", 1)]).await;
    views.close().await;
    let refused = views.rows::<Parcel>(Query::of(tenant("acorn"))).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    let refused = views.apply(step(FIRST, 1, [])).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    views.close().await;
}
