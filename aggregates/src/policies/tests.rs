//! Given a fact, these commands.

use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId, SellerId, Timestamp,
};

use super::{Command, react};
use crate::{
    balance_transaction::{BalanceTransactionEvent, Provenance, TransactionRecord},
    fact::Fact,
    order::{
        commands::OrderCommand,
        events::{DisputeShare, OrderEvent},
    },
    payment::{
        commands::PaymentCommand,
        events::{CapturedMoney, Destination, LinkedVia, PaymentEvent},
    },
    payout::{commands::PayoutCommand, events::PayoutEvent},
    refund::{
        commands::RefundCommand,
        events::{ApprovedHow, RefundEvent, RefundSource},
    },
    seller_account::{
        commands::SellerAccountCommand,
        events::{DebitReason, SellerAccountEvent},
    },
    vocabulary::{Claim, Components, LineNo, LineShare, SetAsideReason},
};

#[test]
fn a_paid_order_credits_each_line_once_to_its_seller() {
    let event = OrderEvent::Paid {
        payment: payment(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        amount: 10_325,
        tax_jurisdiction: "US-CA".to_owned(),
        lines: vec![share(0, "a", 5400, 500), share(1, "b", 3600, 0)],
        assume_funds_at: None,
        occurred_at: at(),
        at: at(),
    };
    let commands = reactions(&Fact::Order(event), &order().to_string());
    let credits: Vec<_> = commands
        .iter()
        .filter_map(|command| {
            if let Command::SellerAccount(to, SellerAccountCommand::Credit { claim, amount, .. }) =
                command
            {
                Some((*to, claim.clone(), amount.minor()))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(credits.len(), commands.len(), "{commands:?}");
    assert_eq!(
        credits,
        [
            (seller("a"), Claim::of_line(order(), LineNo(0)), 5900),
            (seller("b"), Claim::of_line(order(), LineNo(1)), 3600),
        ]
    );
}

#[test]
fn money_for_a_known_order_is_offered_to_it_and_its_fee_is_looked_up() {
    let event = PaymentEvent::Captured {
        charge: "ch_1".into(),
        intent: None,
        amount: usd(100),
        order: Some(order()),
        occurred_at: at(),
        at: at(),
    };
    let commands = reactions(&Fact::Payment(event), &payment().to_string());
    assert!(matches!(
        commands.as_slice(),
        [Command::Order(_, OrderCommand::ConfirmPayment { .. }), Command::FeeOf { .. }]
    ));
}

#[test]
fn money_that_came_before_its_order_was_known_is_offered_when_it_is() {
    let event = PaymentEvent::OrderLinked {
        order: order(),
        via: LinkedVia::Metadata,
        captured: Some(CapturedMoney { charge: "ch_1".into(), amount: usd(5), occurred_at: at() }),
        funds: Some(("ch_1".into(), at())),
        processing_since: None,
        at: at(),
    };
    let commands = reactions(&Fact::Payment(event), &payment().to_string());
    assert!(matches!(
        commands.as_slice(),
        [
            Command::Order(_, OrderCommand::ConfirmPayment { .. }),
            Command::Order(_, OrderCommand::NoteFundsExpected { .. })
        ]
    ));
}

#[test]
fn money_the_order_refused_is_set_aside_and_a_duplicate_goes_back() {
    let refused = OrderEvent::DuplicatePaymentReceived {
        payment: payment(),
        charge: "ch_2".into(),
        received: usd(100),
        at: at(),
    };
    let commands = reactions(&Fact::Order(refused), &order().to_string());
    let [Command::Payment(id, PaymentCommand::SetAside { reason, .. })] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!((*id, *reason), (payment(), SetAsideReason::Duplicate));

    for (reason, goes_back) in [
        (SetAsideReason::Duplicate, true),
        (SetAsideReason::Late, true),
        (SetAsideReason::Conflict, false),
        (SetAsideReason::Unattributed, false),
    ] {
        let set_aside = PaymentEvent::SetAside {
            charge: "ch_2".into(),
            amount: usd(100),
            reason,
            occurred_at: at(),
            at: at(),
        };
        let commands = reactions(&Fact::Payment(set_aside), &payment().to_string());
        assert_eq!(!commands.is_empty(), goes_back, "{reason:?}");
    }
}

#[test]
fn a_charges_balance_transaction_reaches_the_payment_and_a_mirror_books_does_not() {
    let mut record = TransactionRecord {
        txn: "txn_1".into(),
        account: None,
        kind: "charge".to_owned(),
        category: "charge".to_owned(),
        source: Some("ch_1".to_owned()),
        counterpart: None,
        currency: Currency::USD,
        amount: 100,
        fee: 33,
        net: 67,
        fee_details: vec![],
        exchange_rate: None,
        available_on: at(),
        occurred_at: at(),
        provenance: Provenance::Fetched,
    };
    let recorded =
        |record| Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { record, at: at() });
    let commands = reactions(&recorded(record.clone()), "txn_1");
    assert!(matches!(
        commands.as_slice(),
        [Command::PaymentOf(_, PaymentCommand::RecordFee { .. })]
    ));
    record.account = Some("acct_1".into());
    assert!(reactions(&recorded(record), "txn_1").is_empty());
}

#[test]
fn an_approved_refund_debits_the_seller_for_his_part_and_commission_if_it_is_retained() {
    for (commission_retained, part) in [(false, 3600), (true, 4000)] {
        let mut share = share(1, "b", 3600, 0);
        share.components.fee = 400;
        let event = RefundEvent::Approved {
            refund: refund(),
            source: RefundSource::OrderLine {
                order: order(),
                share,
                tax_jurisdiction: "US-CA".to_owned(),
                commission_retained,
                policy_version: None,
            },
            charge: "ch_1".into(),
            amount: usd(4000),
            how: ApprovedHow::Decided,
            by: "key".into(),
            at: at(),
        };
        let commands = reactions(&Fact::Refund(event), &refund().to_string());
        let [
            Command::SellerAccount(
                _,
                SellerAccountCommand::Debit { amount, reason: DebitReason::Refund, .. },
            ),
        ] = commands.as_slice()
        else {
            panic!("{commands:?}")
        };
        assert_eq!(amount.minor(), part);
    }
}

#[test]
fn a_refund_overtaken_by_a_dispute_is_forgone_and_other_failures_stay_owed() {
    for (reason, forgone) in [("charge_for_pending_refund_disputed", true), ("lost_card", false)] {
        let event = RefundEvent::Failed {
            refund: refund(),
            stripe_refund: "re_1".into(),
            amount: usd(5),
            reason: reason.to_owned(),
            occurred_at: at(),
            at: at(),
        };
        let commands = reactions(&Fact::Refund(event), &refund().to_string());
        let forgoes = matches!(
            commands.as_slice(),
            [Command::Refund(_, RefundCommand::ForgoForDispute { .. })]
        );
        assert_eq!(forgoes, forgone, "{reason}");
    }
}

#[test]
fn a_refund_made_at_stripe_is_routed_by_the_payment() {
    let event = RefundEvent::ExternalObserved {
        refund: refund(),
        stripe_refund: "re_1".into(),
        payment: payment(),
        charge: "ch_1".into(),
        amount: usd(5),
        occurred_at: at(),
        at: at(),
    };
    let commands = reactions(&Fact::Refund(event), &refund().to_string());
    assert!(matches!(
        commands.as_slice(),
        [Command::Payment(_, PaymentCommand::RouteRefund { .. })]
    ));
    let routed = PaymentEvent::RefundRouted {
        refund: refund(),
        stripe_refund: "re_1".into(),
        charge: "ch_1".into(),
        amount: usd(5),
        to: Destination::Order(order()),
        occurred_at: at(),
        at: at(),
    };
    let commands = reactions(&Fact::Payment(routed), &payment().to_string());
    assert!(matches!(
        commands.as_slice(),
        [Command::Order(_, OrderCommand::AllocateExternalRefund { .. })]
    ));
}

#[test]
fn a_dispute_holds_each_sellers_part_once_and_an_inquiry_holds_nothing() {
    for (inquiry, on_sellers, holds) in [(false, true, 2), (true, true, 0), (false, false, 0)] {
        let event = OrderEvent::DisputeApplied {
            dispute: dispute(),
            currency: Currency::USD,
            amount: 100,
            shares: vec![share(0, "a", 10, 0), share(1, "b", 20, 0), share(2, "a", 5, 1)],
            overlap: 0,
            excess: 0,
            on_sellers,
            fee_on_sellers: false,
            inquiry,
            at: at(),
        };
        let commands = reactions(&Fact::Order(event), &order().to_string());
        assert_eq!(commands.len(), holds);
        if let [
            Command::SellerAccount(to, SellerAccountCommand::HoldForDispute { amount, about, .. }),
            ..,
        ] = commands.as_slice()
        {
            assert_eq!((*to, amount.minor(), about.len()), (seller("a"), 16, 2));
        }
    }
}

#[test]
fn a_concluded_dispute_lets_holds_go_even_when_nothing_was_lost() {
    let mut won = share(0, "a", 0, 0);
    won.components = Components::default();
    let event = OrderEvent::DisputeConcluded {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        currency: Currency::USD,
        tax_jurisdiction: "US-CA".to_owned(),
        shares: vec![DisputeShare { lost: won, held: share(0, "a", 10, 0).components }],
        on_sellers: true,
        fee_on_sellers: true,
        policy_version: None,
        overlap_lost: 0,
        excess: 0,
        occurred_at: at(),
        at: at(),
    };
    let commands = reactions(&Fact::Order(event), &order().to_string());
    let [Command::SellerAccount(_, SellerAccountCommand::ConcludeDisputeHold { lost, .. })] =
        commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert!(lost.is_zero());
}

#[test]
fn a_reserved_payout_is_requested_and_reserved_and_a_rejected_one_lets_the_money_go() {
    let reserved = SellerAccountEvent::PayoutReserved {
        seller: seller("a"),
        account: "acct_1".into(),
        payout: payout(),
        currency: Currency::USD,
        amount: 500,
        minimum: 1,
        by_schedule: true,
        automatic_bank: false,
        requested_by: "schedule".into(),
        at: at(),
    };
    let commands = reactions(&Fact::SellerAccount(reserved), &seller("a").to_string());
    assert!(matches!(
        commands.as_slice(),
        [
            Command::Payout(_, PayoutCommand::Request { .. }),
            Command::Payout(_, PayoutCommand::NoteReserved { .. })
        ]
    ));
    let rejected = PayoutEvent::Rejected {
        payout: payout(),
        seller: seller("a"),
        reason: "refused".to_owned(),
        at: at(),
    };
    let commands = reactions(&Fact::Payout(rejected), &payout().to_string());
    assert!(matches!(
        commands.as_slice(),
        [Command::SellerAccount(_, SellerAccountCommand::ReleasePayoutReservation { .. })]
    ));
}

#[test]
fn a_fact_in_a_stream_that_is_not_ours_moves_nothing() {
    let event = OrderEvent::Expired { at: at() };
    assert!(reactions(&Fact::Order(event), "not-an-order").is_empty());
}

fn reactions(fact: &Fact, stream: &str) -> Vec<Command> {
    react(fact, stream).into_iter().map(|reaction| reaction.command).collect()
}

fn share(line: u16, name: &str, goods: i64, shipping: i64) -> LineShare {
    LineShare {
        line: LineNo(line),
        seller: seller(name),
        organizer: name.into(),
        product: "print".to_owned(),
        components: Components { seller: goods, shipping, ..Components::default() },
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn at() -> Timestamp {
    Timestamp::from_unix_seconds(1_780_000_000)
}

fn order() -> OrderId {
    OrderId::derived(&["test"])
}

fn payment() -> PaymentId {
    PaymentId::derived(&["test"])
}

fn refund() -> RefundId {
    RefundId::derived(&["test"])
}

fn dispute() -> DisputeId {
    DisputeId::derived(&["test"])
}

fn payout() -> PayoutId {
    PayoutId::derived(&["test"])
}

fn seller(name: &str) -> SellerId {
    SellerId::derived(&[name])
}
