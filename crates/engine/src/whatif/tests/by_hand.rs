//! Small histories with every figure computed by hand. One jumper of 100.00 at 10 % commission, 5.00
//! shipping, 8.25 tax: the buyer pays 113.25, the seller gets 95.00, the platform 10.00.

use aggregates::{seller_account::events::PayoutInterval, vocabulary::CommercePolicy};
use kernel::{OrderId, SellerId};
use serde_json::{Value, json};
use store::Log;

use super::{
    account, replayed, seller,
    story::{Extras, Sold, Story},
};
use crate::whatif::{RemarkKind, Report, Scope};

async fn one_sale() -> (Story, SellerId, OrderId) {
    let mut story = Story::new(CommercePolicy::default(), 7).await;
    let knitter = story.seller("knitter", PayoutInterval::Manual).await;
    let sold = [Sold { seller: knitter, price: 10_000, fee_bps: 1000 }];
    let extras = Extras { shipping: 5_00, tax: 8_25, discount: None };
    let order = story.sale("jumper", &sold, extras).await;
    story.rest().await;
    (story, knitter, order)
}

async fn under(story: &Story, terms: Value) -> Report {
    replayed(story, terms, Scope::default()).await
}

#[tokio::test]
async fn twice_the_commission_is_twice_the_commission_and_the_seller_has_less() {
    let (mut story, ..) = one_sale().await;
    story.pass(10).await;
    for terms in [json!({"commission_percent": 200}), json!({"commission_bps": 2000})] {
        let report = under(&story, terms).await;
        assert_eq!(account(&report, "income:commission"), (10_00, 20_00));
        assert_eq!(account(&report, "liabilities:seller:*:available"), (95_00, 85_00));
        assert_eq!(seller(&report, "total"), (95_00, 85_00));
        assert_eq!(account(&report, "liabilities:tax:*"), (8_25, 8_25));
        // 113.25 less a fee of 3.77, whoever gets what.
        assert_eq!(account(&report, "assets:stripe:balance"), (10_948, 10_948));
        assert_eq!(report.remarks, []);
        assert_eq!(report.terms[0].actual, ["1000"]);
    }
}

#[tokio::test]
async fn a_tenth_in_reserve_is_not_available() {
    let (mut story, ..) = one_sale().await;
    story.pass(10).await;
    let terms = json!({"reserve_bps": 1000, "reserve_days": 30});
    let report = under(&story, terms.clone()).await;
    assert_eq!(seller(&report, "available"), (95_00, 85_50));
    assert_eq!(seller(&report, "reserve"), (0, 9_50));
    assert_eq!(seller(&report, "total"), (95_00, 95_00));
    // Released after 7 days, kept for 30: it is free on the 37th day, by a timer that never was.
    story.pass(30).await;
    let button = [Sold { seller: SellerId::derived(&["knitter"]), price: 1_00, fee_bps: 0 }];
    story.sale("button", &button, Extras::default()).await;
    let report = under(&story, terms).await;
    assert_eq!(seller(&report, "available"), (95_00, 95_00));
    assert_eq!(seller(&report, "reserve"), (0, 0));
    assert_eq!(report.decisions.additional["seller_account.reserve_released"], 1);
}

#[tokio::test]
async fn a_later_release_keeps_the_money_pending() {
    let (mut story, ..) = one_sale().await;
    story.pass(10).await;
    let report = under(&story, json!({"delay_days": 30})).await;
    assert_eq!(seller(&report, "pending"), (0, 95_00));
    assert_eq!(seller(&report, "available"), (95_00, 0));
    assert_eq!(report.decisions.omitted["seller_account.released"], 1);
}

#[tokio::test]
async fn a_commission_that_is_not_returned_is_the_sellers_to_give_back() {
    let (mut story, _, order) = one_sale().await;
    story.refund("all of it", order, 0, None).await;
    story.rest().await;
    let report = under(&story, json!({"commission_returned": false})).await;
    // Returned: he gives 95.00 and the platform 10.00. Retained: he gives 105.00 and has 95.00.
    assert_eq!(account(&report, "income:commission-refunded"), (10_00, 0));
    assert_eq!(account(&report, "liabilities:refunds-payable"), (11_325, 11_325));
    assert_eq!(seller(&report, "receivable"), (0, 10_00));
    assert_eq!(seller(&report, "total"), (0, -10_00));
    assert_eq!(account(&report, "liabilities:tax:*"), (0, 0));
}

#[tokio::test]
async fn what_was_paid_out_stays_paid_out_and_what_was_not_there_is_owed() {
    let (mut story, knitter, _) = one_sale().await;
    story.pass(10).await;
    story.pay_out("first", knitter).await;
    story.rest().await;
    let report = under(&story, json!({"commission_percent": 200})).await;
    assert_eq!(seller(&report, "available"), (0, 0));
    assert_eq!(seller(&report, "receivable"), (0, 10_00));
    assert_eq!(account(&report, "income:commission"), (10_00, 20_00));
    assert_eq!(account(&report, "assets:clearing:internal:claim:*"), (0, 0));
    // The transfer itself waits for its balance transaction on both sides alike.
    assert_eq!(account(&report, "assets:clearing:stripe:transfer:*"), (-95_00, -95_00));
    let [remark] = report.remarks.as_slice() else { panic!("{:?}", report.remarks) };
    assert_eq!((remark.kind, remark.count), (RemarkKind::PaidBeyondAvailable, 1));
    assert_eq!(remark.minor["USD"], 10_00);
    assert!(remark.examples[0].contains("knitter"), "{remark:?}");
}

#[tokio::test]
async fn a_lost_dispute_is_the_platforms_if_it_says_so() {
    let (mut story, ..) = one_sale().await;
    story.dispute("d", "jumper", 11_325, "needs_response", 0).await;
    story.rest().await;
    let open = under(&story, json!({"disputes_borne_by": "platform"})).await;
    assert_eq!(seller(&open, "dispute_hold"), (95_00, 0));
    assert_eq!(seller(&open, "pending"), (0, 95_00));
    story.dispute("d", "jumper", 11_325, "lost", 0).await;
    story.rest().await;
    let lost = under(&story, json!({"disputes_borne_by": "platform"})).await;
    assert_eq!(seller(&lost, "total"), (0, 95_00));
    assert_eq!(account(&lost, "expenses:chargeback-loss"), (0, 11_325));
    assert_eq!(account(&lost, "income:commission-refunded"), (10_00, 0));
    assert_eq!(account(&lost, "liabilities:tax:*"), (0, 8_25));
    assert_eq!(account(&lost, "assets:disputes-open:*"), (0, 0));
}

#[tokio::test]
async fn a_commission_stops_at_the_whole_price_and_says_so() {
    let (story, ..) = one_sale().await;
    let report = under(&story, json!({"commission_percent": 2000})).await;
    assert_eq!(account(&report, "income:commission"), (10_00, 10_000));
    assert_eq!(seller(&report, "total"), (95_00, 5_00));
    let [remark] = report.remarks.as_slice() else { panic!("{:?}", report.remarks) };
    assert_eq!((remark.kind, remark.count), (RemarkKind::CommissionCapped, 1));
}

#[tokio::test]
async fn the_real_log_is_only_read() {
    let (mut story, ..) = one_sale().await;
    story.pass(10).await;
    let before = story.log.head().await.unwrap();
    under(&story, json!({"commission_bps": 1, "reserve_bps": 5000})).await;
    assert_eq!(story.log.head().await.unwrap(), before);
}
