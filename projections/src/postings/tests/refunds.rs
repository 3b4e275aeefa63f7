//! Refunds: owed, sent, failed, and not owed any more.

use super::*;

#[test]
fn an_approved_refund_returns_the_commission() {
    assert_eq!(
        posted(&approved(false)),
        [
            "Dr assets:clearing:internal:claim:REFUND:S2 3600",
            "Dr income:commission-refunded 400",
            "Dr liabilities:tax:US-CA 330",
            "Cr income:discounts 400",
            "Cr liabilities:refunds-payable 3930",
        ]
    );
}

#[test]
fn a_retained_commission_is_the_sellers_to_bear() {
    assert_eq!(
        posted(&approved(true)),
        [
            "Dr assets:clearing:internal:claim:REFUND:S2 4000",
            "Dr liabilities:tax:US-CA 330",
            "Cr income:discounts 400",
            "Cr liabilities:refunds-payable 3930",
        ]
    );
}

#[test]
fn a_refund_debits_the_seller_as_its_split_says() {
    let debited = Fact::SellerAccount(SellerAccountEvent::Debited {
        seller: s2(),
        claim: Claim::of_refund(refund_id(), s2()),
        currency: Currency::USD,
        amount: 3600,
        reason: DebitReason::Refund,
        organizer: Organizer::default(),
        order: Some(order_id()),
        split: Split {
            pending: vec![("a".into(), 1000), ("b".into(), 500)],
            available: 1200,
            reserve: vec![("c".into(), 300)],
            receivable: 600,
        },
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&debited),
        [
            "Dr liabilities:seller:S2:pending 1500",
            "Dr liabilities:seller:S2:available 1200",
            "Dr liabilities:seller:S2:reserve 300",
            "Dr assets:receivable:seller:S2 600",
            "Cr assets:clearing:internal:claim:REFUND:S2 3600",
        ]
    );
}

#[test]
fn a_refund_reaches_stripe_and_its_transaction_closes_clearing() {
    let accepted = Fact::Refund(RefundEvent::Accepted {
        refund: refund_id(),
        stripe_refund: "re_1".into(),
        amount: usd(3930),
        at: then(),
    });
    assert_eq!(
        posted(&accepted),
        ["Dr liabilities:refunds-payable 3930", "Cr assets:clearing:stripe:refund:re_1 3930"]
    );
    assert_eq!(
        posted(&transaction("refund", "refund", "re_1", -3930, 0)),
        ["Cr assets:stripe:balance 3930", "Dr assets:clearing:stripe:refund:re_1 3930"]
    );
}

#[test]
fn a_failed_refund_is_owed_again() {
    let failed = Fact::Refund(RefundEvent::Failed {
        refund: refund_id(),
        stripe_refund: "re_1".into(),
        amount: usd(1234),
        reason: "expired_or_canceled_card".to_owned(),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&failed),
        ["Dr assets:clearing:stripe:refund:re_1 1234", "Cr liabilities:refunds-payable 1234"]
    );
    assert_eq!(
        posted(&transaction("refund_failure", "refund_failure", "re_1", 1234, 0)),
        ["Dr assets:stripe:balance 1234", "Cr assets:clearing:stripe:refund:re_1 1234"]
    );
    let canceled = Fact::Refund(RefundEvent::Canceled {
        refund: refund_id(),
        stripe_refund: "re_1".into(),
        amount: usd(1234),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(posted(&canceled), posted(&failed));
    let paid = Fact::Refund(RefundEvent::PaidExternally {
        refund: refund_id(),
        amount: usd(1234),
        proof: "wire".to_owned(),
        by: Person::from("robin"),
        at: then(),
    });
    assert_eq!(
        posted(&paid),
        ["Dr liabilities:refunds-payable 1234", "Cr assets:bank:external 1234"]
    );
}

#[test]
fn a_reverted_refund_is_the_mirror_image_of_its_approval() {
    let reverted = |source| {
        Fact::Refund(RefundEvent::Reverted {
            refund: refund_id(),
            source,
            payment: PaymentId::default(),
            charge: "ch_1".into(),
            amount: usd(3930),
            why: "cancelled at Stripe".to_owned(),
            at: then(),
        })
    };
    assert_eq!(
        posted(&reverted(of_line(false))),
        [
            "Dr liabilities:refunds-payable 3930",
            "Cr assets:clearing:internal:claim:REFUND:reverted:S2 3600",
            "Cr income:commission-refunded 400",
            "Cr liabilities:tax:US-CA 330",
            "Dr income:discounts 400",
        ]
    );
    assert_eq!(
        posted(&reverted(RefundSource::Unallocated)),
        ["Dr liabilities:refunds-payable 3930", "Cr liabilities:unallocated:ch_1 3930"]
    );
}

#[test]
fn a_refund_made_at_stripe_is_taken_from_what_remains_of_the_order() {
    let allocated = |excess| {
        order(OrderEvent::ExternalRefundAllocated {
            refund: refund_id(),
            stripe_refund: "re_7".into(),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            shares: vec![
                share(
                    0,
                    s1(),
                    Components { fee: 100, seller: 900, shipping: 50, tax: 80, discount: 30 },
                ),
                share(
                    1,
                    s2(),
                    Components { fee: 40, seller: 360, shipping: 0, tax: 33, discount: 40 },
                ),
            ],
            commission_retained: false,
            policy_version: Some(4),
            excess,
            complete_at: None,
            occurred_at: then(),
            at: later(),
        })
    };
    // What exceeds the order (the excess) is left open in clearing.
    for excess in [0, 77] {
        assert_eq!(
            posted(&allocated(excess)),
            [
                "Dr assets:clearing:internal:claim:REFUND:S1 950",
                "Dr income:commission-refunded 100",
                "Dr liabilities:tax:US-CA 80",
                "Cr income:discounts 30",
                "Dr assets:clearing:internal:claim:REFUND:S2 360",
                "Dr income:commission-refunded 40",
                "Dr liabilities:tax:US-CA 33",
                "Cr income:discounts 40",
                "Cr assets:clearing:stripe:refund:re_7 1493",
            ]
        );
    }
}

#[test]
fn an_entry_says_by_which_policy_it_was_decided() {
    let entries = postings(&stream("refund", &refund_id()), &approved(true)).unwrap();
    assert_eq!(entries[0].policy().map(ToString::to_string).as_deref(), Some("commerce@4"));
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 8] = [
    an_approved_refund_returns_the_commission,
    a_retained_commission_is_the_sellers_to_bear,
    a_refund_debits_the_seller_as_its_split_says,
    a_refund_reaches_stripe_and_its_transaction_closes_clearing,
    a_failed_refund_is_owed_again,
    a_reverted_refund_is_the_mirror_image_of_its_approval,
    a_refund_made_at_stripe_is_taken_from_what_remains_of_the_order,
    an_entry_says_by_which_policy_it_was_decided,
];
