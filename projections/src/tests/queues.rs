//! The read models of orders, of people's work, and of machines.

use super::{
    shelf::Shelf,
    story::{
        a_month, answered_and_asked_again, day, dispute, key, order, payment, payout, potter,
        refund, stray, until,
    },
};
use crate::{
    api_keys::{ApiKey, ApiKeys},
    audit_trail::{AuditEntry, AuditTrail},
    disputes::{Dispute, DisputeAction, Disputes},
    orders::{Order, OrderDispute, OrderLine, OrderRefund, Orders},
    outbox::{Effect, Outbox, WantedTransaction},
    payments::{Payment, Payments},
    payouts::{Payout, Payouts},
    refunds::{Refund, Refunds},
    sellers::{PayoutLane, Seller, Sellers},
    tenants::{Tenant, Tenants},
    timers::{TimerRow, Timers},
    webhooks::{Webhook, Webhooks},
    work_items::{WorkItem, WorkItems},
};

#[test]
fn an_order_shows_what_became_of_its_money() {
    let shelf = Shelf::folded(&Orders, &a_month(), 5);
    let orders: Vec<Order> = shelf.rows();
    let head = &orders[0];
    assert_eq!((head.status.as_str(), head.payment_status.as_str()), ("confirmed", "charged_back"));
    assert_eq!((head.total, head.refunded, head.refund_reserved), (10_325, 3930, 0));
    assert_eq!((head.disputed, head.lost), (0, 3198));
    assert_eq!((head.charge.as_deref(), head.guest), (Some("ch_1"), true));
    let lines: Vec<OrderLine> = shelf.rows();
    assert_eq!((lines[0].seller, lines[0].lost, lines[0].disputed), (potter(), 3198, 0));
    assert_eq!(lines[0].payable_at, Some(day(7)));
    assert_eq!(lines[0].fulfilment, "unfulfilled");
    assert_eq!(lines[1].fulfilment, "not_required");
    let refunds: Vec<OrderRefund> = shelf.rows();
    assert_eq!((refunds[0].refund, refunds[0].status.as_str()), (refund(), "settled"));
    let disputes: Vec<OrderDispute> = shelf.rows();
    assert_eq!((disputes[0].status.as_str(), disputes[0].lost), ("concluded", 3198));
}

#[test]
fn an_order_under_way_shows_what_is_set_apart() {
    let orders = |event| Shelf::folded(&Orders, &until(event), 5).rows::<Order>().remove(0);
    let placed = orders("order.placed");
    assert_eq!((placed.status.as_str(), placed.payment_status.as_str()), ("placed", "none"));
    assert_eq!(orders("order.paid").payment_status, "paid");
    let reserved = orders("order.refund_reserved");
    assert_eq!((reserved.refund_reserved, reserved.payment_status.as_str()), (3930, "paid"));
    let settled = orders("order.refund_settled");
    assert_eq!((settled.refunded, settled.payment_status.as_str()), (3930, "partially_refunded"));
    let disputed = Shelf::folded(&Orders, &until("order.dispute_applied"), 5);
    assert_eq!(disputed.rows::<Order>()[0].disputed, 6395);
    assert_eq!(disputed.rows::<OrderLine>()[0].disputed, 6395);
}

#[test]
fn payments_show_where_their_money_went() {
    let rows: Vec<Payment> = Shelf::folded(&Payments, &a_month(), 5).rows();
    let of = |id| rows.iter().find(|row| row.payment == id).unwrap();
    let paid = of(payment());
    assert_eq!((paid.status.as_str(), paid.order_id), ("captured", Some(order())));
    assert_eq!((paid.fee, paid.txn.as_deref()), (Some(329), Some("txn_1")));
    assert_eq!((paid.session.as_deref(), paid.charge.as_deref()), (Some("cs_1"), Some("ch_1")));
    let lost = of(stray());
    assert_eq!((lost.set_aside.as_deref(), lost.unallocated), (Some("unattributed"), 0));
    let set_aside: Vec<Payment> = Shelf::folded(&Payments, &until("payment.set_aside"), 5).rows();
    assert_eq!(set_aside.iter().map(|row| row.unallocated).sum::<i64>(), 700);
}

#[test]
fn refunds_disputes_and_payouts_show_how_far_they_are() {
    let refunds: Vec<Refund> = Shelf::folded(&Refunds, &a_month(), 5).rows();
    let ours = refunds.iter().find(|row| row.refund == refund()).unwrap();
    assert_eq!((ours.status.as_str(), ours.source.as_str()), ("succeeded", "order_line"));
    assert_eq!((ours.stripe_refund.as_deref(), ours.txn.as_deref()), (Some("re_1"), Some("txn_3")));
    assert_eq!(refunds.iter().filter(|row| row.status == "external").count(), 1);

    let shelf = Shelf::folded(&Disputes, &a_month(), 5);
    let disputes: Vec<Dispute> = shelf.rows();
    let row = &disputes[0];
    assert_eq!((row.dispute, row.order_id), (dispute(), Some(order())));
    assert_eq!((row.status.as_str(), row.track.as_str(), row.partial), ("lost", "finished", true));
    assert_eq!((row.withdrawn, row.reinstated, row.fee), (6395, 3197, 1500));
    let actions: Vec<DisputeAction> = shelf.rows();
    assert_eq!(actions.len(), 1);
    assert_eq!(
        (actions[0].action.as_str(), actions[0].by.as_str()),
        ("evidence_submitted", "robin")
    );
    let waiting: Vec<Dispute> = Shelf::folded(&Disputes, &until("dispute.opened"), 5).rows();
    assert_eq!(waiting[0].due_by, Some(day(16)));

    let payouts: Vec<Payout> = Shelf::folded(&Payouts, &a_month(), 5).rows();
    assert_eq!((payouts[0].payout, payouts[0].status.as_str()), (payout(), "transferred"));
    assert_eq!((payouts[0].amount, payouts[0].seller), (Some(5000), Some(potter())));
}

#[test]
fn sellers_show_whether_they_can_be_paid() {
    let shelf = Shelf::folded(&Sellers, &a_month(), 5);
    let sellers: Vec<Seller> = shelf.rows();
    let row = &sellers[0];
    assert_eq!((row.seller, row.status.as_str()), (potter(), "ready"));
    assert_eq!((row.account.as_deref(), row.payouts_enabled), (Some("acct_1"), true));
    assert_eq!((row.schedule_version, row.next_due), (1, Some(day(1))));
    let lanes: Vec<PayoutLane> = shelf.rows();
    assert_eq!((lanes[0].status.as_str(), lanes[0].payout), ("settled", payout()));
}

#[test]
fn work_is_listed_while_it_is_open_and_gone_when_it_is_done() {
    let kinds = |event| {
        let rows: Vec<WorkItem> = Shelf::folded(&WorkItems, &until(event), 5).rows();
        let mut kinds: Vec<String> = rows.into_iter().map(|row| row.kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds("order.placed"), Vec::<String>::new());
    assert_eq!(kinds("stripe_event.parked"), ["parked_webhook"]);
    assert_eq!(kinds("order.paid"), ["fee_unknown", "open_claim"]);
    assert_eq!(kinds("balance_transaction.recorded"), Vec::<String>::new());
    assert_eq!(kinds("payout.transfer_unknown"), ["unknown_outcome"]);
    assert_eq!(kinds("payout.transfer_created"), ["open_claim", "open_clearing"]);
    assert_eq!(
        kinds("dispute.funds_withdrawn"),
        ["dispute_money_open", "dispute_to_answer", "open_clearing"]
    );
    assert_eq!(kinds("payment.set_aside"), ["fee_unknown", "unallocated"]);
    assert_eq!(kinds("refund.external_observed"), ["external_refund", "unallocated"]);
    let rest: Vec<WorkItem> = Shelf::folded(&WorkItems, &a_month(), 5).rows();
    assert_eq!(rest, []);

    let rows: Vec<WorkItem> = Shelf::folded(&WorkItems, &until("payment.set_aside"), 5).rows();
    let item = rows.iter().find(|row| row.kind == "unallocated").unwrap();
    assert_eq!((item.subject.as_str(), item.amount), ("ch_2", Some(-700)));
    assert_eq!(item.item, "liabilities:unallocated:ch_2:USD");
}

#[test]
fn the_inbox_shows_what_became_of_every_message() {
    let shelf = |event| Shelf::folded(&Webhooks, &until(event), 5).rows::<Webhook>().remove(0);
    let parked = shelf("stripe_event.parked");
    assert_eq!((parked.status.as_str(), parked.parked_by.as_deref()), ("parked", Some("ch_1")));
    let applied = shelf("stripe_event.applied");
    assert_eq!((applied.event.as_str(), applied.status.as_str()), ("evt_1", "applied"));
    assert_eq!((applied.parked_by, applied.commands.as_deref()), (None, Some("payment.merge")));
}

#[test]
fn the_audit_trail_has_one_row_per_event() {
    let month = a_month();
    let rows: Vec<AuditEntry> = Shelf::folded(&AuditTrail, &month, 5).rows();
    assert_eq!(rows.len(), month.len());
    let paid = rows.iter().find(|row| row.event_type == "order.paid").unwrap();
    assert_eq!((paid.actor_kind.as_str(), paid.webhook.as_deref()), ("api_key", Some("evt_1")));
    assert!(paid.summary.contains("charge ch_1"), "{}", paid.summary);
    let issued = rows.iter().find(|row| row.event_type == "api_key.issued").unwrap();
    assert!(!issued.summary.contains("0000"), "a hash is nobody's business: {}", issued.summary);
}

#[test]
fn timers_are_set_and_cleared_by_facts() {
    let kinds = |event| {
        let rows: Vec<TimerRow> = Shelf::folded(&Timers, &until(event), 5).rows();
        let mut kinds: Vec<String> = rows.into_iter().map(|row| row.kind).collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds("order.placed"), ["order_expiry", "payout_schedule"]);
    assert!(kinds("stripe_event.parked").contains(&"webhook_dead_letter".to_owned()));
    assert_eq!(kinds("order.confirmed"), ["payout_schedule", "shipping_overdue"]);
    assert!(kinds("order.payability_set").contains(&"release".to_owned()));
    assert!(!kinds("seller_account.released").contains(&"release".to_owned()));
}

#[test]
fn calls_to_stripe_are_followed_to_their_outcome() {
    let effect = |event, call: &str| {
        let rows: Vec<Effect> = Shelf::folded(&Outbox, &until(event), 5).rows();
        rows.into_iter().find(|row| row.call == call).unwrap()
    };
    assert_eq!(effect("payment.requested", "create_session").status, "to_do");
    let opened = effect("payment.session_opened", "create_session");
    assert_eq!((opened.status.as_str(), opened.outcome.as_deref()), ("done", Some("cs_1")));
    assert_eq!(effect("payout.transfer_submitted", "create_transfer").status, "submitted");
    assert_eq!(effect("payout.transfer_unknown", "create_transfer").status, "unknown");
    assert_eq!(effect("payout.transfer_created", "create_transfer").status, "done");
    assert_eq!(effect("refund.approved", "create_refund").status, "to_do");
    let sent = effect("refund.submitted", "create_refund");
    assert_eq!((sent.status.as_str(), sent.amount), ("submitted", Some(3930)));
    assert_eq!(effect("refund.accepted", "create_refund").status, "done");
    assert_eq!(effect("dispute.evidence_submitted", "submit_evidence").status, "submitted");
    assert_eq!(effect("dispute.call_confirmed", "submit_evidence").status, "done");
    let wanted = |event| -> Vec<WantedTransaction> {
        let rows: Vec<WantedTransaction> = Shelf::folded(&Outbox, &until(event), 5).rows();
        rows.into_iter().filter(|row| !row.recorded).collect()
    };
    assert_eq!(wanted("payout.transfer_created")[0].txn, "txn_2");
    assert_eq!(wanted("refund.external_observed"), []);
}

#[test]
fn keys_and_tenants_are_known_at_the_door() {
    let keys: Vec<ApiKey> = Shelf::folded(&ApiKeys, &a_month(), 5).rows();
    let row = &keys[0];
    assert_eq!((row.key, row.role.as_str()), (key(), "finance_ops"));
    assert_eq!(row.hash, "11".repeat(32));
    assert_eq!((row.old_hash.clone(), row.old_valid_until), (Some("00".repeat(32)), Some(day(1))));
    let tenants: Vec<Tenant> = Shelf::folded(&Tenants, &a_month(), 5).rows();
    assert_eq!((tenants[0].name.as_str(), tenants[0].mode.as_str()), ("Acorn Fair", "sandbox"));
    assert_eq!(
        (tenants[0].status.as_str(), tenants[0].time_zone.as_str()),
        ("active", "Europe/Berlin")
    );
}

#[test]
fn a_dispute_to_answer_says_how_much_it_is_about_whatever_comes_next() {
    let to_answer = |told: &[_]| {
        let rows: Vec<WorkItem> = Shelf::folded(&WorkItems, told, 5).rows();
        let row = rows.into_iter().find(|row| row.kind == "dispute_to_answer").unwrap();
        (row.amount, row.currency, row.due_by)
    };
    let usd = Some(kernel::Currency::USD);
    assert_eq!(to_answer(&until("dispute.opened")), (Some(6395), usd, Some(day(16))));
    // The status moves the deadline; a fact of an older version does not repeat the amount.
    assert_eq!(to_answer(&until("dispute.status_changed")), (Some(6395), usd, Some(day(17))));
    // The item was closed by the answer: the amount comes from the fact alone.
    assert_eq!(to_answer(&answered_and_asked_again()), (Some(6395), usd, Some(day(18))));
}
