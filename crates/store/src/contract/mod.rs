//! The contract: one suite of cases that says what a log promises, and that every log must pass.
//!
//! A store implements [`Subject`] in its tests and writes `store::log_contract_tests!(MyLog);`,
//! which makes one test of each case.

mod appending;
mod bookkeeping;
mod bridge;
mod concurrency;
mod inventory;
mod repeating;
mod sample;
mod skipping;

use std::sync::Arc;

use async_trait::async_trait;

pub use appending::*;
pub use bookkeeping::*;
pub use bridge::*;
pub use concurrency::*;
pub use inventory::*;
pub use repeating::*;
pub use skipping::{SkipTest, skip_test};

pub use crate::all_in_order;
use crate::{AppendError, Appended, Commit, Log};

/// Kept, or in which way not.
pub type Outcome = Result<(), String>;

/// The answer to one commit.
pub type Verdict = Result<Appended, AppendError>;

/// A log under test.
#[async_trait]
pub trait Subject: Send + Sync + Sized + 'static {
    /// Whether positions are 1, 2, 3 and so on; elsewhere they only grow.
    const CONTIGUOUS: bool = true;

    /// A new, empty log.
    async fn fresh() -> Result<Self, String>;

    /// The log.
    fn log(&self) -> Arc<dyn Log>;

    /// Closes the log cleanly and opens it again.
    async fn reopen(&mut self) -> Outcome;

    /// Hands over several commits at once, in this order. A log that commits in groups should make
    /// sure here that they come into one group.
    async fn append_together(&self, commits: Vec<Commit>) -> Vec<Verdict> {
        let log = self.log();
        let appends: Vec<_> = commits
            .into_iter()
            .map(|commit| {
                let log = Arc::clone(&log);
                async move { log.append(commit).await }
            })
            .collect();
        all_in_order(appends).await
    }
}

/// The one list of cases: calls `$apply!` with them.
#[macro_export]
macro_rules! for_each_log_case {
    ($apply:ident($($given:tt)*)) => {
        $apply! {
            ($($given)*)
            a_new_log_is_empty
            events_read_back_exactly_as_stored
            payload_bytes_are_never_touched
            versions_and_positions_count_up
            positions_have_no_holes
            a_commit_of_several_events_is_stored_whole
            an_absent_stream_must_be_absent
            a_stream_must_be_where_the_writer_believes_it
            a_refused_commit_leaves_nothing_behind
            a_commit_without_events_is_refused
            what_is_not_json_is_refused
            names_outside_the_rules_are_refused
            a_large_event_is_stored_and_a_larger_one_refused
            an_event_id_is_used_once
            tenants_and_categories_have_streams_of_their_own
            a_long_stream_reads_in_pages
            pages_cover_the_log_without_a_gap
            recorded_times_never_go_back_within_a_stream
            the_same_command_returns_the_first_receipt
            the_same_command_in_another_tenant_is_another_command
            a_repeated_request_under_another_command_is_already_stored
            an_idempotency_key_with_another_body_is_refused
            idempotency_keys_of_other_tenants_are_independent
            a_refused_commit_uses_up_neither_command_nor_key
            commands_and_keys_are_found_again
            events_are_found_by_position_and_by_id
            the_second_of_two_commits_in_a_group_sees_the_first
            two_rivals_in_a_group_have_one_winner
            the_same_command_twice_in_a_group_is_stored_once
            the_same_key_twice_in_a_group_is_stored_once
            a_poisoned_request_fails_alone
            a_commit_whose_client_is_gone_is_stored_once
            concurrent_writers_never_lose_or_repeat_an_event
            readers_never_see_a_gap_while_writers_write
            a_follower_sees_every_event_once_across_the_hand_over
            a_follower_wakes_up_for_a_new_event
            a_reader_sees_its_own_write
            sealing_keys_come_with_their_commit
            a_refused_commit_stores_no_sealing_key
            a_sealing_key_cannot_change_its_secret
            an_ensured_sealing_key_keeps_the_first_secret
            an_older_snapshot_never_replaces_a_newer_one
            bookmarks_are_kept_per_worker
            everything_is_still_there_after_reopening
            a_reopened_log_continues_where_it_stood
            a_closed_log_says_so
            guarantees_are_stated
            the_stock_framework_runs_on_the_log
            a_stock_writer_that_is_late_gets_an_optimistic_lock_error
            stock_replays_and_upcasters_read_the_log
            the_stock_framework_reads_what_daybook_wrote
            snapshots_of_the_stock_framework_are_refused
        }
    };
}

macro_rules! run_each {
    (() $($case:ident)+) => {
        /// Runs every case against a fresh log of its own and says of each whether it was kept.
        pub async fn run_all<S: Subject>() -> Vec<(&'static str, Outcome)> {
            let mut outcomes = Vec::new();
            $(
                let outcome = match S::fresh().await {
                    Ok(subject) => $case(subject).await,
                    Err(error) => Err(error),
                };
                outcomes.push((stringify!($case), outcome));
            )+
            outcomes
        }
    };
}
for_each_log_case!(run_each());

#[doc(hidden)]
#[macro_export]
macro_rules! log_case_tests {
    (($subject:ty) $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                use $crate::contract::Subject as _;
                let subject = <$subject>::fresh().await.expect("a fresh log");
                if let Err(broken) = $crate::contract::$case(subject).await {
                    panic!("{broken}");
                }
            }
        )+
    };
}

/// Makes one test of each case of the contract, for a [`contract::Subject`](crate::contract::Subject).
#[macro_export]
macro_rules! log_contract_tests {
    ($subject:ty) => {
        use $crate::log_case_tests;
        $crate::for_each_log_case!(log_case_tests($subject));
    };
}
