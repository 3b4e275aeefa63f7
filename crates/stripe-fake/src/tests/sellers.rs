//! Connected accounts from invitation to disconnection.

use super::{START, accepted, ask, kinds_since, refusal_code, seller, stripe, text};
use crate::{AccountStanding, ApiRequest, Behaviour, NewAccount, Operation, Rule, TopUpPlan, When};

#[test]
fn an_invited_seller_becomes_ready_when_the_rule_says() {
    let stripe = stripe();
    let when = When::Metadata { key: "daybook_seller".into(), value: "sel_1".into() };
    let ready = Behaviour::Account { after_s: 600, standing: AccountStanding::Ready };
    stripe.apply("rule", Operation::AddRule(Rule::new(when, ready))).unwrap();
    let form = "type=express&country=DE&email=seller%40example.com\
                &capabilities[transfers][requested]=true&metadata[daybook_seller]=sel_1";
    let account = accepted(&stripe, &ApiRequest::post("/v1/accounts", form).key("a1"));
    assert_eq!(
        (&account["details_submitted"], text(&account, "default_currency")),
        (&false.into(), "eur".into())
    );
    let id = text(&account, "id");
    let link = format!("account={id}&type=account_onboarding&return_url=a&refresh_url=b");
    let link = accepted(&stripe, &ApiRequest::post("/v1/account_links", &link));
    assert!(text(&link, "url").contains(&id));

    let transfer = format!("amount=100&currency=eur&destination={id}");
    let early = ApiRequest::post("/v1/transfers", &transfer).key("t1");
    assert_eq!(refusal_code(&stripe, &early), "insufficient_capabilities_for_transfer");
    let before = stripe.event_count();
    stripe.advance_to(START + 600).unwrap();
    assert_eq!(
        kinds_since(&stripe, before),
        ["account.external_account.created", "capability.updated", "account.updated"]
    );
    let account = accepted(&stripe, &ApiRequest::get(format!("/v1/accounts/{id}")));
    assert_eq!(account["payouts_enabled"], true);
    assert_eq!(account["capabilities"]["transfers"], "active");
}

#[test]
fn a_restricted_seller_is_refused_and_a_disconnected_one_is_out_of_reach() {
    let stripe = stripe();
    let top_up =
        Operation::TopUp { amount: 1_000, currency: "usd".into(), plan: TopUpPlan::Succeeded };
    stripe.apply("funds", top_up).unwrap();
    stripe.advance_to(START + 86_400).unwrap();
    let account = seller(&stripe, "seller");
    let reason = "requirements.past_due".to_owned();
    let restricted = Operation::SetStanding {
        account: account.clone(),
        standing: AccountStanding::Restricted { reason },
    };
    stripe.apply("restricted", restricted).unwrap();
    let form = format!("amount=100&currency=usd&destination={account}");
    let code = refusal_code(&stripe, &ApiRequest::post("/v1/transfers", &form).key("t1"));
    assert_eq!(code, "insufficient_capabilities_for_transfer");

    stripe.apply("gone", Operation::DeauthorizeAccount { account: account.clone() }).unwrap();
    let balance = ask(&stripe, &ApiRequest::get("/v1/balance").on_account(account.as_str()));
    assert_eq!(balance.status, 403);
    let last =
        stripe.take_undelivered(usize::MAX, &std::collections::BTreeSet::new()).pop().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.account),
        ("account.application.deauthorized", Some(account))
    );
}

#[test]
fn accounts_can_start_in_any_standing_and_currency() {
    let stripe = stripe();
    let new = NewAccount {
        country: "JP".into(),
        currency: "jpy".into(),
        standing: AccountStanding::Onboarding,
        ..NewAccount::default()
    };
    let id = stripe.apply("seller", Operation::CreateAccount(new)).unwrap().id.unwrap();
    let account = stripe.object(&id).unwrap();
    assert_eq!(
        (&account["charges_enabled"], text(&account, "default_currency")),
        (&false.into(), "jpy".into())
    );
    assert_eq!(account["external_accounts"]["data"].as_array().unwrap().len(), 0);
    stripe
        .apply(
            "bank",
            Operation::SetStanding { account: id.clone(), standing: AccountStanding::Ready },
        )
        .unwrap();
    stripe.apply("removed", Operation::RemoveExternalAccount { account: id.clone() }).unwrap();
    assert_eq!(stripe.object(&id).unwrap()["payouts_enabled"], false);
}
