//! An order is paid, and its sellers are credited.

use super::*;

#[test]
fn a_paid_order_is_shared_out_to_its_last_cent() {
    let paid = order(OrderEvent::Paid {
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        amount: 10_325,
        tax_jurisdiction: "US-CA".to_owned(),
        assume_funds_at: None,
        lines: vec![
            share(
                0,
                s1(),
                Components { fee: 600, seller: 5400, shipping: 500, tax: 495, discount: 600 },
            ),
            share(
                1,
                s2(),
                Components { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 },
            ),
        ],
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&paid),
        [
            "Dr assets:clearing:stripe:charge:ch_1 10325",
            "Cr assets:clearing:internal:claim:ORDER:0 5900",
            "Cr income:commission 600",
            "Cr liabilities:tax:US-CA 495",
            "Dr income:discounts 600",
            "Cr assets:clearing:internal:claim:ORDER:1 3600",
            "Cr income:commission 400",
            "Cr liabilities:tax:US-CA 330",
            "Dr income:discounts 400",
        ]
    );
    let entries = postings(&stream("order", &order_id()), &paid).unwrap();
    assert_eq!(entries[0].effective(), then(), "the capture's own time, not the recording's");
    let commission = entries[0].lines()[2].dimensions();
    assert_eq!((commission.seller, commission.line), (Some(s1()), Some(LineNo(0))));
    assert_eq!(commission.order, Some(order_id()));
}

#[test]
fn an_order_that_does_not_add_up_is_a_fault() {
    let short = order(OrderEvent::Paid {
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        amount: 99,
        tax_jurisdiction: "US-CA".to_owned(),
        assume_funds_at: None,
        lines: vec![share(0, s1(), Components { seller: 100, ..Components::default() })],
        occurred_at: then(),
        at: then(),
    });
    assert_eq!(
        postings(&stream("order", &order_id()), &short),
        Err(PostingFault::Unbalanced { kind: "order.paid", difference: -1 })
    );
    let misplaced = StreamId::new("order", TenantId::default(), "elsewhere");
    assert!(matches!(postings(&misplaced, &short), Err(PostingFault::Stream(_))));
}

#[test]
fn a_negative_amount_is_a_fault_even_where_the_sum_is_right() {
    let odd = order(OrderEvent::Paid {
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        amount: 100,
        tax_jurisdiction: "US-CA".to_owned(),
        assume_funds_at: None,
        lines: vec![share(0, s1(), Components { seller: 110, tax: -10, ..Components::default() })],
        occurred_at: then(),
        at: then(),
    });
    assert!(matches!(
        postings(&stream("order", &order_id()), &odd),
        Err(PostingFault::Negative { minor: -10, .. })
    ));
}

#[test]
fn the_seller_is_credited_from_the_claim() {
    let credited = Fact::SellerAccount(SellerAccountEvent::Credited {
        seller: s1(),
        claim: Claim::of_line(order_id(), LineNo(0)),
        currency: Currency::USD,
        amount: 5900,
        organizer: Organizer::default(),
        order: Some(order_id()),
        line: Some(LineNo(0)),
        product: "mug".to_owned(),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&credited),
        ["Dr assets:clearing:internal:claim:ORDER:0 5900", "Cr liabilities:seller:S1:pending 5900",]
    );
}

#[test]
fn the_charges_balance_transaction_carries_stripes_fee() {
    assert_eq!(
        posted(&transaction("charge", "charge", "ch_1", 10_325, 329)),
        [
            "Dr assets:stripe:balance 9996",
            "Dr expenses:stripe-fees:processing 329",
            "Cr assets:clearing:stripe:charge:ch_1 10325",
        ]
    );
}

#[test]
fn a_discount_the_seller_funds_has_no_line_of_its_own() {
    // 40.00 less 10.00 that the seller gives; 10 % commission on what is left.
    let paid = order(OrderEvent::Paid {
        payment: PaymentId::default(),
        charge: "ch_2".into(),
        currency: Currency::USD,
        amount: 3247,
        tax_jurisdiction: "DE".to_owned(),
        assume_funds_at: None,
        lines: vec![share(
            0,
            s1(),
            Components { fee: 300, seller: 2700, shipping: 0, tax: 247, discount: 0 },
        )],
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&paid),
        [
            "Dr assets:clearing:stripe:charge:ch_2 3247",
            "Cr assets:clearing:internal:claim:ORDER:0 2700",
            "Cr income:commission 300",
            "Cr liabilities:tax:DE 247",
        ]
    );
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 6] = [
    a_paid_order_is_shared_out_to_its_last_cent,
    an_order_that_does_not_add_up_is_a_fault,
    a_negative_amount_is_a_fault_even_where_the_sum_is_right,
    the_seller_is_credited_from_the_claim,
    the_charges_balance_transaction_carries_stripes_fee,
    a_discount_the_seller_funds_has_no_line_of_its_own,
];
