//! Visits to a real house: who gets in, what he sees, what his forms do.

use actix_web::test::TestRequest;
use aggregates::{
    api_key::{ApiKey, commands::ApiKeyCommand, events::Role},
    order::Order,
    refund::Refund,
    vocabulary::LineNo,
};
use kernel::{OrderId, RefundId};

use super::{
    super::frame::CONTENT_SECURITY_POLICY,
    house::{Answer, House},
    rendering::assert_strict,
};
use crate::Limits;

async fn house() -> House {
    House::build(Limits::default()).await
}

fn login(key: &str) -> TestRequest {
    TestRequest::post().uri("/login").set_form([("key", key)])
}

fn assert_guarded(answer: &Answer) {
    assert_eq!(answer.header("content-security-policy"), CONTENT_SECURITY_POLICY);
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[actix_web::test]
async fn a_key_is_exchanged_for_a_cookie_that_only_the_server_reads() {
    let house = house().await;
    let key = house.key(Role::FinanceOps, None).await;
    let answer = house.call(login(key.reveal())).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/dashboard"));
    let cookie = answer.header("set-cookie");
    for part in ["daybook_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!answer.header("location").contains("dbk_"));
    assert_guarded(&answer);
}

#[actix_web::test]
async fn a_wrong_key_is_told_so_and_nothing_more() {
    let house = house().await;
    let key = house.key(Role::FinanceOps, None).await;
    let revoked = house.key(Role::FinanceOps, None).await;
    let revoke = ApiKeyCommand::Revoke { reason: "lost".to_owned() };
    house.send::<ApiKey>(revoked.key, revoke).await;
    let end = key.reveal().len() - 1;
    let last = if key.reveal().ends_with('A') { "B" } else { "A" };
    let altered = format!("{}{last}", &key.reveal()[..end]);
    for wrong in ["", "dbk_", "<script>", altered.as_str(), revoked.reveal()] {
        let answer = house.call(login(wrong)).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.body.contains("This key is not valid."), "{}", answer.body);
        assert_eq!(answer.header("set-cookie"), "");
        assert_guarded(&answer);
    }
    let visit = house.visit(&revoked, "/dashboard").await;
    assert_eq!((visit.status, visit.header("location")), (303, "/login"));
}

#[actix_web::test]
async fn another_site_cannot_log_anybody_in() {
    let house = house().await;
    let key = house.key(Role::FinanceOps, None).await;
    let foreign = login(key.reveal()).insert_header(("Sec-Fetch-Site", "cross-site"));
    let answer = house.call(foreign).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (403, ""));
    let own = login(key.reveal()).insert_header(("Sec-Fetch-Site", "same-origin"));
    assert_eq!(house.call(own).await.status, 303);
}

#[actix_web::test]
async fn logins_are_counted_per_address() {
    let house = House::build(Limits { logins_per_minute: 3, ..Limits::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(house.call(login("dbk_wrong")).await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
}

#[actix_web::test]
async fn nobody_sees_a_page_without_logging_in() {
    let house = house().await;
    for path in ["/dashboard", "/dashboard/sellers", "/dashboard/events/1", "/dashboard/explain"] {
        let answer = house.call(TestRequest::get().uri(path)).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/login"), "{path}");
    }
}

#[actix_web::test]
async fn a_session_ends_only_by_its_own_form() {
    let house = house().await;
    let key = house.key(Role::Auditor, None).await;
    let forged = house.submit(&key, "/logout", &[("csrf", "guessed")]).await;
    assert_eq!((forged.status, forged.header("set-cookie")), (403, ""));
    let csrf = house.visit(&key, "/dashboard").await.field("csrf");
    let answer = house.submit(&key, "/logout", &[("csrf", &csrf)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/login"));
    assert!(answer.header("set-cookie").contains("Max-Age=0"), "{}", answer.header("set-cookie"));
}

#[actix_web::test]
async fn every_page_of_finance_opens_and_obeys_the_policy() {
    let house = house().await;
    let (order, token) = house.guest_order().await;
    let key = house.key(Role::FinanceOps, None).await;
    let ada = house.ada;
    let journal = house.visit(&key, &format!("/dashboard/explain?seller={ada}&currency=USD")).await;
    let (_, event) = journal.body.split_once("/dashboard/events/").expect("a line to explain");
    let event = event.split('"').next().unwrap().to_owned();
    for path in [
        "/dashboard".to_owned(),
        "/dashboard?currency=EUR&days=90".to_owned(),
        "/dashboard/sellers".to_owned(),
        format!("/dashboard/sellers/{ada}?days=7"),
        "/dashboard/organizers/spring%20fair".to_owned(),
        "/dashboard/orders?status=confirmed".to_owned(),
        format!("/dashboard/orders/{order}"),
        "/dashboard/refunds?status=requested".to_owned(),
        "/dashboard/disputes".to_owned(),
        "/dashboard/disputes?status=closed".to_owned(),
        "/dashboard/payouts?status=paid".to_owned(),
        "/dashboard/memberships?status=active".to_owned(),
        "/dashboard/work-items".to_owned(),
        "/dashboard/reports".to_owned(),
        "/dashboard/reports/trial-balance?month=2026-03".to_owned(),
        "/dashboard/reports/general-ledger?account=income:commission".to_owned(),
        format!("/dashboard/reports/seller-statement?seller={ada}&month=2026-03"),
        "/v1/reports/payout-register?format=html".to_owned(),
        "/dashboard/alarms".to_owned(),
        "/dashboard/webhooks?status=parked".to_owned(),
        format!("/dashboard/explain?seller={ada}&currency=USD&part=pending"),
        format!("/dashboard/events/{event}"),
        format!("/orders/{order}?t={token}"),
    ] {
        let answer = house.visit(&key, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert_strict(&path, &answer.body);
        assert_guarded(&answer);
    }
}

#[actix_web::test]
async fn a_sellers_figures_are_those_of_the_ledger_down_to_the_event() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::SellerOwner, Some(house.ada)).await;
    let home = format!("/dashboard/sellers/{}", house.ada);
    let first = house.visit(&key, "/dashboard").await;
    assert_eq!((first.status, first.header("location")), (303, home.as_str()));
    let page = house.visit(&key, &home).await.body;
    for shown in ["27.00&nbsp;<abbr>USD", "30.00&nbsp;<abbr>USD", "3.00&nbsp;<abbr>USD", "R-1"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    let figure = format!("/dashboard/explain?seller={}&currency=USD&part=pending", house.ada);
    let explained = house.visit(&key, &figure).await.body;
    assert!(explained.contains("27.00") && explained.contains("seller_account.credited"));
    let event = explained.split_once("/dashboard/events/").unwrap().1.split('"').next().unwrap();
    let event = house.visit(&key, &format!("/dashboard/events/{event}")).await.body;
    assert!(event.contains("order.paid"), "the cause is named: {event}");
    assert!(event.contains(&format!("liabilities:seller:{}:pending", house.ada)), "{event}");
    assert!(!event.contains("As it is stored"), "the payload is for auditors");
}

#[actix_web::test]
async fn anothers_page_is_answered_like_one_that_does_not_exist() {
    let house = house().await;
    let (order, _) = house.guest_order().await;
    let key = house.key(Role::SellerOwner, Some(house.ada)).await;
    let nobody = kernel::SellerId::derived(&["nobody"]);
    let unknown = house.visit(&key, &format!("/dashboard/sellers/{nobody}")).await;
    for path in [
        format!("/dashboard/sellers/{}", house.ben),
        format!("/dashboard/orders?seller={}", house.ben),
        format!("/dashboard/explain?seller={}&currency=USD", house.ben),
    ] {
        let answer = house.visit(&key, &path).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{path}");
    }
    for forbidden in ["/dashboard/work-items", "/dashboard/alarms", "/dashboard/webhooks"] {
        assert_eq!(house.visit(&key, forbidden).await.status, 403, "{forbidden}");
    }
    let own_lines = house.visit(&key, &format!("/dashboard/orders/{order}")).await.body;
    assert!(own_lines.contains("&#60;script&#62;"), "his own line is there: {own_lines}");
    assert!(!own_lines.contains("A plain bowl"), "another seller's is not");
    assert!(!own_lines.contains("60.00"), "nor is the order's total");
}

async fn refund_of(house: &House, order: OrderId, token: &str, line: u16) -> Answer {
    let page = house.call(TestRequest::get().uri(&format!("/orders/{order}?t={token}"))).await;
    let once = format!("{}x", page.field("once"));
    let line = line.to_string();
    let form = [
        ("token", token),
        ("once", &once),
        ("line", &line),
        ("reason", "It arrived <b>broken</b>"),
    ];
    let path = format!("/orders/{order}/refunds");
    house.call(TestRequest::post().uri(&path).set_form(form)).await
}

#[actix_web::test]
async fn a_guest_asks_for_a_refund_and_the_seller_decides_it() {
    let house = house().await;
    let (order, token) = house.guest_order().await;
    let asked = refund_of(&house, order, &token, 0).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    house.settle().await;
    let page = house.call(TestRequest::get().uri(asked.header("location"))).await;
    assert!(page.body.contains("We have asked for your refund."), "{}", page.body);
    assert!(page.body.contains("requested"), "{}", page.body);

    let ben = house.key(Role::SellerOwner, Some(house.ben)).await;
    let viewer = house.key(Role::SellerViewer, Some(house.ada)).await;
    let ada = house.key(Role::SellerOwner, Some(house.ada)).await;
    let list = "/dashboard/refunds";
    assert!(!house.visit(&ben, list).await.body.contains("broken"));
    let seen = house.visit(&viewer, list).await;
    assert!(seen.body.contains("broken") && !seen.body.contains("/approve"), "{}", seen.body);
    let page = house.visit(&ada, list).await;
    let (_, id) = page.body.split_once("/dashboard/refunds/").unwrap();
    let id: RefundId = id.split('/').next().unwrap().parse().unwrap();
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let approve = format!("{list}/{id}/approve");

    let forged = house.submit(&ada, &approve, &[("csrf", "guessed"), ("once", &once)]).await;
    assert_eq!(forged.status, 403);
    let of_ben = house.visit(&ben, list).await.field("csrf");
    let anothers = house.submit(&ben, &approve, &[("csrf", &of_ben), ("once", "a")]).await;
    assert_eq!(anothers.status, 404);
    for _ in 0..2 {
        let done = house.submit(&ada, &approve, &[("csrf", &csrf), ("once", &once)]).await;
        assert_eq!(done.status, 303, "a double click does it once: {}", done.body);
    }
    house.settle().await;
    let bus = house.api.engine.bus();
    let (_, events) = bus.load::<Refund>(house.tenant, &id.to_string()).await.unwrap();
    let again = house.submit(&ada, &approve, &[("csrf", &csrf), ("once", "b")]).await;
    house.settle().await;
    let (_, after) = bus.load::<Refund>(house.tenant, &id.to_string()).await.unwrap();
    assert!(again.status == 303 || again.status == 409, "{}", again.body);
    assert_eq!(events, after, "approving again changes nothing");
}

#[actix_web::test]
async fn a_wrong_token_gets_the_answer_of_an_order_that_does_not_exist() {
    let house = house().await;
    let (order, token) = house.guest_order().await;
    let nowhere = OrderId::derived(&["nowhere"]);
    let unknown = house.call(TestRequest::get().uri(&format!("/orders/{nowhere}?t={token}"))).await;
    assert_eq!(unknown.status, 404);
    assert_guarded(&unknown);
    for path in [
        format!("/orders/{order}"),
        format!("/orders/{order}?t="),
        format!("/orders/{order}?t={token}x"),
        format!("/orders/not-an-id?t={token}"),
    ] {
        let answer = house.call(TestRequest::get().uri(&path)).await;
        assert_eq!((answer.status, &answer.body), (404, &unknown.body), "{path}");
    }
    let form = [("token", "wrong"), ("once", "a"), ("line", "0"), ("reason", "mine now")];
    let path = format!("/orders/{order}/refunds");
    let answer = house.call(TestRequest::post().uri(&path).set_form(form)).await;
    assert_eq!((answer.status, &answer.body), (404, &unknown.body));
    let untouched = house
        .api
        .engine
        .bus()
        .inspect::<Order, _>(house.tenant, &order.to_string(), |order, _| {
            order.refund_open(LineNo(0))
        })
        .await
        .unwrap();
    assert!(!untouched);
}

#[actix_web::test]
async fn a_payout_that_the_rules_refuse_says_why_and_leads_back() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::SellerOwner, Some(house.ada)).await;
    let home = format!("/dashboard/sellers/{}", house.ada);
    let csrf = house.visit(&key, &home).await.field("csrf");
    let path = format!("{home}/payouts");
    let form =
        |amount| [("csrf", csrf.as_str()), ("once", "a"), ("currency", "USD"), ("amount", amount)];
    let refused = house.submit(&key, &path, &form("5000.00")).await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert!(refused.body.contains(&format!("href=\"{home}\"")), "{}", refused.body);
    assert_eq!(house.submit(&key, &path, &form("nothing")).await.status, 400);
    let manager = house.key(Role::SellerManager, Some(house.ada)).await;
    let csrf = house.visit(&manager, &home).await.field("csrf");
    let form = [("csrf", csrf.as_str()), ("once", "a"), ("currency", "USD"), ("amount", "1.00")];
    assert_eq!(house.submit(&manager, &path, &form).await.status, 403);
}
