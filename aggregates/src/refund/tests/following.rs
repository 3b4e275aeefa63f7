//! What becomes of a refund at Stripe.

use super::*;

fn merged(status: &str, created: i64) -> RefundEvent {
    let fact = fact(status, created);
    RefundEvent::FactMerged {
        stripe_refund: re("re_1"),
        status: fact.status,
        rank: fact.rank,
        at: hours(0),
    }
}

#[test]
fn stripes_answer_says_under_which_id_it_has_the_refund() {
    let story = Story::submitted();
    story.answers(
        merge(fact("pending", 1)),
        vec![
            RefundEvent::Accepted {
                refund: id(),
                stripe_refund: re("re_1"),
                amount: usd(3792),
                at: hours(0),
            },
            RefundEvent::Debited {
                stripe_refund: re("re_1"),
                txn: TxnRef::from("txn_out"),
                amount: usd(3792),
                at: hours(0),
            },
            merged("pending", 1),
            RefundEvent::Pending { reason: None, at: hours(0) },
        ],
    );
    let story = story.and(merge(fact("pending", 1)));
    assert_eq!(story.refund().stripe_refund(), Some(&re("re_1")));
    assert_eq!(story.status(), RefundStatus::Pending);
    story.ignores(merge(fact("pending", 1)));
    story.answers(merge(fact("pending", 2)), vec![merged("pending", 2)]);
    Story::requested().refuses(merge(fact("pending", 1)), RefundError::NotApproved);
}

#[test]
fn a_webhook_may_be_faster_than_our_own_note_of_the_call() {
    let story = Story::approved().and(merge(fact("succeeded", 2)));
    assert_eq!(story.status(), RefundStatus::Succeeded);
    story.ignores(submit(1));
    story.ignores(submit_unknown(1));
}

#[test]
fn a_success_is_told_once() {
    let story = Story::pending();
    let succeeded =
        RefundEvent::Succeeded { order: Some(order()), occurred_at: hours(2), at: hours(0) };
    story.answers(merge(fact("succeeded", 2)), vec![merged("succeeded", 2), succeeded]);
    let story = story.and(merge(fact("succeeded", 2)));
    story.ignores(merge(fact("succeeded", 2)));
    story.answers(merge(fact("succeeded", 5)), vec![merged("succeeded", 5)]);
    story.ignores(merge(fact("pending", 9)));
}

#[test]
fn a_failure_counts_even_after_a_success_and_the_refund_is_owed_again() {
    let story = Story::succeeded();
    let failed = RefundEvent::Failed {
        refund: id(),
        stripe_refund: re("re_1"),
        amount: usd(3792),
        reason: "expired_or_canceled_card".to_owned(),
        occurred_at: hours(3),
        at: hours(0),
    };
    let reversed = RefundEvent::Reversed {
        stripe_refund: re("re_1"),
        txn: TxnRef::from("txn_back"),
        amount: usd(3792),
        at: hours(0),
    };
    story.answers(merge(fact("failed", 3)), vec![merged("failed", 3), failed, reversed]);
    let story = story.and(merge(fact("failed", 3)));
    assert_eq!(story.status(), RefundStatus::Failed);
    assert!(story.refund().is_owed());
    story.answers(merge(fact("failed", 4)), vec![merged("failed", 4)]);
    story.ignores(merge(fact("succeeded", 9)));
}

#[test]
fn a_failure_heard_of_first_posts_both_transactions_in_one_go() {
    let story = Story::submitted();
    let known = story.events.len();
    let story = story.and(merge(fact("failed", 3)));
    assert_eq!(
        story.names_from(known),
        ["accepted", "debited", "fact_merged", "failed", "reversed"]
    );
    story.ignores(merge(fact("pending", 1)));
}

#[test]
fn transactions_are_united_whatever_their_facts_rank() {
    let without = RefundFact { balance_transaction: None, ..fact("succeeded", 2) };
    let story = Story::submitted().and(merge(without));
    let known = story.events.len();
    let story = story.and(merge(fact("pending", 1)));
    assert_eq!(story.names_from(known), ["debited"]);
    let early = RefundFact { failure_balance_transaction: None, ..fact("failed", 3) };
    let story = story.and(merge(early));
    let known = story.events.len();
    let story = story.and(merge(fact("failed", 2)));
    assert_eq!(story.names_from(known), ["reversed"]);
}

#[test]
fn a_refund_of_ours_that_is_cancelled_at_stripe_is_reverted() {
    let story = Story::pending().and(merge(fact("requires_action", 2)));
    assert_eq!(story.status(), RefundStatus::RequiresAction);
    let known = story.events.len();
    let story = story.and(merge(fact("canceled", 3)));
    assert_eq!(story.names_from(known), ["fact_merged", "canceled", "reverted", "reversed"]);
    assert_eq!(story.events[known + 2], reverted(source(), "cancelled at Stripe"));
    assert_eq!(story.status(), RefundStatus::Canceled);
    story.ignores(merge(fact("canceled", 3)));
    story.refuses(retry(), RefundError::NotOwed);
    let known = story.events.len();
    let contradicted = story.and(merge(fact("failed", 9)));
    assert_eq!(contradicted.names_from(known), ["fact_merged"], "it ends once");
}

#[test]
fn the_reason_why_it_is_pending_is_told_when_it_changes() {
    let short_of_money = |created| RefundFact {
        reason: Some("insufficient_funds".to_owned()),
        ..fact("pending", created)
    };
    let story = Story::pending().and(merge(short_of_money(2)));
    let pending =
        RefundEvent::Pending { reason: Some("insufficient_funds".to_owned()), at: hours(0) };
    assert_eq!(story.events.last(), Some(&pending));
    let known = story.events.len();
    let story = story.and(merge(short_of_money(3)));
    assert_eq!(story.names_from(known), ["fact_merged"]);
}

#[test]
fn a_refund_that_is_pending_for_ten_days_is_stuck_once() {
    let due = hours(240);
    let story = Story::pending();
    story.refuses(RefundCommand::NoteStuck, RefundError::TooEarly { due });
    let story = story.at(hours(300));
    story.answers(RefundCommand::NoteStuck, vec![RefundEvent::Stuck { at: due }]);
    story.and(RefundCommand::NoteStuck).ignores(RefundCommand::NoteStuck);
    Story::succeeded().at(hours(300)).ignores(RefundCommand::NoteStuck);
    Story::failed().at(hours(300)).ignores(RefundCommand::NoteStuck);
}

#[test]
fn facts_of_another_refund_or_currency_are_refused() {
    let other = RefundFact { stripe_refund: re("re_2"), ..fact("pending", 1) };
    Story::pending().refuses(
        merge(other),
        RefundError::OtherStripeRefund { known: "re_1".to_owned(), given: "re_2".to_owned() },
    );
    let in_euro = RefundFact { amount: Money::new(3792, Currency::EUR), ..fact("pending", 1) };
    Story::submitted().refuses(
        merge(in_euro),
        RefundError::CurrencyMismatch { expected: Currency::USD, given: Currency::EUR },
    );
}

#[test]
fn a_refund_nobody_requested_here_is_observed_and_followed() {
    let story = Story::begin().and(observe(fact("succeeded", 2)));
    assert_eq!(story.names_from(0), ["external_observed", "debited", "fact_merged", "succeeded"]);
    assert_eq!(
        story.events[0],
        RefundEvent::ExternalObserved {
            refund: id(),
            stripe_refund: re("re_1"),
            payment: payment(),
            charge: charge(),
            amount: usd(3792),
            occurred_at: hours(2),
            at: hours(0),
        }
    );
    let succeeded = RefundEvent::Succeeded { order: None, occurred_at: hours(2), at: hours(0) };
    assert_eq!(story.events[3], succeeded);
    story.ignores(observe(fact("succeeded", 2)));
    story.ignores(merge(fact("pending", 1)));
    story.ignores(RefundCommand::Escalate);
    let failed = story.and(merge(fact("failed", 3)));
    assert!(failed.refund().is_owed());
}

#[test]
fn an_observed_refund_that_is_cancelled_is_owed_until_a_person_decides() {
    let story = Story::begin().and(observe(fact("canceled", 3)));
    assert_eq!(
        story.names_from(0),
        ["external_observed", "debited", "fact_merged", "canceled", "reversed"]
    );
    assert!(story.refund().is_owed());
}
