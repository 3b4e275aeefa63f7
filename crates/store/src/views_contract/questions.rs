//! Questions: what every filter means, in which order, and for whom.

use super::{Parcel, SECOND, TABLES, ids, ids_where, parcel, step, stocked, tenant};
use crate::{
    Direction::{self, Ascending, Descending},
    Filter, IN_VALUES_MAX, Query, Table, TableDef, Value, Views, ViewsError, ViewsExt,
};

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
    let most = i64::try_from(IN_VALUES_MAX).unwrap();
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

pub async fn every_row_is_handed_out_once(views: &dyn Views) {
    let stored: Vec<Parcel> = (0..7)
        .map(|n| parcel(&format!("p{n}"), if n % 2 == 0 { "A" } else { "B" }, n / 3))
        .collect();
    let stranger = Parcel { tenant: tenant("birch"), ..parcel("p3", "A", 1) };
    stocked(views, &[stored, vec![stranger]].concat()).await;
    let of = || Query::of(tenant("acorn"));
    let by_weight = || of().order_by("grams", Descending).order_by("id", Descending);
    for page in 1..=9 {
        let walked = async |question| {
            let rows: Vec<Parcel> = views.all(question, page).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(walked(of()).await, "p0 p1 p2 p3 p4 p5 p6", "pages of {page}");
        assert_eq!(walked(by_weight()).await, "p6 p5 p4 p3 p2 p1 p0", "pages of {page}");
        assert_eq!(walked(of().eq("shelf", "B")).await, "p1 p3 p5", "pages of {page}");
        assert_eq!(walked(Query::across_tenants()).await.split(' ').count(), 8, "pages of {page}");
    }
    let mut seen = 0;
    let until_the_third = |_: Parcel| {
        seen += 1;
        if seen < 3 { Ok(()) } else { Err(ViewsError::Unavailable("enough".to_owned())) }
    };
    let stopped = views.each(of(), 2, until_the_third).await;
    assert_eq!((stopped, seen), (Err(ViewsError::Unavailable("enough".to_owned())), 3));
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
    assert_eq!(everything(Query::of(tenant("birch"))).await, std::slice::from_ref(&other));
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
