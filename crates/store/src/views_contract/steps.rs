//! Steps of a projection: whole or absent, and only from where the checkpoint is.

use std::{collections::BTreeMap, slice::from_ref};

use kernel::Timestamp;

use super::{
    FIRST, Parcel, SECOND, Shelf, TABLES, checkpoint, event_at, ids, parcel, puts, step, stocked,
    tenant,
};
use crate::{
    Checkpoint, Position, Query, RowWrite, Table, TableDef, Value, Views, ViewsError, ViewsExt,
    ViewsTransaction,
};

pub async fn a_step_writes_rows_and_checkpoint_together(views: &dyn Views) {
    let shelf = Shelf { tenant: tenant("acorn"), shelf: "A".to_owned(), grams: 500 };
    let labelled = Parcel {
        sent_at: Some(Timestamp::from_millis(1_772_366_400_250)),
        label: Some("Zoë's \"fragile\"; DROP TABLE x -- \u{1F4E6}".to_owned()),
        ..parcel("p1", "A", i64::MAX)
    };
    views.prepare(FIRST, TABLES).await.unwrap();
    assert_eq!(views.checkpoint(FIRST).await.unwrap(), None);
    let writes = [puts(from_ref(&labelled)), puts(from_ref(&shelf))];
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
