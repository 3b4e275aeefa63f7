//! One story per file, told through the real binary.

mod a_dispute_is_lost_in_part;
mod a_guest_orders;
mod a_person_looks;
mod a_refund_runs_its_course;
mod an_order_is_paid;
mod another_policy_is_tried;
mod bad_commands;
mod it_is_killed;
mod it_refuses_to_start;
mod money_nobody_ordered;
#[cfg(feature = "kurrent")]
mod on_kurrentdb;
mod on_postgresql;
mod openapi_is_true;
mod postgresql_is_killed;
mod postgresql_is_restored;
mod the_command_line;
mod the_demo_month;
mod the_log_is_copied;
mod the_log_is_exported;
mod the_log_is_restored;
mod three_programs_read_the_books;
mod two_processes;
mod webhooks_misbehave;
mod without_a_stripe_key;
