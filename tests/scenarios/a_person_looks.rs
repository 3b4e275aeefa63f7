//! Somebody opens the dashboard in a browser: what stands there is what the API says, nothing
//! breaks on a laptop or a phone, and the pictures are kept.

use serde_json::json;
use stripe_fake::{BarePayment, NewDispute, Operation, Target, TopUpPlan};
use tests::{Answer, House, Seller, browser::Browser, goods, house::DAY};

const LAPTOP: u32 = 1280;
const PHONE: u32 = 390;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_works_on_a_laptop_and_on_a_phone() {
    let (house, first, order) = busy().await;
    let browser = Browser::open().await;
    log_in(&house, &browser, house.admin().secret().unwrap()).await;
    let script =
        "return [...document.querySelectorAll('nav[aria-label=Pages] a')].map(a => a.href)";
    let menu = browser.script(script, json!([])).await;
    let menu: Vec<String> =
        menu.as_array().unwrap().iter().map(|href| href.as_str().unwrap().to_owned()).collect();
    assert!(menu.len() >= 7, "{menu:?}");
    let mut pages: Vec<(String, String)> =
        menu.into_iter().map(|href| (href.rsplit('/').next().unwrap().to_owned(), href)).collect();
    let url = house.daybook.url();
    let explain = format!("{url}/dashboard/explain?seller={}&currency=USD", first.id);
    pages.push(("seller".to_owned(), format!("{url}/dashboard/sellers/{}", first.id)));
    pages.push(("order".to_owned(), format!("{url}/dashboard/orders/{order}")));
    pages.push(("explain".to_owned(), explain));
    for (name, address) in &pages {
        for width in [LAPTOP, PHONE] {
            browser.on_a_screen(width).await;
            browser.go(address).await;
            browser.picture(&format!("{name}-{width}")).await;
            is_sound(&browser, name, width).await;
        }
    }
    browser.on_a_screen(LAPTOP).await;
    browser.on_paper(true).await;
    browser.go(&format!("{url}/dashboard/sellers/{}", first.id)).await;
    browser.picture("seller-print").await;
    let hidden = "return getComputedStyle(document.querySelector('header nav')).display";
    assert_eq!(browser.script(hidden, json!([])).await, "none", "menus are not printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_on_a_page_are_the_figures_of_the_api() {
    let (house, first, order) = busy().await;
    let browser = Browser::open().await;
    log_in(&house, &browser, house.admin().secret().unwrap()).await;
    let url = house.daybook.url();
    browser.go(&format!("{url}/dashboard/sellers/{}", first.id)).await;
    let labels = browser.texts(".balance dl.figures dt").await;
    let amounts = browser.texts(".balance dl.figures dd:not(.hint)").await;
    assert_eq!(labels.len(), amounts.len());
    let path = format!("/v1/sellers/{}/balances?currency=USD", first.id);
    let row = house.admin().rows(&path).await.remove(0);
    let mut compared = 0;
    for (label, amount) in labels.iter().zip(&amounts) {
        let column = label.to_lowercase().replace([' ', '-'], "_");
        let column = if column == "owed_to_you" { "receivable".to_owned() } else { column };
        let Some(minor) = row[&column].as_i64() else { continue };
        assert_eq!(minor_of(amount), minor, "{label}");
        compared += 1;
    }
    assert!(compared >= 3, "{labels:?} {row}");

    browser.go(&format!("{url}/dashboard/orders")).await;
    let orders = house.admin().rows("/v1/orders").await;
    let totals = browser.texts("td[data-label=Total]").await;
    let totals: Vec<i64> = totals.iter().map(|total| minor_of(total)).collect();
    let expected: Vec<i64> = orders.iter().map(|row| row["total"].as_i64().unwrap()).collect();
    assert_eq!(totals, expected, "the latest first, on the page as in the API");

    browser.go(&format!("{url}/dashboard/orders/{order}")).await;
    let shown = browser.texts("main").await.remove(0);
    assert!(shown.contains("103.25") && shown.contains("Walnut chair"), "{shown}");

    // From a figure to its reasons is one click.
    browser.go(&format!("{url}/dashboard/sellers/{}", first.id)).await;
    browser.follow(".balance dl.figures dd a", "/dashboard/explain?").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_becomes_a_session_that_scripts_and_addresses_never_see() {
    let house = House::open().await;
    let browser = Browser::open().await;
    let url = house.daybook.url();
    browser.go(&format!("{url}/dashboard")).await;
    assert!(browser.address().await.contains("/login"), "nobody is logged in");
    browser.on_a_screen(PHONE).await;
    browser.picture("login-390").await;
    browser.fill("#key", "dbk_sandbox_wrong").await;
    browser.follow("button[type=submit]", "/login").await;
    assert_eq!(browser.texts("[role=alert]").await.len(), 1);
    // A refused login is answered with an error status, which Chromium notes.
    browser.complaints().await;

    let secret = house.admin().secret().unwrap().to_owned();
    log_in(&house, &browser, &secret).await;
    let cookies = browser.cookies().await;
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&true.into(), &"Strict".into()));
    assert_eq!(browser.script("return document.cookie", json!([])).await, "");
    assert!(!browser.address().await.contains("dbk_"));
    let html = browser.script("return document.documentElement.outerHTML", json!([])).await;
    assert!(!html.as_str().unwrap().contains(&secret));

    browser.follow("form.logout button", "/login").await;
    browser.go(&format!("{url}/dashboard")).await;
    assert!(browser.address().await.contains("/login"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_sees_his_own_page_and_requests_his_payout_there() {
    let (house, first, _) = busy().await;
    let other = house.seller("elm").await;
    let owner = house.holder("seller_owner", Some(&first)).await;
    let browser = Browser::open().await;
    log_in(&house, &browser, owner.secret().unwrap()).await;
    let own = format!("/dashboard/sellers/{}", first.id);
    assert!(browser.address().await.ends_with(&own), "{}", browser.address().await);
    let [_, available, ..] = house.money_of(&first).await;
    assert!(available > 0);

    browser.follow("form[action$='/payouts'] button", &own).await;
    assert_eq!(browser.texts(".notice").await.len(), 1);
    house.deliver().await;
    let payouts = house.admin().rows(&format!("/v1/payouts?seller={}", first.id)).await;
    assert!(payouts.iter().any(|row| row["amount"] == available), "{payouts:?}");
    assert_eq!(house.money_of(&first).await[1], 0);

    for hidden in [format!("/dashboard/sellers/{}", other.id), "/dashboard/work-items".to_owned()] {
        browser.go(&format!("{}{hidden}", house.daybook.url())).await;
        let shown = browser.texts("main").await.remove(0);
        assert!(!shown.contains(&other.id), "{hidden}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_elsewhere_changes_nothing() {
    let (house, first, _) = busy().await;
    let cookie = format!("daybook_session={}", house.admin().secret().unwrap());
    let path = format!("/dashboard/sellers/{}/payouts", first.id);
    let before = house.money_of(&first).await;
    for form in ["currency=USD&amount=1.00&once=x", "currency=USD&amount=1.00&once=x&csrf=guessed"]
    {
        let answer = submit(&house, &path, form, &cookie).await;
        assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text);
    }
    // A cookie alone is no key to the API's writes either.
    let order = goods::order(&first.id, &[1_000]).to_string();
    let headers = [("Cookie", cookie.as_str())];
    let stranger = house.daybook.stranger();
    let answer = stranger.send(reqwest::Method::POST, "/v1/orders", Some(order), &headers).await;
    assert!((400..500).contains(&answer.status), "{}: {}", answer.status, answer.text);
    house.settle().await;
    assert_eq!(house.money_of(&first).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_sees_his_order_on_his_phone() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let mut order = goods::order(&seller.id, &[10_000]);
    order["buyer"] = json!({ "guest_email": "sam@example.com" });
    let placed = house.admin().post("/v1/orders", order).await.json();
    let (order, token) = (placed["id"].as_str().unwrap(), placed["guest_token"].as_str().unwrap());
    house.check_out(order).await;
    let browser = Browser::open().await;
    browser.on_a_screen(PHONE).await;
    browser.go(&format!("{}/orders/{order}?t={token}", house.daybook.url())).await;
    is_sound(&browser, "guest", PHONE).await;
    browser.picture("guest-390").await;
    let shown = browser.texts("main").await.remove(0);
    assert!(shown.contains("Paper lamp") && shown.contains("100.00"), "{shown}");
    assert!(!shown.contains("sam@example.com"));
}

/// A house with something on every page, its first seller, and the example order.
async fn busy() -> (House, Seller, String) {
    let house = House::open().await;
    let (first, second) = (house.seller("walnut").await, house.seller("willow").await);
    let order = house.paid(goods::example_order(&first.id, &second.id)).await;
    let plan = TopUpPlan::Succeeded;
    house.happen(Operation::TopUp { amount: 50_000, currency: "usd".to_owned(), plan });
    house.pass_days(8).await;
    let payout = format!("/v1/sellers/{}/payouts", second.id);
    house.admin().post(&payout, json!({ "currency": "USD", "amount": 1_000 })).await.json();
    let disputed = house.paid(goods::order(&first.id, &[4_000])).await;
    let payment = Target::id(house.charge_of(&disputed));
    house.happen(Operation::OpenDispute(NewDispute::chargeback(payment)));
    let refunded = house.paid(goods::order(&second.id, &[3_000, 2_000])).await;
    let refund = json!({ "line": 1, "reason": "broken", "force": true });
    house.admin().post(&format!("/v1/orders/{refunded}/refunds"), refund).await.json();
    let asked = json!({ "line": 0, "reason": "too small" });
    house.admin().post(&format!("/v1/orders/{refunded}/refunds"), asked).await.json();
    house.happen(Operation::Pay(BarePayment::default()));
    house.pass_seconds(DAY / 2).await;
    house.place(goods::order(&first.id, &[7_000])).await;
    house.settle().await;
    (house, first, order)
}

async fn log_in(house: &House, browser: &Browser, secret: &str) {
    browser.go(&format!("{}/login", house.daybook.url())).await;
    browser.fill("#key", secret).await;
    browser.follow("button[type=submit]", "/dashboard").await;
}

/// One heading, everything named, nothing sticking out, and no complaint of the browser's.
async fn is_sound(browser: &Browser, name: &str, width: u32) {
    let page = format!("{name} at {width}");
    assert_eq!(browser.texts("h1").await.len(), 1, "{page}");
    let nameless = "return [...document.querySelectorAll('input:not([type=hidden]), select')]
        .filter(e => e.labels.length === 0 && !e.getAttribute('aria-label'))
        .concat([...document.querySelectorAll('img:not([alt])')])
        .concat([...document.querySelectorAll('a, button')]
            .filter(e => !e.textContent.trim() && !e.getAttribute('aria-label')))
        .map(e => e.outerHTML)";
    assert_eq!(browser.script(nameless, json!([])).await, json!([]), "{page}");
    let wide = browser.script("return document.documentElement.scrollWidth", json!([])).await;
    assert!(wide.as_u64().unwrap() <= u64::from(width), "{page} is {wide} wide");
    if width == LAPTOP {
        let cut = "return [...document.querySelectorAll('.scroll')]
            .filter(e => e.scrollWidth > e.clientWidth).map(e => e.getAttribute('aria-label'))";
        assert_eq!(browser.script(cut, json!([])).await, json!([]), "{page} has to be scrolled");
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "{page}");
}

async fn submit(house: &House, path: &str, form: &str, cookie: &str) -> Answer {
    let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
    let stranger = house.daybook.stranger();
    stranger.send(reqwest::Method::POST, path, Some(form.to_owned()), &headers).await
}

/// An amount as a person reads it, in minor units of a currency with cents.
fn minor_of(text: &str) -> i64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let minor: i64 = digits.parse().unwrap_or_else(|_| panic!("{text} is no amount"));
    if text.contains(['-', '\u{2212}']) { -minor } else { minor }
}
