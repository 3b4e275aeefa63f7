//! Disputes and captures taken back: whose money it is.

use super::*;
use crate::{
    order::{OrderStatus, PaymentStatus},
    vocabulary::DisputeBearer,
};

/// What the last dispute event says: cash per line, overlap and excess.
fn applied(story: &Story) -> (Vec<i64>, i64, i64) {
    let OrderEvent::DisputeApplied { shares, overlap, excess, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    (shares.iter().map(|share| share.components.cash()).collect(), *overlap, *excess)
}

/// What was lost and what had been held per line, then overlap and excess.
fn concluded(story: &Story) -> (Vec<(i64, i64)>, i64, i64) {
    let OrderEvent::DisputeConcluded { shares, overlap_lost, excess, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    let cash = shares.iter().map(|share| (share.lost.components.cash(), share.held.cash()));
    (cash.collect(), *overlap_lost, *excess)
}

/// What came back to the lines, then of the overlap and of the excess.
fn revised(story: &Story) -> (i64, i64, i64) {
    let OrderEvent::DisputeConclusionRevised { shares, overlap_returned, excess, .. } =
        story.last()
    else {
        panic!("{:?}", story.last());
    };
    let cash = shares.iter().map(|share| share.components.cash()).sum();
    (cash, *overlap_returned, *excess)
}

fn left(story: &Story) -> i64 {
    (0..3).map(|line| story.order().remaining(LineNo(line)).cash()).sum()
}

/// A dispute over the whole charge after Anna's print was refunded.
fn disputed_after_refund() -> Story {
    Story::paid().and(reserve("r", 0, None)).and(settle("r")).and(apply("d", usd(10_537), false))
}

#[test]
fn a_dispute_is_split_over_the_sellers_by_what_remains() {
    let story = Story::paid().and(apply("d", usd(10_537), false));
    assert_eq!(applied(&story), (vec![3792, 3395, 3350], 0, 0));
    assert_eq!(left(&story), 0);
    assert!(story.order().dispute_open());
    story.ignores(apply("d", usd(10_537), false));
    story.ignores(apply("d", usd(10_537), true));
    let part = Story::paid().and(apply("d", usd(1000), false));
    assert_eq!(applied(&part), (vec![360, 322, 318], 0, 0));
}

#[test]
fn what_was_refunded_before_the_dispute_is_overlap_and_what_exceeds_the_charge_excess() {
    assert_eq!(applied(&disputed_after_refund()), (vec![3395, 3350], 3792, 0));
    let story = Story::paid().and(reserve("r", 0, None)).and(apply("d", usd(11_000), false));
    assert_eq!(applied(&story), (vec![3395, 3350], 3792, 463));
    let all_refunded = Story::paid().and(external("x", usd(10_537)));
    let story = all_refunded.and(apply("d", usd(10_537), false));
    assert_eq!(applied(&story), (vec![], 10_537, 0), "the sellers are not touched");
}

#[test]
fn a_dispute_that_cannot_be_the_lines_is_all_excess() {
    let unpaid = Story::placed().and(apply("d", usd(500), false));
    assert_eq!(applied(&unpaid), (vec![], 0, 500));
    let in_euro = Story::paid().and(apply("d", Money::new(500, Currency::EUR), false));
    assert_eq!(applied(&in_euro), (vec![], 0, 500));
    assert_eq!(left(&in_euro), 10_537);
}

#[test]
fn the_policy_at_placement_says_who_bears_disputes() {
    for (bearer, on_sellers) in [(DisputeBearer::Sellers, true), (DisputeBearer::Platform, false)] {
        let story = Story::paid_with(|place| {
            place.policy.disputes_borne_by = bearer;
            place.policy.dispute_fee_on_sellers = true;
        });
        let story = story.and(apply("d", usd(500), false));
        let OrderEvent::DisputeApplied { on_sellers: said, fee_on_sellers, .. } = story.last()
        else {
            panic!("{:?}", story.last());
        };
        assert_eq!((*said, *fee_on_sellers), (on_sellers, true));
        assert_eq!(left(&story), 10_037, "the money is gone whoever bears it");
    }
}

#[test]
fn two_disputes_never_take_the_same_cent() {
    let story = Story::paid().and(apply("d", usd(10_000), false));
    let story = story.and(apply("e", usd(10_537), false));
    let (parts, overlap, excess) = applied(&story);
    assert_eq!((parts.iter().sum::<i64>(), overlap, excess), (537, 0, 10_000));
    let story = disputed_after_refund().and(apply("e", usd(4000), false));
    assert_eq!(applied(&story), (vec![], 0, 4000), "the overlap is the first dispute's");
}

#[test]
fn an_inquiry_moves_nothing_and_only_stops_refunds() {
    let story = Story::paid().and(apply("d", usd(10_537), true));
    assert_eq!(applied(&story), (vec![], 0, 0));
    assert_eq!(left(&story), 10_537);
    story.ignores(apply("d", usd(10_537), true));
    story.refuses(reserve("r", 0, None), OrderError::ChargeUnderDispute);
    story.refuses(reserve_approved("r", 0, None), OrderError::ChargeUnderDispute);
    let closed = story.and(conclude("d", 0, 0, false));
    assert_eq!(
        closed.last(),
        &OrderEvent::DisputeReleased { dispute: dispute("d"), shares: vec![], at: minutes(1) }
    );
    closed.ignores(conclude("d", 0, 0, false));
    closed.ignores(revise("d", "txn_1", 5));
    closed.and(reserve("r", 0, None));
}

fn despite_inquiry(line: u16, amount: Option<i64>) -> OrderCommand {
    OrderCommand::ReserveRefund {
        refund: refund("all"),
        line: LineNo(line),
        amount: amount.map(usd),
        reason: "inquiry".to_owned(),
        by: Person::from("staff"),
        approved: true,
        despite_inquiry: true,
    }
}

#[test]
fn an_inquiry_can_be_answered_by_refunding_everything_and_only_everything() {
    let inquiry = Story::paid().and(apply("d", usd(10_537), true));
    inquiry.refuses(despite_inquiry(0, Some(100)), OrderError::ChargeUnderDispute);
    let story = inquiry.and(despite_inquiry(0, None));
    assert!(matches!(story.last(), OrderEvent::RefundReserved { amount: 3792, .. }));
    let dispute = Story::paid().and(apply("d", usd(10_537), false));
    dispute.refuses(despite_inquiry(0, None), OrderError::ChargeUnderDispute);
}

#[test]
fn an_inquiry_that_becomes_a_dispute_takes_its_shares_then() {
    let open = Story::paid().and(apply("d", usd(10_537), true));
    let closed = open.clone().and(conclude("d", 0, 0, false));
    for story in [open, closed] {
        let story = story.and(apply("d", usd(10_537), false));
        assert_eq!(applied(&story), (vec![3792, 3395, 3350], 0, 0));
    }
}

#[test]
fn an_inquiry_heard_of_again_only_when_it_was_lost_is_applied_and_concluded_at_once() {
    let story = Story::paid().and(apply("d", usd(10_537), true));
    let known = story.events.len();
    let story = story.and(conclude("d", 10_537, 0, true));
    assert!(matches!(story.events[known], OrderEvent::DisputeApplied { inquiry: false, .. }));
    assert_eq!(concluded(&story), (vec![(3792, 3792), (3395, 3395), (3350, 3350)], 0, 0));
}

#[test]
fn a_lost_dispute_takes_what_was_held() {
    let story = Story::paid().and(apply("d", usd(10_537), false));
    let story = story.and(conclude("d", 10_537, 0, true));
    assert_eq!(concluded(&story), (vec![(3792, 3792), (3395, 3395), (3350, 3350)], 0, 0));
    let order = story.order();
    assert_eq!(order.payment_status(), PaymentStatus::ChargedBack);
    assert!(!order.dispute_open());
    story.ignores(conclude("d", 10_537, 0, true));
    story.ignores(apply("d", usd(10_537), false));
    story.refuses(reserve("r", 0, None), OrderError::NothingToRefund);
}

#[test]
fn a_won_dispute_lets_everything_go() {
    let story = Story::paid().and(apply("d", usd(10_537), false));
    let story = story.and(conclude("d", 10_537, 10_537, false));
    assert_eq!(concluded(&story), (vec![(0, 3792), (0, 3395), (0, 3350)], 0, 0));
    assert_eq!(left(&story), 10_537);
    story.and(reserve("r", 0, None));
}

#[test]
fn what_comes_back_of_a_lost_dispute_clears_the_overlap_first() {
    let story = disputed_after_refund().and(conclude("d", 10_537, 3792, true));
    assert_eq!(concluded(&story), (vec![(3395, 3395), (3350, 3350)], 0, 0));
    let story = disputed_after_refund().and(conclude("d", 10_537, 3000, true));
    assert_eq!(concluded(&story), (vec![(3395, 3395), (3350, 3350)], 792, 0));
    let story = disputed_after_refund().and(conclude("d", 10_537, 4000, true));
    assert_eq!(concluded(&story), (vec![(3290, 3395), (3247, 3350)], 0, 0));
}

#[test]
fn the_excess_stays_open_and_is_never_a_sellers() {
    let story = Story::paid().and(apply("d", usd(11_000), false));
    let lost = story.clone().and(conclude("d", 11_000, 0, true));
    assert_eq!(concluded(&lost), (vec![(3792, 3792), (3395, 3395), (3350, 3350)], 0, 463));
    let more_than_said = story.and(conclude("d", 12_000, 0, true));
    assert_eq!(concluded(&more_than_said).2, 1463);
}

#[test]
fn what_was_really_withdrawn_counts_and_not_what_was_announced() {
    let story = Story::paid().and(apply("d", usd(10_537), false));
    let story = story.and(conclude("d", 1000, 0, true));
    assert_eq!(concluded(&story), (vec![(360, 3792), (322, 3395), (318, 3350)], 0, 0));
    assert_eq!(left(&story), 9537);
}

#[test]
fn a_win_whose_money_is_still_to_come_is_nobodys_loss() {
    let story = Story::paid().and(apply("d", usd(10_537), false));
    let story = story.and(conclude("d", 10_537, 0, false));
    assert_eq!(concluded(&story), (vec![(0, 3792), (0, 3395), (0, 3350)], 0, 10_537));
    let story = story.and(revise("d", "txn_back", 10_537));
    assert_eq!(revised(&story), (0, 0, 10_537));
}

#[test]
fn money_that_comes_back_after_the_end_clears_overlap_then_excess_then_the_lines() {
    let story = Story::paid().and(reserve("r", 0, None)).and(settle("r"));
    let story = story.and(apply("d", usd(11_000), false)).and(conclude("d", 11_000, 0, true));
    assert_eq!(concluded(&story), (vec![(3395, 3395), (3350, 3350)], 3792, 463));
    let story = story.and(revise("d", "txn_1", 4000));
    assert_eq!(revised(&story), (0, 3792, 208));
    story.ignores(revise("d", "txn_1", 4000));
    let story = story.and(revise("d", "txn_2", 1255));
    assert_eq!(revised(&story), (1000, 0, 255));
    assert_eq!(left(&story), 1000);
    let story = story.and(revise("d", "txn_3", 9000));
    assert_eq!(revised(&story), (5745, 0, 3255), "more than was lost stays open");
}

#[test]
fn a_dispute_must_be_known_and_is_revised_only_after_its_end() {
    let unknown = || OrderError::DisputeUnknown { dispute: dispute("d").to_string() };
    Story::paid().refuses(conclude("d", 1, 0, true), unknown());
    Story::paid().refuses(revise("d", "txn_1", 1), unknown());
    Story::paid().and(apply("d", usd(1), false)).ignores(revise("d", "txn_1", 1));
}

#[test]
fn a_refund_that_a_dispute_overtook_puts_the_loss_back_on_the_seller() {
    let story = Story::paid().and(reserve("r", 0, None)).and(reserve("r1", 1, None));
    let story = story.and(apply("d", usd(10_537), false));
    assert_eq!(applied(&story), (vec![3350], 7187, 0));
    let story = story.and(release("r"));
    assert_eq!(applied(&story), (vec![3350, 3792], 3395, 0));
    assert_eq!(left(&story), 0);
    let story = story.and(conclude("d", 10_537, 0, true));
    assert_eq!(concluded(&story), (vec![(3350, 3350), (3792, 3792)], 3395, 0));
}

#[test]
fn a_hold_is_made_once_so_what_is_freed_later_of_the_same_seller_stays_with_the_platform() {
    let story = Story::paid_with(partial_refunds).and(reserve("r", 2, Some(1000)));
    let story = story.and(apply("d", usd(10_537), false)).and(release("r"));
    assert!(matches!(story.last(), OrderEvent::RefundReleased { .. }));
    assert_eq!(left(&story), 1000);
}

#[test]
fn a_capture_taken_back_mirrors_the_payment_over_what_remains() {
    let story = Story::paid().and(reverse("first", usd(10_537)));
    let OrderEvent::CaptureReversed { shares, overlap, amount, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!((shares.len(), *overlap, *amount), (3, 0, 10_537));
    let order = story.order();
    assert_eq!(order.status(), OrderStatus::Cancelled);
    assert_eq!(order.payment_status(), PaymentStatus::Reversed);
    assert_eq!(left(&story), 0);
    story.ignores(reverse("first", usd(10_537)));
    story.refuses(reserve("r", 0, None), OrderError::NotPaid);
    let late = story.and(confirm("second", usd(10_537)));
    assert!(matches!(late.last(), OrderEvent::LatePaymentReceived { accepted: false, .. }));
}

#[test]
fn what_had_been_refunded_before_a_capture_is_taken_back_is_overlap() {
    let story = Story::paid().and(reserve("r", 0, None)).and(settle("r"));
    let story = story.and(reverse("first", usd(10_537)));
    let OrderEvent::CaptureReversed { shares, overlap, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!((shares.len(), *overlap), (2, 3792));
}

#[test]
fn a_line_the_platform_paid_for_is_taken_back_with_the_capture() {
    let story = Story::paid_with(|place| {
        place.lines = vec![line("gift", 4000, false, false), line("print", 5000, false, false)];
        place.discount = Some(Discount { amount: 9000, funded_by: FundedBy::Platform, code: None });
        place.lines[1].shippable = true;
        place.tax = 0;
    });
    assert_eq!(story.order().total(), Some(usd(700)));
    let story = story.and(reverse("first", usd(700)));
    let OrderEvent::CaptureReversed { shares, overlap, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!((shares[0].components.cash(), shares[0].components.seller), (0, 3600));
    assert_eq!((shares[1].components.cash(), *overlap), (700, 0));
}

#[test]
fn only_the_payment_that_paid_can_be_taken_back_from_the_order() {
    Story::placed().ignores(reverse("first", usd(10_537)));
    Story::paid().and(confirm("second", usd(10_537))).ignores(reverse("second", usd(10_537)));
}
