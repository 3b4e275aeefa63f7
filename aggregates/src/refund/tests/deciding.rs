//! Asking, and the decision.

use super::*;

fn approved(how: ApprovedHow, by: &str) -> RefundEvent {
    RefundEvent::Approved {
        refund: id(),
        source: source(),
        charge: charge(),
        amount: usd(3792),
        how,
        by: Person::from(by),
        at: hours(0),
    }
}

#[test]
fn a_request_waits_for_a_decision() {
    let story = Story::requested();
    assert_eq!(
        story.events,
        [RefundEvent::Requested {
            refund: id(),
            source: source(),
            payment: payment(),
            charge: charge(),
            amount: usd(3792),
            reason: "did not fit".to_owned(),
            requested_by: Person::from("buyer"),
            decide_by: hours(72),
            second_person_above: 0,
            at: hours(0),
        }]
    );
    let refund = story.refund();
    assert_eq!((refund.order(), refund.payment()), (Some(order()), Some(payment())));
    assert_eq!((refund.amount(), refund.decide_by()), (Some(usd(3792)), Some(hours(72))));
    story.ignores(request(0));
    story.refuses(request_of(RefundSource::Unallocated, 0, None), RefundError::AlreadyRequested);
}

#[test]
fn what_was_decided_before_is_approved_in_the_same_step() {
    let story = Story::begin().and(request_of(source(), 100, Some(ApprovedHow::Automatic)));
    assert_eq!(story.events[1], approved(ApprovedHow::Automatic, "buyer"));
    assert_eq!(story.status(), RefundStatus::Approved);
    story.ignores(request_of(source(), 100, Some(ApprovedHow::Automatic)));
}

#[test]
fn a_request_is_decided_once() {
    let story = Story::requested();
    story.answers(approve("anna"), vec![approved(ApprovedHow::Decided, "anna")]);
    story.answers(force("staff"), vec![approved(ApprovedHow::Forced, "staff")]);
    let declined = RefundEvent::Declined {
        note: "worn".to_owned(),
        order: Some(order()),
        by: Person::from("anna"),
        at: hours(0),
    };
    story.answers(decline(), vec![declined]);
    let withdrawn = RefundEvent::Withdrawn { order: Some(order()), at: hours(0) };
    story.answers(withdraw(), vec![withdrawn]);

    let approved = Story::approved();
    approved.ignores(approve("anna"));
    approved.ignores(force("staff"));
    Story::succeeded().ignores(approve("anna"));
    for late in [decline(), withdraw()] {
        approved.refuses(late.clone(), RefundError::AlreadyDecided);
        Story::succeeded().refuses(late, RefundError::AlreadyDecided);
    }
    for (no, status) in [(decline(), RefundStatus::Declined), (withdraw(), RefundStatus::Withdrawn)]
    {
        let story = Story::requested().and(no.clone());
        assert_eq!(story.status(), status);
        story.ignores(no);
        story.refuses(approve("anna"), RefundError::AlreadyDecided);
        story.refuses(force("staff"), RefundError::AlreadyDecided);
        story.refuses(merge(fact("pending", 1)), RefundError::NotApproved);
    }
    Story::requested().and(decline()).refuses(withdraw(), RefundError::AlreadyDecided);
    Story::requested().and(withdraw()).refuses(decline(), RefundError::AlreadyDecided);
}

#[test]
fn above_the_limit_two_people_approve() {
    let story = Story::begin().and(request(3791));
    let first = RefundEvent::FirstApproval { by: Person::from("anna"), at: hours(0) };
    story.answers(approve("anna"), vec![first]);
    let story = story.and(approve("anna"));
    assert_eq!(story.status(), RefundStatus::Requested);
    let needs = RefundError::NeedsSecondApprover { first: "anna".to_owned() };
    story.refuses(approve("anna"), needs.clone());
    story.refuses(force("anna"), needs);
    story.answers(approve("bruno"), vec![approved(ApprovedHow::Decided, "bruno")]);
    story.answers(force("bruno"), vec![approved(ApprovedHow::Forced, "bruno")]);
    let at_the_limit = Story::begin().and(request(3792)).and(approve("anna"));
    assert_eq!(at_the_limit.status(), RefundStatus::Approved);
}

#[test]
fn what_nobody_decides_in_time_is_escalated_at_its_due_time() {
    let story = Story::requested();
    story.refuses(RefundCommand::Escalate, RefundError::TooEarly { due: hours(72) });
    let story = story.at(hours(80));
    story.answers(RefundCommand::Escalate, vec![RefundEvent::Escalated { at: hours(72) }]);
    let story = story.and(RefundCommand::Escalate);
    assert_eq!(story.status(), RefundStatus::Escalated);
    story.ignores(RefundCommand::Escalate);
    assert_eq!(story.clone().and(approve("staff")).status(), RefundStatus::Approved);
    assert_eq!(story.and(withdraw()).status(), RefundStatus::Withdrawn);
    Story::approved().ignores(RefundCommand::Escalate);
}
