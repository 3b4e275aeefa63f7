//! Random histories: under their own policy they come out to the letter as they were; under another
//! one, what the outside world saw stays as it was.

use aggregates::{
    order::events::Discount,
    seller_account::events::PayoutInterval,
    vocabulary::{CommercePolicy, DisputeBearer, FundedBy, RefundGranularity},
};
use kernel::{OrderId, SellerId};
use serde_json::json;
use store::{Log, Position};

use super::{
    replayed,
    story::{Extras, Sold, Story},
};
use crate::whatif::Scope;

const STEPS: u32 = 60;

/// Sales, refunds, disputes and payouts of three sellers over some weeks, with policies that react
/// late and in any order.
async fn life(seed: u64) -> Story {
    let policy = CommercePolicy {
        refund_granularity: RefundGranularity::Partial,
        reserve_bps: if seed.is_multiple_of(2) { 0 } else { 777 },
        reserve_days: 9,
        delay_days: 3,
        commission_returned: !seed.is_multiple_of(3),
        disputes_borne_by: if seed.is_multiple_of(5) {
            DisputeBearer::Platform
        } else {
            DisputeBearer::Sellers
        },
        dispute_fee_on_sellers: seed.is_multiple_of(7),
        ..CommercePolicy::default()
    };
    let mut story = Story::new(policy, seed).await;
    let sellers = [
        story.seller("knitter", PayoutInterval::Daily).await,
        story.seller("potter", PayoutInterval::Manual).await,
        story.seller("weaver", PayoutInterval::Manual).await,
    ];
    let mut sales: Vec<(String, OrderId)> = Vec::new();
    let mut disputes: Vec<(String, String, i64)> = Vec::new();
    for step in 0..STEPS {
        let kind = story.chance.below(12);
        if sales.is_empty() || kind < 4 {
            let name = format!("sale{step}");
            let order = sell(&mut story, &name, &sellers).await;
            sales.push((name, order));
        } else {
            let chosen = usize::try_from(story.chance.below(sales.len() as u64)).unwrap();
            let (sale, order) = sales[chosen].clone();
            let name = format!("step{step}");
            let minor = story.chance.amount(1, 60_00);
            let seller = sellers[usize::try_from(story.chance.below(3)).unwrap()];
            match kind {
                4 | 5 => {
                    let line = u16::try_from(story.chance.below(3)).unwrap();
                    let minor = (kind == 4).then_some(minor);
                    story.refund(&name, order, line, minor).await;
                }
                6 => story.refund_at_stripe(&name, &sale, minor).await,
                7 => {
                    story.dispute(&name, &sale, minor, "needs_response", 0).await;
                    disputes.push((name, sale, minor));
                }
                8 => {
                    if let Some((name, sale, minor)) = disputes.pop() {
                        let back = story.chance.amount(0, minor + 1);
                        let status = if back == minor { "won" } else { "lost" };
                        story.dispute(&name, &sale, minor, status, back).await;
                    }
                }
                9 => story.pay_out(&name, seller).await,
                10 => story.transfer(seller).await,
                _ => {
                    let days = story.chance.amount(1, 5);
                    story.pass(days).await;
                }
            }
        }
        // Most reactions are late; some come in between.
        let reactions = usize::try_from(story.chance.below(6)).unwrap();
        story.react(reactions).await;
    }
    story.pass(6).await;
    story
}

async fn sell(story: &mut Story, name: &str, sellers: &[SellerId]) -> OrderId {
    let lines = 1 + story.chance.below(3);
    let sold: Vec<Sold> = (0..lines)
        .map(|_| Sold {
            seller: sellers[usize::try_from(story.chance.below(3)).unwrap()],
            price: story.chance.amount(1_00, 90_00),
            fee_bps: u16::try_from(story.chance.amount(0, 2500)).unwrap(),
        })
        .collect();
    let funded_by = if story.chance.below(2) == 0 { FundedBy::Platform } else { FundedBy::Seller };
    let amount = story.chance.amount(1, 50);
    let discount =
        (story.chance.below(3) == 0).then_some(Discount { amount, funded_by, code: None });
    let (shipping, tax) = (story.chance.amount(0, 9_00), story.chance.amount(0, 9_00));
    story.sale(name, &sold, Extras { shipping, tax, discount }).await
}

#[tokio::test]
async fn under_its_own_policy_a_history_comes_out_to_the_letter_as_it_was() {
    let mut decided = 0;
    for seed in 0..60 {
        let story = life(seed).await;
        let head = story.log.head().await.unwrap().position.0;
        for through in [head / 3, head / 2, head] {
            let scope = Scope { through: Some(Position(through)), ..Scope::default() };
            let report = replayed(&story, json!({}), scope).await;
            assert_eq!(report.accounts_differing, 0, "seed {seed} through {through}: {report:?}");
            assert_eq!(report.remarks, [], "seed {seed}");
            let decisions = &report.decisions;
            assert_eq!(decisions.different, 0, "seed {seed}: {decisions:?}");
            assert!(decisions.additional.is_empty(), "seed {seed}: {decisions:?}");
            assert!(decisions.omitted.is_empty(), "seed {seed}: {decisions:?}");
            decided += decisions.same;
        }
    }
    assert!(decided > 10_000, "the histories are too dull: {decided} decisions");
}

#[tokio::test]
async fn under_any_policy_the_world_outside_saw_the_same() {
    let mut differing = 0;
    for seed in 0..40 {
        let story = life(seed).await;
        let terms = match seed % 4 {
            0 => json!({"commission_percent": 300, "reserve_bps": 2500, "reserve_days": 5}),
            1 => json!({"commission_bps": 0, "commission_returned": false, "delay_days": 0}),
            2 => json!({"commission_bps": 4000, "disputes_borne_by": "platform", "delay_days": 20}),
            _ => json!({"disputes_borne_by": "sellers", "commission_returned": true,
                        "payout_after": "delivered"}),
        };
        // Sound books after every event are asserted there.
        let report = replayed(&story, terms, Scope::default()).await;
        for row in &report.accounts {
            let outside = ["assets:stripe:", "assets:clearing:", "liabilities:refunds-payable"];
            let seen = outside.iter().any(|prefix| row.family.starts_with(prefix));
            assert!(!seen || row.difference == 0, "seed {seed}: {row:?}");
        }
        differing += usize::from(report.accounts_differing > 0);
    }
    assert!(differing > 25, "the policies are too dull: {differing} differ");
}
