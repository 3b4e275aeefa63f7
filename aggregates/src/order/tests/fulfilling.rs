//! Shipments, deliveries, and the end of the order.

use super::*;
use crate::order::{Fulfilment, OrderStatus};

fn two_pieces() -> Story {
    Story::paid_with(|place| {
        place.lines[0].quantity = 3;
        place.lines[0].unit_price = 1111;
    })
}

fn amend(shipment: &str, tracking: &str) -> OrderCommand {
    OrderCommand::AmendTracking {
        shipment: shipment.to_owned(),
        carrier: "Example Post".to_owned(),
        tracking: tracking.to_owned(),
    }
}

fn auto_deliver(shipment: &str) -> OrderCommand {
    OrderCommand::AutoDeliver { shipment: shipment.to_owned() }
}

fn part(line: u16, quantity: u32) -> ShippedLine {
    ShippedLine { line: LineNo(line), quantity }
}

#[test]
fn lines_are_shipped_in_pieces_and_each_shipment_has_its_own_clock() {
    let story = two_pieces().at(days(1)).and(ship("S1", &[(0, 1)]));
    assert_eq!(
        story.last(),
        &OrderEvent::LinesShipped {
            shipment: "S1".to_owned(),
            lines: vec![part(0, 1)],
            carrier: "Example Post".to_owned(),
            tracking: Some("EX1".to_owned()),
            auto_deliver_at: days(15),
            at: days(1),
        }
    );
    assert_eq!(story.order().fulfilment(LineNo(0)), Some(Fulfilment::PartlyShipped));
    assert_eq!(story.order().due_times().auto_deliver, [("S1".to_owned(), days(15))]);
    story.ignores(ship("S1", &[(0, 1)]));
    story.refuses(ship("S1", &[(0, 2)]), OrderError::ShipmentExists { shipment: "S1".to_owned() });
    story.refuses(ship("S2", &[(0, 3)]), OrderError::QuantityExceeds { line: 0, left: 2 });
    story.refuses(ship("S2", &[(0, 1), (0, 2)]), OrderError::QuantityExceeds { line: 0, left: 2 });
    let story = story.and(ship("S2", &[(0, 2)]));
    assert_eq!(story.order().fulfilment(LineNo(0)), Some(Fulfilment::Shipped));
    story.refuses(ship("S3", &[(0, 1)]), OrderError::AlreadyShipped { line: 0 });
}

#[test]
fn only_goods_that_can_be_shipped_are() {
    let story = Story::paid();
    let invalid =
        |line, problem: &str| OrderError::InvalidLine { line, problem: problem.to_owned() };
    story.refuses(ship("S1", &[]), invalid(0, "a shipment needs at least one line"));
    story.refuses(ship("S1", &[(2, 0)]), invalid(2, "the quantity must be at least 1"));
    story.refuses(ship("S1", &[(1, 1)]), OrderError::NotShippable { line: 1 });
    story.refuses(ship("S1", &[(7, 1)]), OrderError::LineUnknown { line: 7 });
    let cancelled = story.and(cancel(Some(vec![2]), 0));
    cancelled.refuses(ship("S1", &[(2, 1)]), OrderError::QuantityExceeds { line: 2, left: 0 });
    Story::placed().refuses(ship("S1", &[(0, 1)]), OrderError::NotPaid);
    let gone = Story::paid().and(cancel(None, 0));
    gone.refuses(ship("S1", &[(0, 1)]), OrderError::Cancelled);
}

#[test]
fn a_tracking_number_can_be_corrected() {
    let story = Story::paid().and(ship("S1", &[(0, 1)]));
    story.ignores(amend("S1", "EX1"));
    story.refuses(amend("S9", "EX1"), OrderError::ShipmentUnknown { shipment: "S9".to_owned() });
    let story = story.and(amend("S1", "EX2"));
    assert_eq!(
        story.last(),
        &OrderEvent::TrackingAmended {
            shipment: "S1".to_owned(),
            carrier: "Example Post".to_owned(),
            tracking: "EX2".to_owned(),
            at: minutes(1),
        }
    );
    story.ignores(amend("S1", "EX2"));
    story.ignores(ship("S1", &[(0, 1)]));
}

#[test]
fn the_last_delivery_says_when_the_order_will_be_completed() {
    let delivered = |shipment: &str, line, complete_at, at| OrderEvent::LinesDelivered {
        shipment: shipment.to_owned(),
        lines: vec![part(line, 1)],
        how: DeliveredBy::Carrier,
        complete_at,
        at,
    };
    let story = Story::paid().and(ship("S1", &[(0, 1)])).and(ship("S2", &[(2, 1)])).at(days(2));
    story.answers(deliver("S1"), vec![delivered("S1", 0, None, days(2))]);
    let story = story.and(deliver("S1")).at(days(5));
    story.ignores(deliver("S1"));
    assert_eq!(story.order().fulfilment(LineNo(0)), Some(Fulfilment::Delivered));
    story.ignores(OrderCommand::Complete);
    story.answers(deliver("S2"), vec![delivered("S2", 2, Some(days(19)), days(5))]);
    story.refuses(deliver("S9"), OrderError::ShipmentUnknown { shipment: "S9".to_owned() });
}

#[test]
fn a_shipment_counts_as_arrived_when_it_is_due_whenever_the_timer_fires() {
    let story = Story::paid().and(ship("S1", &[(0, 1), (2, 1)]));
    let due = minutes(1).plus_days(14);
    story.refuses(auto_deliver("S1"), OrderError::TooEarly { due });
    let story = story.at(days(40)).and(auto_deliver("S1"));
    assert_eq!(
        story.last(),
        &OrderEvent::LinesDelivered {
            shipment: "S1".to_owned(),
            lines: vec![part(0, 1), part(2, 1)],
            how: DeliveredBy::Automatically,
            complete_at: Some(due.plus_days(14)),
            at: due,
        }
    );
    story.ignores(auto_deliver("S1"));
    story.refuses(auto_deliver("S9"), OrderError::ShipmentUnknown { shipment: "S9".to_owned() });
}

#[test]
fn an_order_is_completed_once_when_the_time_for_issues_is_over() {
    let story = Story::paid().and(ship("S1", &[(0, 1), (2, 1)])).at(days(2)).and(deliver("S1"));
    story.refuses(OrderCommand::Complete, OrderError::TooEarly { due: days(16) });
    let story = story.at(days(20));
    story.answers(OrderCommand::Complete, vec![OrderEvent::Completed { at: days(16) }]);
    let story = story.and(OrderCommand::Complete);
    assert_eq!(story.order().status(), OrderStatus::Completed);
    story.ignores(OrderCommand::Complete);
    story.refuses(cancel(None, 0), OrderError::Completed);
    Story::placed().ignores(OrderCommand::Complete);
}

#[test]
fn an_order_without_goods_to_ship_is_completed_after_the_issue_window() {
    let story = Story::paid_with(|place| {
        place.shipping = 0;
        place.lines.iter_mut().for_each(|line| line.shippable = false);
    });
    let OrderEvent::Confirmed { ship_by, complete_at, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    let due = minutes(1).plus_days(14);
    assert_eq!((*ship_by, *complete_at), (None, Some(due)));
    assert_eq!(story.order().due_times().complete_at, Some(due));
    let story = story.at(due).and(OrderCommand::Complete);
    assert_eq!(story.last(), &OrderEvent::Completed { at: due });
}

#[test]
fn cancelling_the_last_open_line_lets_the_order_come_to_its_end() {
    let story = Story::paid().and(ship("S1", &[(0, 1)])).at(days(2)).and(deliver("S1"));
    let story = story.at(days(3)).and(cancel(Some(vec![2]), 0));
    let OrderEvent::Cancelled { complete_at, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!(*complete_at, Some(days(16)));
}

#[test]
fn refunding_what_was_never_shipped_lets_the_order_come_to_its_end() {
    let story = Story::paid().and(ship("S1", &[(0, 1)])).at(days(2)).and(deliver("S1"));
    let story = story.at(days(3)).and(reserve("r", 2, None)).and(settle("r"));
    let OrderEvent::RefundSettled { complete_at, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!(*complete_at, Some(days(16)));
}

#[test]
fn lines_that_were_not_shipped_in_time_are_noted_once() {
    let due = minutes(1).plus_days(14);
    let story = Story::paid().and(ship("S1", &[(0, 1)]));
    story.refuses(OrderCommand::NoteShippingOverdue, OrderError::TooEarly { due });
    let story = story.at(days(20));
    story.answers(
        OrderCommand::NoteShippingOverdue,
        vec![OrderEvent::ShippingOverdue { lines: vec![LineNo(2)], at: due }],
    );
    story.clone().and(OrderCommand::NoteShippingOverdue).ignores(OrderCommand::NoteShippingOverdue);
    story.and(ship("S2", &[(2, 1)])).ignores(OrderCommand::NoteShippingOverdue);
    Story::placed().ignores(OrderCommand::NoteShippingOverdue);
}
