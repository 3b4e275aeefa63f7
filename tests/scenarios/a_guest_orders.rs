//! Somebody without an account orders, and sees the order with nothing but its token.

use serde_json::{Value, json};
use tests::{House, goods};

#[tokio::test(flavor = "multi_thread")]
async fn the_order_page_opens_with_its_token_and_with_nothing_else() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let (order, token) = ordered_by_guest(&house, &seller.id, "cart-1").await;
    let (other_order, other_token) = ordered_by_guest(&house, &seller.id, "cart-2").await;
    assert_ne!(token, other_token);
    house.check_out(&order).await;

    let stranger = house.daybook.stranger();
    let page = stranger.get(&format!("/orders/{order}?t={token}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Paper lamp") && page.text.contains("100.00"), "{}", page.text);
    assert!(!page.text.contains(&other_order));
    let policy = page.headers.get("referrer-policy").unwrap();
    assert_eq!(policy, "no-referrer", "the token must not travel to other sites");

    // A wrong token and an order that does not exist are answered alike, to the letter.
    let unknown = "ord_0197aaaa00007000800000000000aaaa";
    let last = token.chars().next_back().unwrap();
    let near = format!("{}{}", &token[..token.len() - 1], if last == 'A' { 'B' } else { 'A' });
    let mut answers = Vec::new();
    for path in [
        format!("/orders/{order}?t={other_token}"),
        format!("/orders/{order}?t={near}"),
        format!("/orders/{order}?t="),
        format!("/orders/{order}"),
        format!("/orders/{unknown}?t={token}"),
        format!("/orders/not-an-id?t={token}"),
    ] {
        let answer = stranger.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        answers.push(without_nonces(&answer.text));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_no_other_door_and_is_kept_nowhere() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let (order, token) = ordered_by_guest(&house, &seller.id, "cart-1").await;
    let guest = house.daybook.holder(&token);
    guest.get(&format!("/v1/orders/{order}")).await.problem(401, "authentication.required");
    house.settle().await;
    for path in [format!("/v1/orders/{order}"), "/v1/events".to_owned(), "/v1/audit".to_owned()] {
        assert!(!house.admin().get(&path).await.text.contains(&token), "{path}");
    }
    // Who a guest is, only those see who have to write to him.
    for (role, sees) in [("support", true), ("finance_ops", true), ("auditor", false)] {
        let row = house.holder(role, None).await.read(&format!("/v1/orders/{order}")).await;
        assert_eq!(row["guest_email"] == "sam@example.com", sees, "{role}: {row}");
    }
    // The log itself holds neither: a guest's address is sealed, his token only hashed.
    let file = house.daybook.scratch("log.ndjson");
    let data = house.daybook.data_text();
    tests::run(&["export", file.to_str().unwrap(), "--data", &data]).await.fine();
    let log = std::fs::read_to_string(file).unwrap();
    assert!(!log.contains(&token) && !log.contains("sam@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_gets_the_same_token() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let first = ordered_by_guest(&house, &seller.id, "cart-1").await;
    let second = ordered_by_guest(&house, &seller.id, "cart-1").await;
    assert_eq!(first, second);
}

/// The order and its token.
async fn ordered_by_guest(house: &House, seller: &str, key: &str) -> (String, String) {
    let mut order = goods::order(seller, &[10_000]);
    order["buyer"] = json!({ "guest_email": "sam@example.com" });
    let placed = house.admin().post_as(key, "/v1/orders", order).await.json();
    house.settle().await;
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&placed["id"]), text(&placed["guest_token"]))
}

/// A page without what is drawn anew for every answer.
fn without_nonces(page: &str) -> String {
    let mut rest = page;
    let mut plain = String::new();
    while let Some((front, behind)) = rest.split_once("nonce=\"") {
        plain.push_str(front);
        rest = behind.split_once('"').map_or("", |(_, rest)| rest);
    }
    plain + rest
}
