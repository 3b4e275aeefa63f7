//! Versions: built beside the live one, swapped in one step, discarded and begun again.

use super::{
    FIRST, PARCELS_WITH_HEIGHT, Parcel, SECOND, Shelf, TABLES, checkpoint, ids, parcel, puts, step,
    stocked, tenant,
};
use crate::{Query, RowWrite, Table, TableDef, Value, Views, ViewsError, ViewsExt};

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
