//! Manual adjustments: what was proposed, by whom, and what became of it.

use aggregates::{
    adjustment::events::{AdjustmentEvent, Content},
    fact::Fact,
    vocabulary::Side,
};
use kernel::{Currency, TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{add, key, read_model},
    words::{json, word},
};

store::table! {
    /// A manual adjustment of the books.
    pub struct Adjustment as "adjustments" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            adjustment: String,
        }
        /// proposed, approved, rejected or withdrawn. Only an approved one is in the books.
        status: String,
        /// opening_balance, write_off, goodwill, tax_remitted, bank_movement, reclassification,
        /// correction or other.
        reason: String,
        /// The currency of every amount.
        currency: Currency,
        /// The sum of its debits, minor units; its credits come to the same.
        minor: i64,
        /// When it takes effect in the books.
        effective_at: Timestamp,
        /// Why, in words.
        memo: String,
        /// SHA-256 of the document that proves it.
        evidence_hash: String,
        /// Its lines, JSON: account (or seller), side and minor units.
        lines: String,
        /// The adjustment that it takes back.
        #[unhashed = "minted"]
        reverses: Option<String>,
        /// Who proposed it.
        proposed_by: String,
        /// When.
        proposed_at: Timestamp,
        /// Who approved, rejected or withdrew it.
        decided_by: Option<String>,
        /// When.
        decided_at: Option<Timestamp>,
        /// What the one who rejected it said.
        note: Option<String>,
    }
    indexes [["tenant", "status"]]
}

read_model! {
    /// Every manual adjustment.
    Adjustments = "adjustments", version 1, [Adjustment]
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let Fact::Adjustment(_) = occurrence.fact {
        let id = occurrence.recorded.stream.id.to_string();
        wanted.row::<Adjustment>(key![occurrence.tenant(), id]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Adjustment(event) = occurrence.fact else { return Ok(()) };
    let tenant = occurrence.tenant();
    let id = occurrence.recorded.stream.id.to_string();
    if let AdjustmentEvent::Proposed { content, by, at, .. } = event {
        return rows.put(Adjustment {
            tenant,
            adjustment: id,
            status: "proposed".to_owned(),
            reason: word(&content.reason),
            currency: content.currency,
            minor: debits(content)?,
            effective_at: content.effective,
            memo: content.memo.clone(),
            evidence_hash: content.evidence_hash.clone(),
            lines: json(&content.lines),
            reverses: content.reverses.map(|reversed| reversed.to_string()),
            proposed_by: by.to_string(),
            proposed_at: *at,
            decided_by: None,
            decided_at: None,
            note: None,
        });
    }
    if let Some(row) = rows.update::<Adjustment>(key![tenant, id])? {
        decided(row, event);
    }
    Ok(())
}

fn debits(content: &Content) -> Result<i64, FoldError> {
    let mut sum = 0;
    for line in content.lines.iter().filter(|line| line.side == Side::Debit) {
        add(&mut sum, line.minor, "sum of an adjustment")?;
    }
    Ok(sum)
}

fn decided(row: &mut Adjustment, event: &AdjustmentEvent) {
    let (status, by, at) = match event {
        AdjustmentEvent::Proposed { .. } => return,
        AdjustmentEvent::Approved { approved_by, at, .. } => ("approved", approved_by, at),
        AdjustmentEvent::Rejected { note, by, at } => {
            row.note = Some(note.clone());
            ("rejected", by, at)
        }
        AdjustmentEvent::Withdrawn { by, at } => ("withdrawn", by, at),
    };
    status.clone_into(&mut row.status);
    row.decided_by = Some(by.to_string());
    row.decided_at = Some(*at);
}
