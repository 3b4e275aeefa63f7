//! What each step means: a request to Daybook, or something that happens at Stripe.

use serde_json::{Value, json};

use super::client::{Ask, Who};
use super::notes::OrderIds;
use super::{DemoError, Driver, Refused};
use crate::api::{ApiAnswer, ApiRequest};
use crate::operation::{BarePayment, NewAccount, Operation, Target};
use crate::plan::{AccountStanding, Forget, Payment, PayoutSchedule};
use crate::scenario::{Action, Attribution, DisputeAnswer, RefundDecision, SellerSpec, Step};

/// Seconds a Checkout session of the storefront's own lives.
const SESSION_S: i64 = 3_600;

type Acted = Result<Option<Refused>, DemoError>;

impl Driver<'_> {
    /// Does one step; answers what stood in its way, if something did.
    pub(super) async fn act(&mut self, step: &Step) -> Acted {
        let key = step.key.as_str();
        match &step.action {
            Action::RegisterSeller { seller } => self.register_seller(key, seller).await,
            Action::PlaceOrder(_) => {
                let order = self.order(key).await?;
                Ok(order.is_none().then(|| missing("the order was not accepted")))
            }
            Action::AskForCheckout { .. }
            | Action::OpenSession { .. }
            | Action::CancelOrder { .. }
            | Action::Ship { .. }
            | Action::AmendTracking { .. }
            | Action::Deliver { .. }
            | Action::RequestRefund { .. }
            | Action::Pay { .. }
            | Action::PayDirectly { .. }
            | Action::LinkLate { .. } => self.act_on_order(step).await,
            Action::DecideRefund { refund, decision } => {
                self.decide_refund(key, refund, *decision).await
            }
            Action::AnswerDispute { dispute, answer } => {
                self.answer_dispute(key, dispute, *answer).await
            }
            Action::Attribute { payment, to } => self.attribute(key, payment, to).await,
            Action::ReturnMoney { payment } => self.return_money(key, payment).await,
            Action::RetryPayout { seller } => self.payout_work(key, seller, "retry").await,
            Action::ReversePayout { seller } => self.payout_work(key, seller, "reverse").await,
            Action::ConfirmBank { payout } => self.confirm_bank(key, payout).await,
            Action::NameTransfer { seller } => self.name_transfer(key, seller),
            Action::Stripe(operation) => Ok(self.happen(key, operation.clone())?),
        }
    }

    async fn act_on_order(&mut self, step: &Step) -> Acted {
        let key = step.key.as_str();
        let (Action::AskForCheckout { order }
        | Action::OpenSession { order }
        | Action::CancelOrder { order, .. }
        | Action::Ship { order, .. }
        | Action::AmendTracking { order, .. }
        | Action::Deliver { order, .. }
        | Action::RequestRefund { order, .. }
        | Action::Pay { order, .. }
        | Action::PayDirectly { order, .. }
        | Action::LinkLate { order, .. }) = &step.action
        else {
            return Ok(None);
        };
        let Some(ids) = self.order(order).await? else {
            return Ok(Some(missing("the order was not accepted")));
        };
        match &step.action {
            Action::OpenSession { .. } => self.open_session(step, order, &ids),
            Action::Pay { how, forget, .. } => self.pay(key, &ids, how, *forget),
            Action::PayDirectly { payment, .. } => self.pay_directly(key, &ids, payment),
            Action::LinkLate { payment, .. } => self.link_late(key, payment, &ids),
            Action::RequestRefund { line, amount, force, .. } => {
                self.request_refund(key, &ids.id, (*line, *amount, *force)).await
            }
            action => self.tell_order(key, &ids.id, action).await,
        }
    }

    /// Requests about an order whose answer nobody needs.
    async fn tell_order(&self, key: &str, order: &str, action: &Action) -> Acted {
        let (path, body) = match action {
            Action::AskForCheckout { .. } => (
                "checkout".to_owned(),
                json!({
                    "success_url": "https://shop.example/thanks",
                    "cancel_url": "https://shop.example/cart",
                }),
            ),
            Action::CancelOrder { lines, fee, .. } => {
                let mut body = json!({ "reason": "no longer available", "cancellation_fee": fee });
                if let Some(lines) = lines {
                    body["lines"] = json!(lines);
                }
                ("cancel".to_owned(), body)
            }
            Action::Ship { shipment, lines, .. } => {
                let lines: Vec<Value> = lines
                    .iter()
                    .map(|(line, quantity)| json!({ "line": line, "quantity": quantity }))
                    .collect();
                let body = json!({
                    "shipment": shipment, "lines": lines, "carrier": "Example Parcel",
                    "tracking": format!("EP{shipment}"),
                });
                ("shipments".to_owned(), body)
            }
            Action::AmendTracking { shipment, .. } => (
                format!("shipments/{shipment}/tracking"),
                json!({ "carrier": "Example Parcel", "tracking": format!("EP{shipment}-2") }),
            ),
            Action::Deliver { shipment, .. } => {
                (format!("shipments/{shipment}/delivery"), json!({ "how": "carrier" }))
            }
            _ => return Ok(None),
        };
        let ask = Ask::post(Who::Storefront, format!("/v1/orders/{order}/{path}"), body, key);
        self.daybook.ask(ask).await?;
        Ok(None)
    }

    async fn register_seller(&mut self, key: &str, seller: &str) -> Acted {
        let Some(spec) = self.spec(seller).cloned() else {
            return Ok(Some(missing("no such seller")));
        };
        let id = match self.notes.sellers.get(seller) {
            Some(id) => id.clone(),
            None => {
                let body = json!({ "reference": spec.key, "name": spec.name });
                let answer =
                    self.daybook.ask(Ask::post(Who::Admin, "/v1/sellers", body, key)).await?;
                let id = answer["id"].as_str().unwrap_or_default().to_owned();
                self.notes.seller(seller, id.clone())?;
                id
            }
        };
        let new = NewAccount {
            country: spec.country.clone(),
            currency: spec.currencies[0].clone(),
            email: Some(format!("{}@example.com", spec.key)),
            metadata: [("daybook_seller".to_owned(), id.clone())].into(),
            standing: AccountStanding::Ready,
            payouts: PayoutSchedule::Manual,
        };
        let account_key = crate::scenario::account_key(seller);
        if let Some(refused) = self.happen(&account_key, Operation::CreateAccount(new))? {
            return Ok(Some(refused));
        }
        let account = self.account(seller);
        let onboarding = format!("{key}/onboarding");
        let path = format!("/v1/sellers/{id}/onboarding");
        let body = json!({ "account": account });
        self.daybook.ask(Ask::post(Who::Admin, path, body, &onboarding)).await?;
        let schedule = format!("{key}/schedule");
        let path = format!("/v1/sellers/{id}/payout-schedule");
        let body = json!({
            "interval": { "weekly": 1 }, "minimum": 0, "automatic_bank": spec.automatic,
        });
        self.daybook.ask(Ask::put(Who::Finance, path, body, &schedule)).await?;
        Ok(None)
    }

    fn spec(&self, seller: &str) -> Option<&SellerSpec> {
        self.scenario.header.sellers.iter().find(|spec| spec.key == seller)
    }

    fn account(&self, seller: &str) -> String {
        self.fake.id_of("acct", &crate::scenario::account_key(seller))
    }

    /// Something happens at Stripe.
    fn happen(&self, key: &str, operation: Operation) -> Result<Option<Refused>, DemoError> {
        match self.fake.apply(key, operation) {
            Ok(_) => Ok(None),
            Err(crate::fake::OperationError::Journal(error)) => Err(error.into()),
            Err(error) => Ok(Some(error.into())),
        }
    }

    /// A request to Stripe that does not come from Daybook.
    fn call(&self, request: &ApiRequest) -> Result<Result<ApiAnswer, Refused>, DemoError> {
        let answer = self.fake.call(request)?;
        if answer.status < 300 {
            return Ok(Ok(answer));
        }
        let error = &answer.body["error"];
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        Ok(Err(Refused {
            step: String::new(),
            by: "stripe",
            code: text("code"),
            detail: text("message"),
        }))
    }

    fn open_session(&self, step: &Step, order: &str, ids: &OrderIds) -> Acted {
        let placed = self.steps.get(order).map(|placed| &placed.action);
        let Some(Action::PlaceOrder(planned)) = placed else {
            return Ok(Some(missing("no such order")));
        };
        let mut request = ApiRequest::post("/v1/checkout/sessions", "mode=payment");
        request.parameters = json!({
            "mode": "payment",
            "success_url": "https://shop.example/thanks",
            "expires_at": (step.at + SESSION_S).to_string(),
            "client_reference_id": ids.client_reference_id,
            "metadata": ids.metadata,
            "payment_intent_data": {
                "metadata": ids.metadata, "transfer_group": ids.transfer_group,
            },
            "line_items": [{
                "quantity": "1",
                "price_data": {
                    "currency": planned.currency,
                    "unit_amount": planned.totals.total.to_string(),
                    "product_data": { "name": format!("Order {}", planned.reference) },
                },
            }],
        });
        Ok(self.call(&request.key(format!("storefront/{}", step.key)))?.err())
    }

    fn pay(&self, key: &str, ids: &OrderIds, how: &Payment, forget: Forget) -> Acted {
        let pay = Operation::PaySession {
            session: Target::metadata("daybook_order", &ids.id),
            payment: how.clone(),
            forget,
        };
        self.happen(key, pay)
    }

    fn pay_directly(&self, key: &str, ids: &OrderIds, payment: &BarePayment) -> Acted {
        let mut payment = payment.clone();
        payment.metadata.extend(ids.metadata.clone());
        payment.transfer_group = Some(ids.transfer_group.clone());
        self.happen(key, Operation::Pay(payment))
    }

    fn link_late(&self, key: &str, payment: &str, ids: &OrderIds) -> Acted {
        let Some(charge) = self.fake.find_charge(&Target::made(payment)) else {
            return Ok(Some(missing("the payment was not made")));
        };
        let mut request = ApiRequest::post(format!("/v1/charges/{charge}"), "");
        request.parameters = json!({ "metadata": ids.metadata });
        Ok(self.call(&request.key(format!("storefront/{key}")))?.err())
    }

    /// Writes a note on the seller's oldest transfer.
    fn name_transfer(&self, key: &str, seller: &str) -> Acted {
        let mut list = ApiRequest::get("/v1/transfers");
        list.parameters = json!({ "destination": self.account(seller), "limit": "100" });
        let page = match self.call(&list)? {
            Ok(page) => page,
            Err(refused) => return Ok(Some(refused)),
        };
        let oldest = page.body["data"].as_array().and_then(|rows| rows.last());
        let Some(id) = oldest.and_then(|transfer| transfer["id"].as_str()) else {
            return Ok(Some(missing("nothing was transferred to this seller")));
        };
        let mut request = ApiRequest::post(format!("/v1/transfers/{id}"), "");
        request.parameters = json!({ "metadata": { "note": "first of the season" } });
        Ok(self.call(&request.key(format!("storefront/{key}")))?.err())
    }

    async fn request_refund(
        &mut self,
        key: &str,
        order: &str,
        (line, amount, force): (u16, Option<i64>, bool),
    ) -> Acted {
        let mut body = json!({ "line": line, "reason": "not as described", "force": force });
        if let Some(amount) = amount {
            body["amount"] = json!(amount);
        }
        let who = if force { Who::Finance } else { Who::Storefront };
        let path = format!("/v1/orders/{order}/refunds");
        let answer = self.daybook.ask(Ask::post(who, path, body, key)).await?;
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        if self.notes.refunds.get(key) != Some(&id) {
            self.notes.refund(key, id)?;
        }
        Ok(None)
    }

    async fn decide_refund(&mut self, key: &str, refund: &str, decision: RefundDecision) -> Acted {
        let Some(id) = self.refund(refund).await? else {
            return Ok(Some(missing("the refund was not accepted")));
        };
        let path = format!("/v1/refunds/{id}/{}", decision.as_str());
        let words = "decided in the demo month";
        let body = match decision {
            RefundDecision::Approve | RefundDecision::Decline => json!({ "note": words }),
            RefundDecision::PayExternally => json!({ "proof": format!("bank transfer {key}") }),
            RefundDecision::Withdraw | RefundDecision::Forgo => json!({ "reason": words }),
            RefundDecision::Retry => json!({}),
        };
        let who = match decision {
            RefundDecision::Withdraw => Who::Storefront,
            _ => Who::Finance,
        };
        self.daybook.ask(Ask::post(who, path.clone(), body.clone(), key)).await?;
        if decision == RefundDecision::Forgo {
            let second = format!("{key}/second");
            self.daybook.ask(Ask::post(Who::Admin, path, body, &second)).await?;
        }
        Ok(None)
    }

    async fn answer_dispute(&self, key: &str, dispute: &str, answer: DisputeAnswer) -> Acted {
        let stripe = self.fake.id_of("dp", dispute);
        let Some(id) =
            self.id_in_list("/v1/disputes", "stripe_dispute", &stripe, "dispute").await?
        else {
            return Ok(Some(missing("Daybook does not know the dispute")));
        };
        let (action, body) = match answer {
            DisputeAnswer::Note => ("notes", json!({ "note": "asked the seller for papers" })),
            DisputeAnswer::Evidence => {
                let fields = json!({ "uncategorized_text": "Delivered and signed for." });
                ("evidence", json!({ "fields": fields, "submit": true }))
            }
            DisputeAnswer::Accept => ("accept", json!({})),
        };
        let path = format!("/v1/disputes/{id}/{action}");
        self.daybook.ask(Ask::post(Who::Finance, path, body, key)).await?;
        Ok(None)
    }

    async fn payment_of(&self, payment: &str) -> Result<Option<String>, DemoError> {
        let Some(charge) = self.fake.find_charge(&Target::made(payment)) else { return Ok(None) };
        self.id_in_list("/v1/payments", "charge", &charge, "payment").await
    }

    async fn attribute(&mut self, key: &str, payment: &str, to: &Attribution) -> Acted {
        let Some(id) = self.payment_of(payment).await? else {
            return Ok(Some(missing("Daybook does not know the payment")));
        };
        let reason = "found in the storefront's records";
        let body = match to {
            Attribution::Order(order) => match self.order(order).await? {
                Some(ids) => json!({ "order": ids.id, "reason": reason }),
                None => return Ok(Some(missing("the order was not accepted"))),
            },
            Attribution::Seller { seller, seller_net, fee } => {
                let seller = self.notes.sellers.get(seller);
                let share = json!({ "seller": seller, "seller_net": seller_net, "fee": fee });
                json!({ "shares": [share], "reason": reason })
            }
        };
        let path = format!("/v1/payments/{id}/attribution");
        self.daybook.ask(Ask::post(Who::Finance, path, body, key)).await?;
        Ok(None)
    }

    async fn return_money(&self, key: &str, payment: &str) -> Acted {
        let Some(id) = self.payment_of(payment).await? else {
            return Ok(Some(missing("Daybook does not know the payment")));
        };
        let body = json!({ "reason": "nobody claims it" });
        let path = format!("/v1/payments/{id}/refunds");
        self.daybook.ask(Ask::post(Who::Finance, path, body, key)).await?;
        Ok(None)
    }

    /// Works on the seller's oldest payout that failed. Which one that is does not change later, so
    /// a repeat works on the same one.
    async fn payout_work(&self, key: &str, seller: &str, action: &str) -> Acted {
        let mut list = ApiRequest::get("/v1/payouts").on_account(self.account(seller));
        list.parameters = json!({ "status": "failed", "limit": "100" });
        let page = match self.call(&list)? {
            Ok(page) => page,
            Err(refused) => return Ok(Some(refused)),
        };
        let failed = page.body["data"].as_array().into_iter().flatten().rev();
        let id = failed.filter_map(|payout| payout["metadata"]["daybook_payout"].as_str()).next();
        let Some(id) = id else {
            return Ok(Some(missing("no payout of this seller has failed")));
        };
        let path = format!("/v1/payouts/{id}/{action}");
        self.daybook.ask(Ask::post(Who::Finance, path, json!({}), key)).await?;
        Ok(None)
    }

    async fn confirm_bank(&self, key: &str, payout: &str) -> Acted {
        let stripe = self.fake.id_of("po", payout);
        let Some(id) = self.id_in_list("/v1/payouts", "stripe_payout", &stripe, "payout").await?
        else {
            return Ok(Some(missing("Daybook does not know the payout")));
        };
        let path = format!("/v1/payouts/{id}/confirm-bank");
        let body = json!({ "reference": format!("statement {payout}") });
        self.daybook.ask(Ask::post(Who::Finance, path, body, key)).await?;
        Ok(None)
    }

    /// Our id of something, by Stripe's.
    async fn id_in_list(
        &self,
        list: &str,
        column: &str,
        stripe: &str,
        id: &str,
    ) -> Result<Option<String>, DemoError> {
        let rows = self.daybook.list(list).await?;
        let row = rows.iter().find(|row| row[column] == stripe);
        Ok(row.and_then(|row| row[id].as_str()).map(str::to_owned))
    }
}

fn missing(detail: &str) -> Refused {
    Refused { step: String::new(), by: "driver", code: "missing".into(), detail: detail.to_owned() }
}
