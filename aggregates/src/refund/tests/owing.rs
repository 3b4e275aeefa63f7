//! A refund that failed is still owed: sent again, paid otherwise, or forgone.

use super::*;

#[test]
fn a_failed_refund_can_be_tried_again_under_a_new_stripe_refund() {
    let story = Story::failed();
    let retried = RefundEvent::Retried { attempt: 2, by: Person::from("staff"), at: hours(0) };
    story.answers(retry(), vec![retried]);
    let story = story.and(retry());
    assert_eq!((story.status(), story.refund().attempt()), (RefundStatus::Approved, 2));
    story.ignores(retry());
    story.ignores(submit(1));
    let known = story.events.len();
    let second = RefundFact {
        stripe_refund: re("re_2"),
        balance_transaction: Some(TxnRef::from("txn_out_2")),
        ..fact("succeeded", 7)
    };
    let story = story.and(submit(2)).and(merge(second));
    assert_eq!(
        story.names_from(known),
        ["submitted", "accepted", "debited", "fact_merged", "succeeded"]
    );
    assert_eq!(story.status(), RefundStatus::Succeeded);
    story.refuses(retry(), RefundError::NotOwed);
}

#[test]
fn late_facts_about_the_first_attempt_do_not_touch_the_second() {
    let early = RefundFact { failure_balance_transaction: None, ..fact("failed", 3) };
    let story = Story::pending().and(merge(early)).and(retry()).and(submit(2));
    let known = story.events.len();
    let story = story.and(merge(fact("failed", 4)));
    assert_eq!(story.names_from(known), ["fact_merged", "reversed"]);
    assert_eq!(story.status(), RefundStatus::Submitted);
}

#[test]
fn a_failed_refund_can_be_paid_by_other_means_once() {
    let story = Story::failed();
    story.answers(
        pay_externally(),
        vec![RefundEvent::PaidExternally {
            refund: id(),
            amount: usd(3792),
            proof: "bank letter 7".to_owned(),
            by: Person::from("staff"),
            at: hours(0),
        }],
    );
    let story = story.and(pay_externally());
    assert_eq!(story.status(), RefundStatus::PaidExternally);
    story.ignores(pay_externally());
    story.refuses(retry(), RefundError::NotOwed);
    story.refuses(forgo("staff"), RefundError::NotOwed);
    story.refuses(RefundCommand::ForgoForDispute { dispute: None }, RefundError::NotOwed);
}

#[test]
fn two_people_forgo_a_failed_refund_one_after_the_other() {
    let reason = "buyer cannot be found".to_owned();
    let story = Story::failed();
    let proposed = RefundEvent::ForgoProposed {
        reason: reason.clone(),
        by: Person::from("anna"),
        at: hours(0),
    };
    story.answers(forgo("anna"), vec![proposed]);
    let story = story.and(forgo("anna"));
    assert!(story.refund().is_owed());
    story.refuses(forgo("anna"), RefundError::NeedsSecondApprover { first: "anna".to_owned() });
    let forgone =
        RefundEvent::Forgone { reason: reason.clone(), by: Person::from("bruno"), at: hours(0) };
    story.answers(forgo("bruno"), vec![forgone, reverted(source(), &reason)]);
    let story = story.and(forgo("bruno"));
    assert_eq!(story.status(), RefundStatus::Forgone);
    story.ignores(forgo("bruno"));
    story.refuses(pay_externally(), RefundError::NotOwed);
    story.refuses(retry(), RefundError::NotOwed);
}

#[test]
fn a_refund_that_a_dispute_overtook_is_not_paid_again() {
    let story = Story::failed();
    let known = story.events.len();
    let for_dispute = RefundCommand::ForgoForDispute { dispute: None };
    let story = story.and(for_dispute.clone());
    assert_eq!(story.names_from(known), ["forgone", "reverted"]);
    story.ignores(for_dispute);
}

#[test]
fn only_what_failed_is_owed() {
    for story in [Story::requested(), Story::approved(), Story::pending(), Story::succeeded()] {
        story.refuses(retry(), RefundError::NotOwed);
        story.refuses(pay_externally(), RefundError::NotOwed);
        story.refuses(forgo("staff"), RefundError::NotOwed);
        let for_dispute = RefundCommand::ForgoForDispute { dispute: None };
        story.refuses(for_dispute, RefundError::NotOwed);
    }
}
