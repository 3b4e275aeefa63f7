//! Release, transfers, reversals, and payouts to banks.

use super::*;

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

#[test]
fn a_reserve_of_one_who_owes_nothing_is_all_available() {
    let released = Fact::SellerAccount(SellerAccountEvent::ReserveReleased {
        seller: s2(),
        claim: "c".into(),
        currency: Currency::USD,
        amount: 811,
        netted: 0,
        available: 811,
        at: then(),
    });
    assert_eq!(
        posted(&released),
        ["Dr liabilities:seller:S2:reserve 811", "Cr liabilities:seller:S2:available 811"]
    );
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 6] = [
    a_release_nets_what_is_owed_and_keeps_a_reserve,
    a_transfer_moves_the_money_into_the_mirror_book,
    a_reversed_transfer_comes_back_out_of_the_mirror_book,
    a_connected_accounts_own_transactions_stand_against_its_owner,
    the_platforms_own_payout_waits_in_transit_for_the_bank,
    a_reserve_of_one_who_owes_nothing_is_all_available,
];
