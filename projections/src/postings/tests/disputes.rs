//! Disputes: money withdrawn, held, lost and given back; and bad debt.

use super::*;

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
            policy_version: Some(7),
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
            policy_version: Some(7),
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

#[test]
fn a_hold_takes_every_part_of_what_a_seller_has_and_then_what_he_has_not() {
    let held = Fact::SellerAccount(SellerAccountEvent::DisputeHeld {
        seller: s1(),
        claim: "d".into(),
        currency: Currency::USD,
        amount: 1111,
        organizer: Organizer::default(),
        order: Some(order_id()),
        split: Split {
            pending: vec![("a".into(), 500), ("b".into(), 41)],
            available: 330,
            reserve: vec![("a".into(), 200)],
            receivable: 40,
        },
        at: then(),
    });
    assert_eq!(
        posted(&held),
        [
            "Dr liabilities:seller:S1:pending 541",
            "Dr liabilities:seller:S1:available 330",
            "Dr liabilities:seller:S1:reserve 200",
            "Dr assets:receivable:seller:S1 40",
            "Cr liabilities:seller:S1:dispute-hold 1111",
        ]
    );
}

#[test]
fn a_hold_of_one_who_owes_nothing_is_all_available_again() {
    let released = Fact::SellerAccount(SellerAccountEvent::DisputeHoldReleased {
        seller: s2(),
        claim: "d".into(),
        currency: Currency::USD,
        amount: 733,
        receivable: 0,
        available: 733,
        at: then(),
    });
    assert_eq!(
        posted(&released),
        ["Dr liabilities:seller:S2:dispute-hold 733", "Cr liabilities:seller:S2:available 733"]
    );
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 8] = [
    a_disputes_money_stands_open_until_the_outcome,
    a_dispute_is_held_then_let_go_or_gone,
    a_lost_dispute_is_borne_by_the_sellers_or_the_platform,
    money_of_a_lost_dispute_that_comes_back_later_undoes_the_loss,
    a_dispute_fee_is_charged_on,
    what_a_seller_will_never_pay_is_bad_debt,
    a_hold_takes_every_part_of_what_a_seller_has_and_then_what_he_has_not,
    a_hold_of_one_who_owes_nothing_is_all_available_again,
];
