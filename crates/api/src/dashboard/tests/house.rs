//! A small house to visit: one tenant, two sellers, one guest's paid order, and a key for anybody.

use std::{sync::Arc, time::Duration};

use actix_web::{
    App,
    http::header,
    test::{self, TestRequest},
    web,
};
use aggregates::{
    api_key::{ApiKey, commands::ApiKeyCommand, events::Role},
    order::{Order, commands::OrderCommand},
    seller_account::{SellerAccount, commands::SellerAccountCommand, events::AccountFlags},
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::{AccountRef, CommercePolicy, FactRank},
};
use engine::{Bus, Engine, EngineParts, Envelope, Managed};
use kernel::{
    Currency, FixedClock, KeyId, Mode, Money, OrderId, PaymentId, RequestId, SellerId, TenantId,
    Timestamp,
};
use serde_json::json;
use store::{MemoryLog, MemoryViews};

use super::super::samples::HOSTILE;
use crate::{Api, Limits, routes, secrets::KeySecret};

pub(crate) struct House {
    pub(crate) api: web::Data<Api>,
    pub(crate) tenant: TenantId,
    pub(crate) ada: SellerId,
    pub(crate) ben: SellerId,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of the first field of this name in a form of the page.
    pub(crate) fn field(&self, name: &str) -> String {
        let (_, rest) = self
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no field {name} in {}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }
}

impl House {
    pub(crate) async fn build(limits: Limits) -> Self {
        let noon: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let clock = Arc::new(FixedClock::new(noon));
        let bus = Bus::new(Arc::new(MemoryLog::new()), clock, 100);
        let engine = Engine::new(EngineParts::new(bus, Arc::new(MemoryViews::new())));
        engine.start().await.unwrap();
        let tenant = TenantId::derived(&["Riverbend Makers"]);
        let house = Self {
            api: web::Data::new(Api::new(Arc::new(engine), None, None, limits)),
            tenant,
            ada: SellerId::derived(&["ada"]),
            ben: SellerId::derived(&["ben"]),
        };
        let provision = TenantCommand::Provision {
            tenant,
            name: "Riverbend Makers".to_owned(),
            mode: Mode::Sandbox,
            time_zone: "Europe/Berlin".to_owned(),
            policy: CommercePolicy::default(),
        };
        house.send::<Tenant>(tenant, provision).await;
        for (seller, name) in [(house.ada, "ada"), (house.ben, "ben")] {
            house.seller(seller, name).await;
        }
        house.settle().await;
        house
    }

    pub(crate) async fn send<A: Managed>(&self, id: impl ToString, command: A::Command) {
        let envelope = Envelope::of_operator(self.tenant, "a test", RequestId::mint());
        self.api.engine.bus().send::<A>(&id.to_string(), command, envelope).await.unwrap();
    }

    async fn seller(&self, seller: SellerId, name: &str) {
        let subject = kernel::SubjectRef::derived(&[name]);
        let sealer = self.api.engine.sealer();
        let sealed = sealer.seal_for(self.tenant, subject, HOSTILE.as_bytes()).await.unwrap();
        let account = AccountRef(format!("acct_{name}"));
        let rank = FactRank { class: 0, created: 1, event: "evt_account".into() };
        let flags = AccountFlags {
            details_submitted: true,
            charges_enabled: true,
            payouts_enabled: true,
            transfers_active: true,
            disabled_reason: None,
            currently_due: vec![],
            current_deadline: None,
        };
        let register = SellerAccountCommand::Register {
            seller,
            reference: format!("{name}'s <i>kiln</i>"),
            subject,
            name: sealed,
            organizer: Some("spring fair".into()),
        };
        let onboarding = SellerAccountCommand::StartOnboarding { account: account.clone() };
        let ready = SellerAccountCommand::MergeStatus { account, flags, rank };
        for command in [register, onboarding, ready] {
            self.send::<SellerAccount>(seller, command).await;
        }
    }

    /// A key of this role.
    pub(crate) async fn key(&self, role: Role, seller: Option<SellerId>) -> KeySecret {
        self.key_with(role, seller, &[]).await
    }

    /// A partner's key with these scopes.
    pub(crate) async fn partner(&self, scopes: &[&str]) -> KeySecret {
        self.key_with(Role::Partner, None, scopes).await
    }

    async fn key_with(&self, role: Role, seller: Option<SellerId>, scopes: &[&str]) -> KeySecret {
        let key = KeyId::mint();
        let secret = KeySecret::draw(self.tenant, key, Mode::Sandbox).unwrap();
        let issue = ApiKeyCommand::Issue {
            key,
            name: "for a test".to_owned(),
            prefix: secret.hint(),
            hash: secret.hash(),
            role,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            seller,
            mode: Mode::Sandbox,
            rate_per_minute: 6000,
            expires_at: None,
        };
        self.send::<ApiKey>(key, issue).await;
        secret
    }

    /// A guest's paid order of one thing of Ada's and one of Ben's; its id and token.
    pub(crate) async fn guest_order(&self) -> (OrderId, String) {
        let admin = self.key(Role::PlatformAdmin, None).await;
        let line = |seller: SellerId, title: &str| {
            json!({
                "listing": "mug", "title": title, "seller": seller, "quantity": 1,
                "unit_price": 3000, "fee_bps": 1000,
                "amounts": { "list": 3000, "discount": 0, "item": 3000, "shipping": 0, "tax": 0,
                    "fee": 300, "seller_net": 2700, "total": 3000 },
            })
        };
        let order = json!({
            "reference": "R-1", "currency": "USD", "buyer": { "guest_email": "guest@example.com" },
            "lines": [line(self.ada, HOSTILE), line(self.ben, "A plain bowl")],
            "totals": { "goods": 6000, "discount": 0, "shipping": 0, "tax": 0, "total": 6000,
                "fee": 600, "seller_net": 5400 },
        });
        let request = TestRequest::post()
            .uri("/v1/orders")
            .insert_header(("Authorization", format!("Bearer {}", admin.reveal())))
            .set_json(order);
        let answer = self.call(request).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let placed: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let id: OrderId = placed["id"].as_str().unwrap().parse().unwrap();
        let confirm = OrderCommand::ConfirmPayment {
            payment: PaymentId::derived(&["p"]),
            charge: "ch_1".into(),
            received: Money::new(6000, Currency::USD),
            occurred_at: "2026-03-10T12:01:00Z".parse().unwrap(),
        };
        self.send::<Order>(id, confirm).await;
        self.settle().await;
        (id, placed["guest_token"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn settle(&self) {
        self.api.engine.settle(Duration::from_secs(20)).await.unwrap();
    }

    pub(crate) async fn call(&self, request: TestRequest) -> Answer {
        let app = App::new().app_data(self.api.clone()).configure(routes::configure);
        let app = test::init_service(app).await;
        let peer = "192.0.2.1:4000".parse().unwrap();
        let response = test::call_service(&app, request.peer_addr(peer).to_request()).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = String::from_utf8(test::read_body(response).await.to_vec()).unwrap();
        Answer { status, headers, body }
    }

    /// Opens a page with a key's session.
    pub(crate) async fn visit(&self, key: &KeySecret, path: &str) -> Answer {
        self.call(TestRequest::get().uri(path).insert_header(cookie(key))).await
    }

    /// Sends a form with a key's session.
    pub(crate) async fn submit(
        &self,
        key: &KeySecret,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        self.call(TestRequest::post().uri(path).insert_header(cookie(key)).set_form(form)).await
    }
}

fn cookie(key: &KeySecret) -> (&'static str, String) {
    ("Cookie", format!("daybook_session={}", key.reveal()))
}
