//! Stored lines are for ever: one per event, and each reads back as it was written.

use crate::{order::events::OrderEvent, testing::assert_golden};

#[test]
fn every_event_has_a_golden_line_and_every_line_reads_back() {
    assert_golden::<OrderEvent>(include_str!("../golden.jsonl"));
}
