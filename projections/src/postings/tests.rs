//! Every row of the postings table with amounts of its own, the expected lines written out by hand.

use aggregates::{
    balance_transaction::{BalanceTransactionEvent, FeeDetail, Provenance, TransactionRecord},
    dispute::events::{DisputeEvent, FeeShare},
    fact::Fact,
    order::events::{DisputeShare, OrderEvent},
    payment::events::{AttributedShare, Destination, LinkedVia, PaymentEvent},
    payout::events::PayoutEvent,
    refund::events::{ApprovedHow, RefundEvent, RefundSource},
    seller_account::events::{CreditBackReason, DebitReason, SellerAccountEvent, Split},
    topup::events::TopupEvent,
    vocabulary::{Claim, Components, LineNo, LineShare, Organizer, Person, SetAsideReason},
};
use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId, SellerId, TenantId,
    Timestamp,
};
use proptest::prelude::*;
use store::StreamId;

use super::*;

// ---------------------------------------------------------------------------- the order of 103.25

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

// --------------------------------------------------------------------------- release and transfer

#[test]
fn a_release_nets_what_is_owed_and_keeps_a_reserve() {
    let released = Fact::SellerAccount(SellerAccountEvent::Released {
        seller: s1(),
        claim: "c".into(),
        currency: Currency::USD,
        amount: 3377,
        netted: 0,
        reserved: 337,
        available: 3040,
        reserve_until: Some(later()),
        at: then(),
    });
    assert_eq!(
        posted(&released),
        [
            "Dr liabilities:seller:S1:pending 3377",
            "Cr liabilities:seller:S1:reserve 337",
            "Cr liabilities:seller:S1:available 3040",
        ]
    );
    let reserve = Fact::SellerAccount(SellerAccountEvent::ReserveReleased {
        seller: s1(),
        claim: "c".into(),
        currency: Currency::USD,
        amount: 337,
        netted: 100,
        available: 237,
        at: then(),
    });
    assert_eq!(
        posted(&reserve),
        [
            "Dr liabilities:seller:S1:reserve 337",
            "Cr assets:receivable:seller:S1 100",
            "Cr liabilities:seller:S1:available 237",
        ]
    );
}

#[test]
fn a_transfer_moves_the_money_into_the_mirror_book() {
    let created = Fact::Payout(PayoutEvent::TransferCreated {
        automatic_bank: false,
        payout: payout_id(),
        seller: Some(s1()),
        account: "acct_1".into(),
        transfer: "tr_1".into(),
        txn: None,
        amount: usd(3040),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&created),
        [
            "Dr assets:clearing:internal:claim:PAYOUT 3040",
            "Cr assets:clearing:stripe:transfer:tr_1 3040",
        ]
    );
    let settled = Fact::SellerAccount(SellerAccountEvent::PayoutSettled {
        seller: s1(),
        payout: payout_id(),
        claim: Claim::of_payout(payout_id()),
        currency: Currency::USD,
        amount: 3040,
        organizer: Organizer::default(),
        at: then(),
    });
    assert_eq!(
        posted(&settled),
        [
            "Dr liabilities:seller:S1:available 3040",
            "Cr assets:clearing:internal:claim:PAYOUT 3040",
        ]
    );
    let txn = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            counterpart: Some("acct_1".into()),
            ..record("transfer", "transfer", "tr_1", -3040, 0)
        },
        at: later(),
    });
    assert_eq!(
        posted(&txn),
        [
            "Cr assets:stripe:balance 3040",
            "Dr assets:clearing:stripe:transfer:tr_1 3040",
            "acct_1: Dr assets:stripe:balance 3040",
            "acct_1: Cr liabilities:owner 3040",
        ]
    );
}

#[test]
fn a_reversed_transfer_comes_back_out_of_the_mirror_book() {
    let reversed = Fact::Payout(PayoutEvent::TransferReversed {
        payout: payout_id(),
        seller: Some(s1()),
        account: "acct_1".into(),
        transfer: "tr_1".into(),
        reversal: "trr_1".into(),
        txn: None,
        amount: usd(500),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&reversed),
        [
            "Dr assets:clearing:stripe:transfer-reversal:trr_1 500",
            "Cr assets:clearing:internal:claim:trr_1 500",
        ]
    );
    let back = Fact::SellerAccount(SellerAccountEvent::CreditedBack {
        seller: s1(),
        claim: "trr_1".into(),
        currency: Currency::USD,
        amount: 500,
        reason: CreditBackReason::TransferReversed,
        organizer: Organizer::default(),
        order: None,
        receivable: 200,
        available: 300,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&back),
        [
            "Dr assets:clearing:internal:claim:trr_1 500",
            "Cr assets:receivable:seller:S1 200",
            "Cr liabilities:seller:S1:available 300",
        ]
    );
    let txn = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            counterpart: Some("acct_1".into()),
            ..record("transfer_refund", "transfer_reversal", "trr_1", 500, 0)
        },
        at: later(),
    });
    assert_eq!(
        posted(&txn),
        [
            "Dr assets:stripe:balance 500",
            "Cr assets:clearing:stripe:transfer-reversal:trr_1 500",
            "acct_1: Cr assets:stripe:balance 500",
            "acct_1: Dr liabilities:owner 500",
        ]
    );
}

#[test]
fn a_connected_accounts_own_transactions_stand_against_its_owner() {
    let of_account = |kind: &str, source: &str, amount| {
        Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
            record: TransactionRecord {
                account: Some("acct_1".into()),
                ..record(kind, kind, source, amount, 0)
            },
            at: later(),
        })
    };
    assert_eq!(
        posted(&of_account("payout", "po_1", -1000)),
        ["acct_1: Cr assets:stripe:balance 1000", "acct_1: Dr liabilities:owner 1000"]
    );
    assert_eq!(
        posted(&of_account("payout_failure", "po_1", 500)),
        ["acct_1: Dr assets:stripe:balance 500", "acct_1: Cr liabilities:owner 500"]
    );
    // The other ends of the platform's transfers and reversals were posted with those.
    assert_eq!(posted(&of_account("payment", "py_1", 3040)), Vec::<String>::new());
    assert_eq!(posted(&of_account("payment_refund", "pyr_1", -500)), Vec::<String>::new());
}

#[test]
fn the_platforms_own_payout_waits_in_transit_for_the_bank() {
    let observed = |account| {
        Fact::Payout(PayoutEvent::Observed {
            payout: payout_id(),
            stripe_payout: "po_9".into(),
            account,
            seller: None,
            automatic: true,
            amount: usd(700),
            arrival: None,
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(
        posted(&observed(None)),
        ["Dr assets:payout-in-transit:po_9 700", "Cr assets:clearing:stripe:payout:po_9 700"]
    );
    assert_eq!(posted(&observed(Some("acct_1".into()))), Vec::<String>::new());
    assert_eq!(
        posted(&transaction("payout", "payout", "po_9", -700, 0)),
        ["Cr assets:stripe:balance 700", "Dr assets:clearing:stripe:payout:po_9 700"]
    );
    let confirmed = Fact::Payout(PayoutEvent::BankConfirmed {
        payout: payout_id(),
        stripe_payout: "po_9".into(),
        amount: usd(700),
        reference: "statement 12".to_owned(),
        by: Person::from("robin"),
        at: later(),
    });
    assert_eq!(
        posted(&confirmed),
        ["Dr assets:bank:main 700", "Cr assets:payout-in-transit:po_9 700"]
    );
    let returned = Fact::Payout(PayoutEvent::Returned {
        payout: payout_id(),
        stripe_payout: "po_9".into(),
        account: None,
        txn: None,
        amount: usd(700),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&returned),
        ["Dr assets:clearing:stripe:payout:po_9 700", "Cr assets:payout-in-transit:po_9 700"]
    );
}

// ---------------------------------------------------------------------------------------- refunds

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

// ----------------------------------------------------------------- money that belongs to no order

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

// --------------------------------------------------------------------------------------- disputes

#[test]
fn a_disputes_money_stands_open_until_the_outcome() {
    let withdrawn = Fact::Dispute(DisputeEvent::FundsWithdrawn {
        dispute: DisputeId::default(),
        stripe_dispute: "dp_1".into(),
        txn: "txn_d".into(),
        amount: usd(5413),
        fee: 1500,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&withdrawn),
        ["Dr assets:disputes-open:dp_1 5413", "Cr assets:clearing:stripe:dispute:dp_1 5413"]
    );
    assert_eq!(
        posted(&transaction("adjustment", "dispute", "dp_1", -5413, 1500)),
        [
            "Cr assets:stripe:balance 6913",
            "Dr expenses:stripe-fees:dispute 1500",
            "Dr assets:clearing:stripe:dispute:dp_1 5413",
        ]
    );
    let reinstated = Fact::Dispute(DisputeEvent::FundsReinstated {
        dispute: DisputeId::default(),
        stripe_dispute: "dp_1".into(),
        payment: PaymentId::default(),
        txn: "txn_e".into(),
        amount: usd(5413),
        fee_returned: 1500,
        after_close: false,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&reinstated),
        ["Dr assets:clearing:stripe:dispute:dp_1 5413", "Cr assets:disputes-open:dp_1 5413"]
    );
    assert_eq!(
        posted(&transaction("adjustment", "dispute_reversal", "dp_1", 5413, -1500)),
        [
            "Dr assets:stripe:balance 6913",
            "Cr expenses:stripe-fees:dispute 1500",
            "Cr assets:clearing:stripe:dispute:dp_1 5413",
        ]
    );
}

#[test]
fn a_dispute_is_held_then_let_go_or_gone() {
    let held = Fact::SellerAccount(SellerAccountEvent::DisputeHeld {
        seller: s1(),
        claim: "d".into(),
        currency: Currency::USD,
        amount: 4500,
        organizer: Organizer::default(),
        order: Some(order_id()),
        split: Split { available: 1460, receivable: 3040, ..Split::default() },
        at: then(),
    });
    assert_eq!(
        posted(&held),
        [
            "Dr liabilities:seller:S1:available 1460",
            "Dr assets:receivable:seller:S1 3040",
            "Cr liabilities:seller:S1:dispute-hold 4500",
        ]
    );
    let released = Fact::SellerAccount(SellerAccountEvent::DisputeHoldReleased {
        seller: s1(),
        claim: "d".into(),
        currency: Currency::USD,
        amount: 4500,
        receivable: 3040,
        available: 1460,
        at: then(),
    });
    assert_eq!(
        posted(&released),
        [
            "Dr liabilities:seller:S1:dispute-hold 4500",
            "Cr assets:receivable:seller:S1 3040",
            "Cr liabilities:seller:S1:available 1460",
        ]
    );
    let consumed = Fact::SellerAccount(SellerAccountEvent::DisputeHoldConsumed {
        seller: s1(),
        claim: "d".into(),
        currency: Currency::USD,
        amount: 4500,
        organizer: Organizer::default(),
        order: Some(order_id()),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&consumed),
        ["Dr liabilities:seller:S1:dispute-hold 4500", "Cr assets:clearing:internal:claim:d 4500",]
    );
}

#[test]
fn a_lost_dispute_is_borne_by_the_sellers_or_the_platform() {
    let concluded = |on_sellers, overlap_lost| {
        order(OrderEvent::DisputeConcluded {
            dispute: DisputeId::default(),
            stripe_dispute: "dp_1".into(),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            shares: vec![DisputeShare {
                lost: share(
                    0,
                    s1(),
                    Components { fee: 500, seller: 4500, shipping: 0, tax: 413, discount: 0 },
                ),
                held: Components::default(),
            }],
            on_sellers,
            fee_on_sellers: false,
            overlap_lost,
            excess: 0,
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(
        posted(&concluded(true, 0)),
        [
            "Dr assets:clearing:internal:claim:DISPUTE:S1 4500",
            "Dr income:commission-refunded 500",
            "Dr liabilities:tax:US-CA 413",
            "Cr assets:disputes-open:dp_1 5413",
        ]
    );
    assert_eq!(
        posted(&concluded(false, 200)),
        [
            "Dr expenses:chargeback-loss 5413",
            "Cr assets:disputes-open:dp_1 5413",
            "Dr expenses:chargeback-loss 200",
            "Cr assets:disputes-open:dp_1 200",
        ]
    );
}

#[test]
fn money_of_a_lost_dispute_that_comes_back_later_undoes_the_loss() {
    let revised = |on_sellers| {
        order(OrderEvent::DisputeConclusionRevised {
            dispute: DisputeId::default(),
            stripe_dispute: "dp_1".into(),
            txn: "txn_z".into(),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            shares: vec![share(
                0,
                s1(),
                Components { fee: 50, seller: 450, shipping: 0, tax: 41, discount: 0 },
            )],
            on_sellers,
            overlap_returned: 9,
            excess: 0,
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(
        posted(&revised(true)),
        [
            "Dr assets:disputes-open:dp_1 541",
            "Cr assets:clearing:internal:claim:txn_z:S1 450",
            "Cr income:commission-refunded 50",
            "Cr liabilities:tax:US-CA 41",
            "Dr assets:disputes-open:dp_1 9",
            "Cr expenses:chargeback-loss 9",
        ]
    );
    assert_eq!(
        posted(&revised(false))[..2],
        ["Dr assets:disputes-open:dp_1 541", "Cr expenses:chargeback-loss 541"]
    );
}

#[test]
fn a_dispute_fee_is_charged_on() {
    let charged = Fact::Dispute(DisputeEvent::FeeCharged {
        dispute: DisputeId::default(),
        currency: Currency::USD,
        shares: vec![
            FeeShare { seller: s1(), amount: 1000 },
            FeeShare { seller: s2(), amount: 500 },
        ],
        at: then(),
    });
    assert_eq!(
        posted(&charged),
        [
            "Dr assets:clearing:internal:claim:DISPUTE:fee:S1 1000",
            "Dr assets:clearing:internal:claim:DISPUTE:fee:S2 500",
            "Cr income:dispute-fee-recovery 1500",
        ]
    );
}

#[test]
fn what_a_seller_will_never_pay_is_bad_debt() {
    let written_off = Fact::SellerAccount(SellerAccountEvent::WrittenOff {
        seller: s1(),
        currency: Currency::USD,
        amount: 640,
        organizer: Organizer::default(),
        reason: "gone".to_owned(),
        proposed_by: Person::from("robin"),
        approved_by: Person::from("sam"),
        at: then(),
    });
    assert_eq!(
        posted(&written_off),
        ["Dr expenses:bad-debt:seller 640", "Cr assets:receivable:seller:S1 640"]
    );
}

// ------------------------------------------------------------------------- Stripe's own movements

#[test]
fn a_monthly_fee_shows_its_tax() {
    let fee = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            fee_details: vec![
                FeeDetail { kind: "stripe_fee".to_owned(), amount: 200 },
                FeeDetail { kind: "tax".to_owned(), amount: 40 },
            ],
            ..record("stripe_fee", "fee", "", -240, 0)
        },
        at: later(),
    });
    assert_eq!(
        posted(&fee),
        [
            "Cr assets:stripe:balance 240",
            "Dr expenses:stripe-fees:connect 200",
            "Dr assets:vat-recoverable 40",
        ]
    );
}

#[test]
fn a_reserve_is_only_another_part_of_the_balance() {
    assert_eq!(
        posted(&transaction("reserve_hold", "risk_reserved_funds", "rsv_1", -300, 0)),
        ["Cr assets:stripe:balance 300", "Dr assets:stripe:reserved 300"]
    );
}

#[test]
fn a_kind_nobody_mapped_goes_to_suspense() {
    assert_eq!(
        posted(&transaction("climate_order_purchase", "climate", "co_1", -300, 0)),
        ["Cr assets:stripe:balance 300", "Dr assets:suspense:stripe 300"]
    );
    let nameless = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord { source: None, ..record("charge", "charge", "", 100, 3) },
        at: later(),
    });
    assert_eq!(
        posted(&nameless),
        [
            "Dr assets:stripe:balance 97",
            "Dr expenses:stripe-fees:processing 3",
            "Cr assets:suspense:stripe 100",
        ]
    );
}

#[test]
fn a_contradicted_transaction_posts_nothing() {
    let contradicted = Fact::BalanceTransaction(BalanceTransactionEvent::Contradicted {
        known: record("charge", "charge", "ch_1", 100, 3),
        given: record("charge", "charge", "ch_1", 101, 3),
        at: later(),
    });
    assert_eq!(posted(&contradicted), Vec::<String>::new());
}

#[test]
fn a_topup_and_its_transaction_meet() {
    let credited = Fact::Topup(TopupEvent::Credited {
        topup: "tu_1".into(),
        txn: "txn_t".into(),
        amount: usd(10_000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&credited),
        ["Dr assets:clearing:stripe:topup:tu_1 10000", "Cr assets:bank:main 10000"]
    );
    assert_eq!(
        posted(&transaction("topup", "topup", "tu_1", 10_000, 0)),
        ["Dr assets:stripe:balance 10000", "Cr assets:clearing:stripe:topup:tu_1 10000"]
    );
    let reversed = Fact::Topup(TopupEvent::Reversed {
        topup: "tu_1".into(),
        amount: usd(10_000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&reversed),
        ["Dr assets:bank:main 10000", "Cr assets:clearing:stripe:topup:tu_1 10000"]
    );
}

#[test]
fn an_application_fee_is_commission() {
    let earned = payment(PaymentEvent::ApplicationFeeEarned {
        fee: "fee_1".into(),
        charge: "ch_1".into(),
        amount: usd(1000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&earned),
        ["Dr assets:clearing:stripe:appfee:fee_1 1000", "Cr income:commission 1000"]
    );
    assert_eq!(
        posted(&transaction("application_fee", "platform_earning", "fee_1", 1000, 0)),
        ["Dr assets:stripe:balance 1000", "Cr assets:clearing:stripe:appfee:fee_1 1000"]
    );
    let refunded = payment(PaymentEvent::ApplicationFeeRefunded {
        fee: "fee_1".into(),
        refund: "fr_1".into(),
        amount: usd(400),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&refunded),
        ["Dr income:commission-refunded 400", "Cr assets:clearing:stripe:appfee-refund:fr_1 400"]
    );
}

// ------------------------------------------------------------------------------------- properties

proptest! {
    #[test]
    fn every_balance_transaction_balances_whatever_its_kind_and_sign(
        kind in prop::sample::select(vec![
            "charge", "refund", "adjustment", "transfer", "transfer_refund", "payout", "stripe_fee",
            "tax_fee", "reserve_hold", "topup", "application_fee_refund", "something_new",
        ]),
        amount in -1_000_000_i64..1_000_000,
        fee in -5000_i64..5000,
        tax in 0_i64..500,
        connected in any::<bool>(),
    ) {
        let fact = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
            record: TransactionRecord {
                account: connected.then(|| "acct_1".into()),
                counterpart: Some("acct_2".into()),
                fee_details: vec![FeeDetail { kind: "tax".to_owned(), amount: tax }],
                ..record(kind, "dispute", "obj_1", amount, fee)
            },
            at: later(),
        });
        let entries = postings(&stream("balance_transaction", &"txn_1"), &fact).unwrap();
        let mut stripe = 0;
        for entry in &entries {
            prop_assert_eq!(entry.lines().iter().map(Posting::signed).sum::<i64>(), 0);
            prop_assert!(entry.lines().iter().all(|line| line.minor() > 0));
            if *entry.book() == crate::chart::Book::Platform {
                stripe += entry
                    .lines()
                    .iter()
                    .filter(|line| line.account().is_stripe())
                    .filter(|line| kind != "reserve_hold" || line.account().name().ends_with("balance"))
                    .map(Posting::signed)
                    .sum::<i64>();
            }
        }
        prop_assert_eq!(stripe, if connected { 0 } else { amount - fee });
    }

    #[test]
    fn every_refund_of_a_line_is_undone_exactly_by_its_reversal(
        fee in 0_i64..500, seller in 1_i64..5000, shipping in 0_i64..300, tax in 0_i64..900,
        cut in 1_i64..5000, retained in any::<bool>(),
    ) {
        let whole = Components { fee, seller, shipping, tax, discount: fee };
        let part = whole.split(cut.min(whole.cash())).unwrap();
        let source = RefundSource::OrderLine {
            order: order_id(),
            share: share(0, s1(), part),
            tax_jurisdiction: "DE".to_owned(),
            commission_retained: retained,
        };
        let amount = usd(part.cash());
        let there = Fact::Refund(RefundEvent::Approved {
            refund: refund_id(),
            source: source.clone(),
            charge: "ch_1".into(),
            amount,
            how: ApprovedHow::Decided,
            by: Person::default(),
            at: then(),
        });
        let back = Fact::Refund(RefundEvent::Reverted {
            refund: refund_id(), source, payment: PaymentId::default(), charge: "ch_1".into(), amount,
            why: String::new(), at: then(),
        });
        let refund = stream("refund", &refund_id());
        let mut totals = std::collections::BTreeMap::<String, i64>::new();
        for fact in [there, back] {
            for entry in postings(&refund, &fact).unwrap() {
                prop_assert_eq!(entry.lines().iter().map(Posting::signed).sum::<i64>(), 0);
                for line in entry.lines() {
                    let name = line.account().name().replace(":reverted", "");
                    *totals.entry(name).or_default() += line.signed();
                }
            }
        }
        prop_assert!(totals.values().all(|total| *total == 0), "{:?}", totals);
    }
}

// --------------------------------------------------------------------------------------- builders

fn posted(fact: &Fact) -> Vec<String> {
    let subject = match fact {
        Fact::Order(_) => order_id().to_string(),
        Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::Period(_)
        | Fact::BalanceTransaction(_)
        | Fact::Dispute(_)
        | Fact::Link(_)
        | Fact::Membership(_)
        | Fact::Payment(_)
        | Fact::Payout(_)
        | Fact::Refund(_)
        | Fact::Rejection(_)
        | Fact::SellerAccount(_)
        | Fact::WebhookEvent(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => PaymentId::default().to_string(),
    };
    let category = fact.event_type();
    let category = category.split('.').next().unwrap_or_default();
    let entries = postings(&stream(category, &subject), fact).unwrap();
    let mut lines = Vec::new();
    for entry in entries {
        assert_eq!(entry.kind(), fact.event_type());
        let book = match entry.book() {
            crate::chart::Book::Platform => String::new(),
            crate::chart::Book::Mirror(account) => format!("{account}: "),
        };
        for line in entry.lines() {
            let side = if line.signed() > 0 { "Dr" } else { "Cr" };
            lines.push(short(&format!("{book}{side} {} {}", line.account(), line.minor())));
        }
    }
    lines
}

/// Ids as the tests write them.
fn short(text: &str) -> String {
    text.replace(&s1().to_string(), "S1")
        .replace(&s2().to_string(), "S2")
        .replace(&order_id().to_string(), "ORDER")
        .replace(&refund_id().to_string(), "REFUND")
        .replace(&payout_id().to_string(), "PAYOUT")
        .replace(&PaymentId::default().to_string(), "PAYMENT")
        .replace(&DisputeId::default().to_string(), "DISPUTE")
}

fn stream(category: &str, id: &dyn std::fmt::Display) -> StreamId {
    StreamId::new(category, TenantId::default(), id.to_string())
}

fn order(event: OrderEvent) -> Fact {
    Fact::Order(event)
}

fn payment(event: PaymentEvent) -> Fact {
    Fact::Payment(event)
}

fn share(line: u16, seller: SellerId, components: Components) -> LineShare {
    let organizer = Organizer(seller.to_string());
    LineShare { line: LineNo(line), seller, organizer, product: "mug".to_owned(), components }
}

fn of_line(commission_retained: bool) -> RefundSource {
    let components = Components { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 };
    RefundSource::OrderLine {
        order: order_id(),
        share: share(1, s2(), components),
        tax_jurisdiction: "US-CA".to_owned(),
        commission_retained,
    }
}

fn approved(commission_retained: bool) -> Fact {
    Fact::Refund(RefundEvent::Approved {
        refund: refund_id(),
        source: of_line(commission_retained),
        charge: "ch_1".into(),
        amount: usd(3930),
        how: ApprovedHow::Decided,
        by: Person::from("robin"),
        at: then(),
    })
}

fn transaction(kind: &str, category: &str, source: &str, amount: i64, fee: i64) -> Fact {
    Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: record(kind, category, source, amount, fee),
        at: later(),
    })
}

fn record(kind: &str, category: &str, source: &str, amount: i64, fee: i64) -> TransactionRecord {
    TransactionRecord {
        txn: "txn_1".into(),
        account: None,
        kind: kind.to_owned(),
        category: category.to_owned(),
        source: Some(source.to_owned()),
        counterpart: None,
        currency: Currency::USD,
        amount,
        fee,
        net: amount - fee,
        fee_details: Vec::new(),
        exchange_rate: None,
        available_on: later(),
        occurred_at: then(),
        provenance: Provenance::Fetched,
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn s1() -> SellerId {
    SellerId::derived(&["s1"])
}

fn s2() -> SellerId {
    SellerId::derived(&["s2"])
}

fn order_id() -> OrderId {
    OrderId::derived(&["order"])
}

fn refund_id() -> RefundId {
    RefundId::derived(&["refund"])
}

fn payout_id() -> PayoutId {
    PayoutId::derived(&["payout"])
}

fn then() -> Timestamp {
    Timestamp::from_unix_seconds(1_772_366_400)
}

fn later() -> Timestamp {
    then().plus_days(1)
}
