//! Lists: newest first, one page at a time, filtered as Stripe filters them.

use serde_json::{Value, json};

use crate::form::Parameters;
use crate::refusal::Refusal;

/// Cuts one page out of rows that are ordered newest first.
pub(super) fn page<T>(
    path: &str,
    rows: impl Iterator<Item = (String, T)>,
    parameters: &Parameters<'_>,
    render: impl Fn(T) -> Value,
) -> Result<Value, Refusal> {
    let limit = parameters.integer("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
    let limit = limit.ok_or_else(|| {
        Refusal::invalid("limit", "This value must be between 1 and 100 (inclusive).")
    })?;
    let mut page: Vec<Value>;
    let has_more;
    if let Some(before) = parameters.text("ending_before") {
        let mut newer: Vec<(String, T)> = Vec::new();
        let mut found = false;
        for row in rows {
            if row.0 == before {
                found = true;
                break;
            }
            newer.push(row);
        }
        if !found {
            return Err(no_cursor("ending_before", before));
        }
        has_more = newer.len() > limit;
        let skip = newer.len().saturating_sub(limit);
        page = newer.into_iter().skip(skip).map(|(_, row)| render(row)).collect();
    } else {
        let mut rows = rows;
        if let Some(after) = parameters.text("starting_after")
            && !rows.by_ref().any(|(id, _)| id == after)
        {
            return Err(no_cursor("starting_after", after));
        }
        page = Vec::with_capacity(limit);
        for (_, row) in rows.by_ref().take(limit) {
            page.push(render(row));
        }
        has_more = rows.next().is_some();
    }
    Ok(json!({ "object": "list", "data": page, "has_more": has_more, "url": path }))
}

fn no_cursor(parameter: &str, id: &str) -> Refusal {
    Refusal {
        status: 400,
        param: Some(parameter.to_owned()),
        ..Refusal::unknown("object in this list", id)
    }
}

/// Whether a time lies in the range that `created` (or its `gte`, `gt`, `lte`, `lt`) asks for.
pub(super) fn created_matches(parameters: &Parameters<'_>, created: i64) -> Result<bool, Refusal> {
    if let Some(exact) = parameters.text("created") {
        return Ok(exact.parse() == Ok(created));
    }
    let bound = |name: &str| parameters.integer(&format!("created.{name}"));
    Ok(bound("gte")?.is_none_or(|bound| created >= bound)
        && bound("gt")?.is_none_or(|bound| created > bound)
        && bound("lte")?.is_none_or(|bound| created <= bound)
        && bound("lt")?.is_none_or(|bound| created < bound))
}
