//! A life at Stripe, as the fake tells it, read in several orders.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stripe_fake::{
    ApiRequest, BarePayment, DisputeOutcome, FakeStripe, NewAccount, NewDispute, Operation,
    Payment, PayoutPlan, PendingEvent, RefundPlan, Seed, Target, TopUpPlan,
};

use super::*;
use crate::envelope::Envelope;

const DAY: i64 = 86_400;

fn pay(stripe: &FakeStripe, key: &str, payment: BarePayment) {
    stripe.apply(key, Operation::Pay(payment)).unwrap();
}

/// Payments, refunds, disputes, a seller with transfers and payouts, fees and top-ups.
fn life() -> FakeStripe {
    let stripe = FakeStripe::new(Seed(11), NOW);
    let new = Operation::CreateAccount(NewAccount::default());
    let account = stripe.apply("seller", new).unwrap().id.unwrap();
    buyers_pay(&stripe, &account);
    money_goes_back(&stripe);
    stripe.advance_to(NOW + 10 * DAY).unwrap();
    let form = format!("amount=3000&currency=usd&destination={account}");
    let transfer = stripe.call(&ApiRequest::post("/v1/transfers", &form).key("t")).unwrap();
    let id = transfer.body["id"].as_str().unwrap().to_owned();
    let reverse = format!("/v1/transfers/{id}/reversals");
    stripe.call(&ApiRequest::post(reverse, "amount=500").key("v")).unwrap();
    stripe.advance_to(NOW + 12 * DAY).unwrap();
    stripe
        .apply(
            "payout",
            Operation::SendPayout {
                account: Some(account),
                amount: Some(1_000),
                currency: "usd".into(),
                plan: Some(PayoutPlan::paid_then_failed()),
            },
        )
        .unwrap();
    stripe.advance_to(NOW + 30 * DAY).unwrap();
    stripe
}

fn buyers_pay(stripe: &FakeStripe, account: &str) {
    pay(stripe, "plain", BarePayment { amount: 50_000, ..BarePayment::default() });
    pay(stripe, "disputed", BarePayment { amount: 8_000, ..BarePayment::default() });
    pay(stripe, "slow", BarePayment { payment: Payment::debit(3 * DAY), ..BarePayment::default() });
    pay(
        stripe,
        "failing",
        BarePayment { payment: Payment::failing_debit(2 * DAY), ..BarePayment::default() },
    );
    pay(
        stripe,
        "declined",
        BarePayment { payment: Payment::declined("insufficient_funds"), ..BarePayment::default() },
    );
    pay(stripe, "held", BarePayment { manual_capture: true, ..BarePayment::default() });
    pay(
        stripe,
        "direct",
        BarePayment {
            on_account: Some(account.to_owned()),
            application_fee: Some(100),
            ..BarePayment::default()
        },
    );
}

fn money_goes_back(stripe: &FakeStripe) {
    stripe
        .apply(
            "refund",
            Operation::Refund {
                payment: Target::made("plain"),
                amount: Some(2_000),
                reason: None,
                metadata: BTreeMap::new(),
                plan: Some(RefundPlan::fails_after_success(DAY)),
            },
        )
        .unwrap();
    let mut dispute = NewDispute::chargeback(Target::made("disputed"));
    dispute.outcome = Some((5 * DAY, DisputeOutcome::partly_lost(1_000)));
    stripe.apply("dispute", Operation::OpenDispute(dispute)).unwrap();
    stripe
        .apply(
            "warning",
            Operation::WarnOfFraud { payment: Target::made("plain"), fraud_type: "misc".into() },
        )
        .unwrap();
    stripe
        .apply(
            "topup",
            Operation::TopUp { amount: 10_000, currency: "usd".into(), plan: TopUpPlan::Succeeded },
        )
        .unwrap();
}

fn info_of(event: &PendingEvent) -> ReceivedInfo {
    let envelope = Envelope::read(event.body.as_bytes());
    assert_eq!(envelope.defect, None);
    ReceivedInfo {
        event: envelope.id.unwrap().into(),
        account: envelope.account.map(Into::into),
        livemode: envelope.livemode,
        created: envelope.created.map(Timestamp::from_unix_seconds),
        ..info(&envelope.kind.unwrap())
    }
}

/// What is left when all messages were read in this order, parked ones again and again.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    links: HashMap<String, Subject>,
    wanted: BTreeSet<String>,
    recorded: BTreeSet<String>,
    targets: BTreeSet<String>,
}

async fn read_all(events: &[PendingEvent], accounts: &[String]) -> Ending {
    let known = Known::default();
    for account in accounts {
        known.add(account, Subject::Seller(SellerId::derived(&[account])));
    }
    let mut ending = Ending {
        links: HashMap::new(),
        wanted: BTreeSet::new(),
        recorded: BTreeSet::new(),
        targets: BTreeSet::new(),
    };
    let mut waiting: Vec<&PendingEvent> = events.iter().collect();
    while !waiting.is_empty() {
        let mut parked = Vec::new();
        for event in &waiting {
            let info = info_of(event);
            let translation = StripeTranslator::new()
                .translate(&info, event.body.as_bytes(), &known)
                .await
                .unwrap();
            let (commands, wants) = match translation {
                Translation::Apply { links, commands, wants } => {
                    for (object, subject) in links {
                        known.add(&object, subject);
                    }
                    (commands, wants)
                }
                Translation::Park { commands, wants, .. } => {
                    parked.push(*event);
                    (commands, wants)
                }
                Translation::Ignore { .. } => continue,
                Translation::Quarantine { error } => panic!("{}: {error}", event.kind),
            };
            for command in commands {
                let text = format!("{command:?}");
                match command {
                    Command::BalanceTransaction(txn, _) => drop(ending.recorded.insert(txn.0)),
                    _ => drop(ending.targets.insert(text.chars().take(45).collect())),
                }
            }
            ending.wanted.extend(wants.iter().map(|want| want.fetch().to_string()));
        }
        assert!(parked.len() < waiting.len(), "these wait for ever: {parked:?}");
        waiting = parked;
    }
    ending.links = known.all();
    ending
}

#[tokio::test]
async fn a_whole_life_is_understood_and_ends_the_same_in_every_order() {
    let stripe = life();
    let mut events = stripe.take_undelivered(usize::MAX, &BTreeSet::new());
    let accounts = stripe.accounts();
    let as_happened = read_all(&events, &accounts).await;
    events.reverse();
    assert_eq!(read_all(&events, &accounts).await, as_happened);
    let middle = events.len() / 2;
    events.rotate_left(middle);
    assert_eq!(read_all(&events, &accounts).await, as_happened);
    let twice: Vec<PendingEvent> = events.iter().chain(&events).cloned().collect();
    assert_eq!(read_all(&twice, &accounts).await, as_happened);
}

#[tokio::test]
async fn what_is_assumed_without_a_key_is_what_stripe_booked() {
    let stripe = life();
    let known = Known::default();
    for account in stripe.accounts() {
        known.add(&account, Subject::Seller(SellerId::derived(&[&account])));
    }
    let mut owners = vec![None];
    owners.extend(stripe.accounts().into_iter().map(Some));
    let booked: HashMap<String, _> = owners
        .iter()
        .flat_map(|owner| stripe.balance_transactions(owner.as_deref()))
        .map(|transaction| (transaction.id.clone(), transaction))
        .collect();
    let mut assumed_count = 0;
    for event in stripe.take_undelivered(usize::MAX, &BTreeSet::new()) {
        let translation = StripeTranslator::new()
            .translate(&info_of(&event), event.body.as_bytes(), &known)
            .await
            .unwrap();
        let (Translation::Apply { wants, .. } | Translation::Park { wants, .. }) = translation
        else {
            continue;
        };
        for want in wants {
            let Want::Transaction { txn, assumed: Some(record), .. } = want else { continue };
            let truth = &booked[txn.as_str()];
            assert_eq!((record.amount, record.net), (truth.amount, truth.net()), "{}", event.kind);
            assert_eq!(record.kind, truth.kind, "{}", event.kind);
            assert_eq!(record.source, truth.source, "{}", event.kind);
            assert_eq!(record.account.map(|account| account.0).as_deref(), truth.owner.account());
            assumed_count += 1;
        }
    }
    assert!(assumed_count > 10, "{assumed_count}");
}
