//! Money that belongs to no order.

use super::*;

#[test]
fn money_that_pays_no_order_is_set_aside_and_found_again() {
    let aside = payment(PaymentEvent::SetAside {
        charge: "ch_2".into(),
        amount: usd(4200),
        reason: SetAsideReason::Conflict,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&aside),
        ["Dr assets:clearing:stripe:charge:ch_2 4200", "Cr liabilities:unallocated:ch_2 4200"]
    );
    let found = payment(PaymentEvent::AttributedToOrder {
        charge: "ch_2".into(),
        amount: usd(4200),
        order: order_id(),
        by: LinkedVia::Person,
        reason: "the buyer wrote".to_owned(),
        funds: None,
        occurred_at: then(),
        at: then(),
    });
    assert_eq!(
        posted(&found),
        ["Dr liabilities:unallocated:ch_2 4200", "Cr assets:clearing:stripe:charge:ch_2 4200"]
    );
    let divided = payment(PaymentEvent::AttributedToSellers {
        charge: "ch_2".into(),
        currency: Currency::USD,
        shares: vec![
            AttributedShare {
                seller: s1(),
                organizer: Organizer::default(),
                seller_net: 2700,
                fee: 300,
            },
            AttributedShare {
                seller: s2(),
                organizer: Organizer::default(),
                seller_net: 1200,
                fee: 0,
            },
        ],
        reason: "market stall".to_owned(),
        occurred_at: then(),
        at: then(),
    });
    assert_eq!(
        posted(&divided),
        [
            "Dr liabilities:unallocated:ch_2 4200",
            "Cr assets:clearing:internal:claim:PAYMENT:S1 2700",
            "Cr income:commission 300",
            "Cr assets:clearing:internal:claim:PAYMENT:S2 1200",
        ]
    );
}

#[test]
fn set_aside_money_goes_back_to_the_buyer() {
    let ours = Fact::Refund(RefundEvent::Approved {
        refund: refund_id(),
        source: RefundSource::Unallocated,
        charge: "ch_2".into(),
        amount: usd(4200),
        how: ApprovedHow::Automatic,
        by: Person::from("policy"),
        at: then(),
    });
    assert_eq!(
        posted(&ours),
        ["Dr liabilities:unallocated:ch_2 4200", "Cr liabilities:refunds-payable 4200"]
    );
    let theirs = |to| {
        payment(PaymentEvent::RefundRouted {
            refund: refund_id(),
            stripe_refund: "re_8".into(),
            charge: "ch_2".into(),
            amount: usd(4200),
            to,
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(
        posted(&theirs(Destination::Unallocated)),
        ["Dr liabilities:unallocated:ch_2 4200", "Cr assets:clearing:stripe:refund:re_8 4200"]
    );
    assert_eq!(posted(&theirs(Destination::Order(order_id()))), Vec::<String>::new());
}

#[test]
fn a_dispute_over_set_aside_money_takes_it_first() {
    let concluded = payment(PaymentEvent::UnallocatedDisputeConcluded {
        dispute: DisputeId::default(),
        stripe_dispute: "dp_2".into(),
        charge: "ch_2".into(),
        currency: Currency::USD,
        lost: 4200,
        excess_lost: 15,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&concluded),
        [
            "Dr liabilities:unallocated:ch_2 4200",
            "Dr expenses:chargeback-loss 15",
            "Cr assets:disputes-open:dp_2 4215",
        ]
    );
    let revised = payment(PaymentEvent::UnallocatedDisputeRevised {
        dispute: DisputeId::default(),
        stripe_dispute: "dp_2".into(),
        charge: "ch_2".into(),
        currency: Currency::USD,
        txn: "txn_r".into(),
        returned: 1200,
        excess_returned: 5,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&revised),
        [
            "Dr assets:disputes-open:dp_2 1205",
            "Cr liabilities:unallocated:ch_2 1200",
            "Cr expenses:chargeback-loss 5",
        ]
    );
}

#[test]
fn a_capture_the_bank_took_back_undoes_the_order_or_the_set_aside() {
    let of_order = order(OrderEvent::CaptureReversed {
        payment: PaymentId::default(),
        charge: "py_3".into(),
        currency: Currency::USD,
        amount: 1230,
        tax_jurisdiction: "DE".to_owned(),
        shares: vec![share(
            0,
            s1(),
            Components { fee: 100, seller: 900, shipping: 0, tax: 190, discount: 0 },
        )],
        overlap: 40,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&of_order),
        [
            "Dr assets:clearing:internal:claim:py_3:reversed:S1 900",
            "Dr income:commission 100",
            "Dr liabilities:tax:DE 190",
            "Cr assets:clearing:stripe:charge:py_3 1190",
            "Dr expenses:chargeback-loss 40",
            "Cr assets:clearing:stripe:charge:py_3 40",
        ]
    );
    let of_payment = |order| {
        payment(PaymentEvent::CaptureReversed {
            charge: "py_3".into(),
            txn: "txn_1".into(),
            amount: usd(1230),
            order,
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(posted(&of_payment(Some(order_id()))), Vec::<String>::new());
    assert_eq!(
        posted(&of_payment(None)),
        ["Dr liabilities:unallocated:py_3 1230", "Cr assets:clearing:stripe:charge:py_3 1230"]
    );
    assert_eq!(
        posted(&transaction("payment_failure_refund", "charge_failure", "py_3", -1230, 0)),
        ["Cr assets:stripe:balance 1230", "Dr assets:clearing:stripe:charge:py_3 1230"]
    );
}

#[test]
fn set_aside_money_pays_a_membership_by_way_of_clearing() {
    let golden = include_str!("../../../../aggregates/src/payment/golden.jsonl");
    let attributed = golden.lines().find(|line| line.contains("attributed_to_membership"));
    let attributed = Fact::decode("payment", attributed.unwrap()).unwrap();
    assert_eq!(
        posted(&attributed),
        ["Dr liabilities:unallocated:ch_1 12000", "Cr assets:clearing:stripe:charge:ch_1 12000",]
    );
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 5] = [
    money_that_pays_no_order_is_set_aside_and_found_again,
    set_aside_money_goes_back_to_the_buyer,
    a_dispute_over_set_aside_money_takes_it_first,
    a_capture_the_bank_took_back_undoes_the_order_or_the_set_aside,
    set_aside_money_pays_a_membership_by_way_of_clearing,
];
