//! What a line is about, as tags.

use projections::journal::JournalLine;

/// The names of the dimensions, as tags are called.
pub(crate) const DIMENSIONS: [&str; 18] = [
    "policy",
    "prior-period",
    "seller",
    "organizer",
    "order",
    "order-line",
    "product",
    "payment",
    "charge",
    "refund",
    "dispute",
    "payout",
    "claim",
    "txn",
    "available-on",
    "membership",
    "event",
    "channel",
];

/// What the line is about, in the order of [`DIMENSIONS`].
fn of_line(line: &JournalLine) -> [Option<String>; 18] {
    fn text<T: ToString>(value: Option<&T>) -> Option<String> {
        value.map(ToString::to_string)
    }
    [
        line.policy.clone(),
        text(line.prior_period.as_ref()),
        text(line.seller.as_ref()),
        line.organizer.clone(),
        text(line.order_id.as_ref()),
        text(line.order_line.as_ref()),
        line.product.clone(),
        text(line.payment.as_ref()),
        line.charge.clone(),
        text(line.refund.as_ref()),
        text(line.dispute.as_ref()),
        text(line.payout.as_ref()),
        line.claim.clone(),
        line.txn.clone(),
        text(line.available_on.as_ref()),
        line.membership.clone(),
        line.event.clone(),
        line.channel.clone(),
    ]
}

/// A tag: its name, and what it says.
pub(crate) type Tag = (&'static str, String);

/// What all lines say alike, and what each says beside that. Nothing is said twice.
pub(crate) fn shared_and_own(lines: &[JournalLine]) -> (Vec<Tag>, Vec<Vec<Tag>>) {
    let mut shared = Vec::new();
    let all: Vec<_> = lines.iter().map(of_line).collect();
    let mut own = vec![Vec::new(); lines.len()];
    for (place, name) in DIMENSIONS.iter().enumerate() {
        let first = all.first().and_then(|line| line[place].clone());
        if let Some(value) = &first
            && all.iter().all(|line| line[place] == first)
        {
            shared.push((*name, value.clone()));
            continue;
        }
        for (line, tags) in all.iter().zip(&mut own) {
            if let Some(value) = &line[place] {
                tags.push((*name, value.clone()));
            }
        }
    }
    (shared, own)
}
