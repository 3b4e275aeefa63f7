//! Order by order: what came in is the sum of its parts, and no part gives back more than it was
//! (I7); and nothing is sold twice (I12).

use kernel::OrderId;

use super::{
    catalogue::Invariant,
    found::{Found, want},
    rows::CheckedLine,
};
use crate::{
    FoldError, Occurrence, Rows, Wanted,
    chart::Account,
    postings::{Entry, Nature, Posting},
    projection::key,
};

const SOLD: &str = "order.paid";

fn is_undone(entry: &Entry) -> bool {
    matches!(entry.nature(), Nature::Refund | Nature::Chargeback)
        && (entry.kind().starts_with("order.") || entry.kind().starts_with("refund."))
}

enum Part {
    Seller,
    Fee,
    Tax,
    Discount,
    Absorbed,
}

/// Which part of a line's money an account holds. What the platform sells itself and renders later
/// stands where a seller's part would.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other account is a part of a line")]
const fn part_of(account: &Account) -> Option<Part> {
    match account {
        Account::Claim(_) | Account::DeferredRevenue(_) => Some(Part::Seller),
        Account::Commission | Account::CommissionRefunded => Some(Part::Fee),
        Account::Tax(_) => Some(Part::Tax),
        Account::Discounts => Some(Part::Discount),
        Account::ChargebackLoss => Some(Part::Absorbed),
        _ => None,
    }
}

fn place(line: &Posting) -> Option<(OrderId, u32)> {
    let about = line.dimensions();
    Some((about.order?, u32::from(about.line?.0)))
}

/// What came in is the sum of the parts of the lines: no part without its line.
pub(super) fn sums(occurrence: &Occurrence<'_>, entry: &Entry, found: &mut Found) {
    if entry.kind() != SOLD {
        return;
    }
    let is_part = |line: &&Posting| part_of(line.account()).is_some() && place(line).is_some();
    let parts = sum(entry.lines().iter().filter(is_part)).saturating_neg();
    let came = sum(entry.lines().iter().filter(|line| part_of(line.account()).is_none()));
    if came != parts {
        found.wrong_by(
            Invariant::I7,
            occurrence.recorded.stream.id.to_string(),
            (came.saturating_sub(parts), entry.currency()),
            format!("{came} {} came in, its lines come to {parts}", entry.currency()),
        );
    }
}

fn sum<'a>(lines: impl Iterator<Item = &'a Posting>) -> i64 {
    lines.fold(0_i64, |sum, line| sum.saturating_add(line.signed()))
}

fn concerned(entry: &Entry) -> impl Iterator<Item = (OrderId, u32, &Posting)> {
    let concerned = entry.kind() == SOLD || is_undone(entry);
    entry
        .lines()
        .iter()
        .filter(move |line| concerned && part_of(line.account()).is_some())
        .filter_map(|line| place(line).map(|(order, number)| (order, number, line)))
}

fn sold_subject(order: OrderId) -> String {
    format!("{SOLD} {order}")
}

pub(super) fn keys(occurrence: &Occurrence<'_>, entry: &Entry, wanted: &mut Wanted) {
    let mut last = None;
    for (order, number, _) in concerned(entry) {
        if last == Some((order, number)) {
            continue;
        }
        last = Some((order, number));
        wanted.row::<CheckedLine>(key![occurrence.tenant(), order, number]);
        want(occurrence, wanted, Invariant::I7, order.to_string());
        if entry.kind() == SOLD {
            want(occurrence, wanted, Invariant::I12, sold_subject(order));
        }
    }
}

pub(super) fn examine(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let position = occurrence.recorded.position;
    let is_sale = entry.kind() == SOLD;
    let mut touched: Vec<(OrderId, u32)> = Vec::new();
    for (order, number, line) in concerned(entry) {
        let row = rows.upsert(key![tenant, order, number], || CheckedLine {
            tenant,
            order_id: order,
            line: number,
            sold_position: None,
            seller: 0,
            fee: 0,
            tax: 0,
            discount: 0,
            gone_seller: 0,
            gone_fee: 0,
            gone_tax: 0,
            gone_discount: 0,
            absorbed: 0,
        })?;
        if is_sale {
            let before = *row.sold_position.get_or_insert(position);
            if before != position && touched.last() != Some(&(order, number)) {
                let what = format!("line {number} was sold at position {before} already");
                found.wrong(Invariant::I12, sold_subject(order), what);
            }
        }
        add(row, line, is_sale);
        if touched.last() != Some(&(order, number)) {
            touched.push((order, number));
        }
    }
    for (order, number) in touched {
        found.looked(Invariant::I7);
        let row = rows.get::<CheckedLine>(key![tenant, order, number])?;
        if let Some(row) = row.filter(|row| !is_sound(row)) {
            found.wrong_by(
                Invariant::I7,
                order.to_string(),
                (gone(row).saturating_sub(had(row)).max(0), entry.currency()),
                in_words(row),
            );
        }
    }
    Ok(())
}

/// What was sold was credited; what is undone is debited.
fn add(row: &mut CheckedLine, line: &Posting, is_sale: bool) {
    let minor = line.signed();
    let (total, minor) = match (part_of(line.account()), is_sale) {
        (None, _) => return,
        (Some(Part::Seller), true) => (&mut row.seller, minor.saturating_neg()),
        (Some(Part::Seller), false) => (&mut row.gone_seller, minor),
        (Some(Part::Fee), true) => (&mut row.fee, minor.saturating_neg()),
        (Some(Part::Fee), false) => (&mut row.gone_fee, minor),
        (Some(Part::Tax), true) => (&mut row.tax, minor.saturating_neg()),
        (Some(Part::Tax), false) => (&mut row.gone_tax, minor),
        (Some(Part::Discount), true) => (&mut row.discount, minor),
        (Some(Part::Discount), false) => (&mut row.gone_discount, minor.saturating_neg()),
        (Some(Part::Absorbed), _) => (&mut row.absorbed, minor),
    };
    // A sum that does not fit stops the read models that show it; the checker goes on.
    *total = total.saturating_add(minor);
}

const fn had(row: &CheckedLine) -> i64 {
    row.seller.saturating_add(row.fee).saturating_add(row.tax).saturating_sub(row.discount)
}

const fn gone(row: &CheckedLine) -> i64 {
    row.gone_seller
        .saturating_add(row.gone_fee)
        .saturating_add(row.gone_tax)
        .saturating_sub(row.gone_discount)
        .saturating_add(row.absorbed)
}

/// Commission that the platform keeps is the seller's to give back, so the two are one here.
const fn is_sound(row: &CheckedLine) -> bool {
    row.gone_seller.saturating_add(row.gone_fee) <= row.seller.saturating_add(row.fee)
        && row.gone_fee <= row.fee
        && row.gone_tax <= row.tax
        && row.gone_discount <= row.discount
        && gone(row) <= had(row)
        && row.gone_seller >= 0
        && row.gone_fee >= 0
        && row.gone_tax >= 0
        && row.gone_discount >= 0
}

fn in_words(row: &CheckedLine) -> String {
    format!(
        "line {}: of seller's part {}, commission {}, tax {}, discount {} went back {}, {}, {}, {} \
         and {} was lost beside",
        row.line,
        row.seller,
        row.fee,
        row.tax,
        row.discount,
        row.gone_seller,
        row.gone_fee,
        row.gone_tax,
        row.gone_discount,
        row.absorbed
    )
}
