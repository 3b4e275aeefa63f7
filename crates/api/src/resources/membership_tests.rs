//! Memberships over HTTP: started, paid by money that waited, cancelled with a refund.

use actix_web::test::TestRequest;
use aggregates::{
    api_key::events::Role,
    payment::{
        Payment,
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::FactObject,
    },
    vocabulary::FactRank,
};
use kernel::{Currency, Money, PaymentId};
use serde_json::{Value as Json, json};

use crate::{
    Limits,
    dashboard::tests::house::{Answer, House},
    secrets::KeySecret,
};

async fn get(house: &House, key: &KeySecret, path: &str) -> Answer {
    let bearer = format!("Bearer {}", key.reveal());
    house.call(TestRequest::get().uri(path).insert_header(("Authorization", bearer))).await
}

async fn post(house: &House, key: &KeySecret, path: &str, body: Json) -> Answer {
    let bearer = format!("Bearer {}", key.reveal());
    let request = TestRequest::post().uri(path).insert_header(("Authorization", bearer));
    house.call(request.set_json(body)).await
}

async fn read(house: &House, key: &KeySecret, path: &str) -> Json {
    let answer = get(house, key, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn code(answer: &Answer) -> String {
    let problem: Json = serde_json::from_str(&answer.body).unwrap();
    problem["code"].as_str().unwrap().to_owned()
}

/// A charge nobody knows the purpose of.
async fn money(house: &House, name: &str, minor: i64) -> PaymentId {
    let payment = PaymentId::derived(&[name]);
    let fact = PaymentFact {
        object: FactObject::Charge,
        id: name.to_owned(),
        rank: FactRank { class: 3, created: 1, event: "evt_1".into() },
        kind: PaymentFactKind::Succeeded {
            charge: Some(name.into()),
            intent: None,
            amount: Money::new(minor, Currency::USD),
        },
        order: None,
        occurred_at: "2026-03-01T09:00:00Z".parse().unwrap(),
    };
    let merge = PaymentCommand::MergeFact { payment, fact: Box::new(fact) };
    house.send::<Payment>(payment, merge).await;
    payment
}

async fn started(house: &House, body: Json) -> String {
    let admin = house.key(Role::PlatformAdmin, None).await;
    let answer = post(house, &admin, "/v1/memberships", body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let started: Json = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(started["stripe"]["metadata"]["daybook_membership"], started["id"]);
    started["id"].as_str().unwrap().to_owned()
}

fn march(payment: PaymentId) -> Json {
    json!({ "period": "in_1", "start": "2026-03-01", "end": "2026-04-01", "payment": payment })
}

#[actix_web::test]
async fn a_membership_is_paid_by_money_that_waited_and_cancelled_pro_rata() {
    let house = House::build(Limits::default()).await;
    let finance = house.key(Role::FinanceOps, None).await;
    let price = json!({ "minor": 3100, "currency": "USD" });
    let gold = json!({ "member": "cust-1", "product": "gold", "price": price });
    let id = started(&house, gold).await;
    let payment = money(&house, "ch_m", 3100).await;
    let periods = format!("/v1/memberships/{id}/periods");
    let paid = post(&house, &finance, &periods, march(payment)).await;
    assert_eq!(paid.status, 201, "{}", paid.body);
    house.settle().await;
    let row = read(&house, &finance, &format!("/v1/memberships/{id}")).await;
    assert_eq!(
        (&row["status"], &row["paid"], &row["mrr"]),
        (&json!("active"), &json!(3100), &json!(3100))
    );
    let (income, owed) = (row["recognized"].as_i64().unwrap(), row["deferred"].as_i64().unwrap());
    assert_eq!(income + owed, 3100);

    // Nine days are over. Of 743 hours (the clocks go forward) 514 are left.
    let cancel = json!({ "refund": "pro_rata", "reason": "moves away" });
    let path = format!("/v1/memberships/{id}/cancel");
    let answer = post(&house, &finance, &path, cancel).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    house.settle().await;
    let row = read(&house, &finance, &format!("/v1/memberships/{id}")).await;
    assert_eq!((&row["status"], &row["deferred"]), (&json!("ended"), &json!(0)));
    assert_eq!((&row["refunded"], &row["recognized"]), (&json!(2145), &json!(955)));
    let period = &read(&house, &finance, &periods).await["data"][0];
    assert_eq!((&period["status"], &period["forfeited"]), (&json!("cancelled"), &json!(55)));
    let refunds = read(&house, &finance, "/v1/refunds").await;
    assert_eq!(refunds["data"][0]["source"], "membership");
    assert_eq!(refunds["data"][0]["amount"], 2145);
    let moved = read(&house, &finance, "/v1/membership-movements").await;
    let moved = moved["data"].as_array().unwrap().iter().map(|row| row["mrr_delta"].clone());
    assert_eq!(moved.collect::<Vec<_>>(), [json!(-3100), json!(3100)]);
    let page = house.visit(&finance, "/dashboard/memberships").await;
    assert!(page.body.contains("gold"), "{}", page.body);
}

#[actix_web::test]
async fn what_a_membership_would_refuse_moves_no_money() {
    let house = House::build(Limits::default()).await;
    let finance = house.key(Role::FinanceOps, None).await;
    let price = json!({ "minor": 3100, "currency": "USD" });
    let id = started(&house, json!({ "member": "c", "product": "gold", "price": price })).await;
    let payment = money(&house, "ch_m", 3100).await;
    let periods = format!("/v1/memberships/{id}/periods");
    let nobody = post(&house, &finance, "/v1/memberships/mem_0/periods", march(payment)).await;
    assert_eq!(nobody.status, 404, "{}", nobody.body);
    let mut backwards = march(payment);
    backwards["end"] = json!("2026-02-01");
    let answer = post(&house, &finance, &periods, backwards).await;
    assert_eq!((answer.status, code(&answer)), (422, "membership.period_invalid".to_owned()));
    let support = house.key(Role::Support, None).await;
    assert_eq!(post(&house, &support, &periods, march(payment)).await.status, 403);
    assert_eq!(post(&house, &finance, &periods, march(payment)).await.status, 201);
    house.settle().await;
    let other = money(&house, "ch_n", 3100).await;
    let mut again = march(other);
    again["period"] = json!("in_2");
    let answer = post(&house, &finance, &periods, again).await;
    assert_eq!((answer.status, code(&answer)), (409, "membership.period_overlaps".to_owned()));
}

#[actix_web::test]
async fn a_seller_sees_the_memberships_he_sells_and_no_others() {
    let house = House::build(Limits::default()).await;
    let price = json!({ "minor": 3100, "currency": "USD" });
    let own = json!({ "member": "c", "product": "gold", "price": price });
    let mut his = own.clone();
    his["agent_for"] =
        json!({ "seller": house.ada, "fee_bps": 1000, "commission_income": "deferred" });
    let (own, his) = (started(&house, own).await, started(&house, his).await);
    house.settle().await;
    let ada = house.key(Role::SellerViewer, Some(house.ada)).await;
    let list = read(&house, &ada, "/v1/memberships").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["membership"], json!(his));
    assert_eq!(get(&house, &ada, &format!("/v1/memberships/{own}")).await.status, 404);
    assert_eq!(get(&house, &ada, "/v1/membership-movements").await.status, 403);
}
