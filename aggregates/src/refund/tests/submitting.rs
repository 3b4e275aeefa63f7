//! The call to Stripe and its three outcomes.

use super::*;

#[test]
fn a_call_is_noted_before_it_is_made_once_per_attempt() {
    Story::requested().refuses(submit(1), RefundError::NotApproved);
    Story::approved().refuses(submit(2), RefundError::NotApproved);
    let story = Story::submitted();
    assert_eq!(
        story.events.last(),
        Some(&RefundEvent::Submitted {
            attempt: 1,
            idempotency_key: "db:refund:1".to_owned(),
            at: hours(0),
        })
    );
    assert_eq!(story.refund().idempotency_key(), Some("db:refund:1"));
    story.ignores(submit(1));
    let other = RefundCommand::NoteSubmitted { attempt: 1, idempotency_key: "another".to_owned() };
    story.refuses(other, RefundError::AlreadySubmitted);
    Story::pending().ignores(submit(1));
}

#[test]
fn an_unknown_outcome_is_a_state_until_stripe_is_asked() {
    let story = Story::submitted();
    let unknown = RefundEvent::SubmitUnknown { attempt: 1, at: hours(0) };
    story.answers(submit_unknown(1), vec![unknown]);
    story.ignores(submit_unknown(2));
    let story = story.and(submit_unknown(1));
    assert_eq!(story.status(), RefundStatus::SubmitUnknown);
    assert_eq!(story.refund().idempotency_key(), Some("db:refund:1"));
    story.ignores(submit_unknown(1));
    story.ignores(submit(1));
    assert_eq!(story.and(merge(fact("pending", 1))).status(), RefundStatus::Pending);
    Story::pending().ignores(submit_unknown(1));
    Story::requested().refuses(submit_unknown(1), RefundError::NotApproved);
}

#[test]
fn a_call_that_stripe_refused_leaves_the_refund_owed() {
    let story = Story::submitted();
    let refused = RefundEvent::SubmitRefused {
        attempt: 1,
        code: "charge_already_refunded".to_owned(),
        message: "Charge has already been refunded.".to_owned(),
        at: hours(0),
    };
    story.answers(submit_refused(1), vec![refused.clone()]);
    story.clone().and(submit_unknown(1)).answers(submit_refused(1), vec![refused]);
    let story = story.and(submit_refused(1));
    assert_eq!(story.status(), RefundStatus::SubmitRefused);
    assert!(story.refund().is_owed());
    story.ignores(submit_refused(1));
    story.ignores(submit_unknown(1));
    let again = story.clone().and(retry()).and(submit(2));
    assert_eq!(again.refund().attempt(), 2);
    again.ignores(submit_refused(1));
    let arrived_after_all = story.and(merge(fact("succeeded", 2)));
    assert_eq!(arrived_after_all.status(), RefundStatus::Succeeded);
    Story::requested().refuses(submit_refused(1), RefundError::NotApproved);
}
