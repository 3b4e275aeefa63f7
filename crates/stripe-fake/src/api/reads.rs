//! Requests that read.

use serde_json::{Value, json};

use super::listing::{created_matches, page};
use super::{ApiRequest, Method};
use crate::form::Parameters;
use crate::ledger::Owner;
use crate::refusal::Refusal;
use crate::state::State;

/// Kinds of objects with plain lists, the path that lists them, and the fields that filter them.
const LISTS: &[(&str, &str, &[&str])] = &[
    ("checkout/sessions", "checkout.session", &["payment_intent", "status", "customer"]),
    ("payment_intents", "payment_intent", &["customer"]),
    ("charges", "charge", &["payment_intent", "transfer_group", "customer"]),
    ("refunds", "refund", &["charge", "payment_intent"]),
    ("disputes", "dispute", &["charge", "payment_intent"]),
    ("transfers", "transfer", &["destination", "transfer_group"]),
    ("payouts", "payout", &["status", "destination"]),
    ("topups", "topup", &["status"]),
    ("application_fees", "application_fee", &["charge"]),
    ("customers", "customer", &["email"]),
    ("reviews", "review", &[]),
    ("radar/early_fraud_warnings", "radar.early_fraud_warning", &["charge", "payment_intent"]),
    ("reserve/holds", "reserve.hold", &["reason"]),
    ("reserve/releases", "reserve.release", &["reserve_hold"]),
];

impl State {
    /// Answers a `GET`.
    pub(crate) fn read(&self, request: &ApiRequest) -> Result<Value, Refusal> {
        let owner = request.owner();
        if let Some(account) = owner.account() {
            self.check_access(account)?;
        }
        let parameters = Parameters(&request.parameters);
        let segments = request.segments();
        let path = segments.join("/");
        let listed = LISTS.iter().find(|(listed, ..)| *listed == path);
        let mut answer = if let Some((_, kind, filters)) = listed {
            self.list(request, &owner, kind, filters)?
        } else {
            match segments.as_slice() {
                ["balance"] => self.balance_object(&owner),
                ["account"] => self.own_account(&owner)?,
                ["accounts"] => self.list_accounts(request)?,
                ["balance_transactions"] => self.list_transactions(request, &owner)?,
                ["events"] => self.list_events(request, &owner)?,
                ["balance_transactions", id] | ["balance", "history", id] => self
                    .ledger
                    .get(id)
                    .filter(|transaction| transaction.owner == owner)
                    .map(|transaction| transaction.render(self.clock))
                    .ok_or_else(|| Refusal::unknown("balance transaction", id))?,
                ["events", id] => self
                    .event(id)
                    .filter(|event| event.owner == owner)
                    .map(crate::event::Event::render)
                    .ok_or_else(|| Refusal::unknown("event", id))?,
                ["accounts", id] => {
                    self.check_access(id)?;
                    self.render(id).unwrap_or_default()
                }
                ["transfers", id, "reversals"] => {
                    self.list_children(request, &owner, "transfer", id, "transfer_reversal")?
                }
                ["application_fees", id, "refunds"] => {
                    self.list_children(request, &owner, "application_fee", id, "fee_refund")?
                }
                ["checkout", "sessions", id, "line_items"] => {
                    self.list_children(request, &owner, "checkout.session", id, "item")?
                }
                ["transfers", transfer, "reversals", id] => {
                    let stored = self.owned(&owner, "transfer_reversal", id)?;
                    if !stored.document.is("transfer", transfer) {
                        return Err(Refusal::unknown("transfer reversal", id));
                    }
                    stored.document.value()
                }
                _ => self.retrieve(request, &owner, &segments)?,
            }
        };
        self.expand(&mut answer, &parameters);
        Ok(answer)
    }

    fn retrieve(
        &self,
        request: &ApiRequest,
        owner: &Owner,
        segments: &[&str],
    ) -> Result<Value, Refusal> {
        let no_route = || Refusal::no_route(Method::Get.as_str(), &request.path);
        let (id, parent) = segments.split_last().ok_or_else(no_route)?;
        let parent = parent.join("/");
        let (_, kind, _) =
            LISTS.iter().find(|(listed, ..)| *listed == parent).ok_or_else(no_route)?;
        Ok(self.owned(owner, kind, id)?.document.value())
    }

    fn own_account(&self, owner: &Owner) -> Result<Value, Refusal> {
        match owner.account() {
            Some(account) => Ok(self.render(account).unwrap_or_default()),
            None => {
                let mut platform = crate::document::Document::template("account");
                platform.set("id", self.seed.id("acct", "platform", 0));
                platform.set("type", "standard");
                Ok(platform.value())
            }
        }
    }

    fn list(
        &self,
        request: &ApiRequest,
        owner: &Owner,
        kind: &'static str,
        filters: &[&str],
    ) -> Result<Value, Refusal> {
        let parameters = Parameters(&request.parameters);
        // Naming a parent spares a walk through everything of this kind.
        let parent = ["charge", "payment_intent"]
            .iter()
            .find_map(|field| parameters.text(field).filter(|_| filters.contains(field)));
        let ids = parent.map_or_else(|| self.listing(owner, kind), |parent| self.children(parent));
        let mut matching = Vec::new();
        for id in ids.iter().rev() {
            let Some(stored) = self.stored(id).filter(|stored| stored.kind == kind) else {
                continue;
            };
            let document = &stored.document;
            let fits = stored.owner == *owner
                && filters.iter().all(|field| {
                    parameters.text(field).is_none_or(|wanted| document.is(field, wanted))
                })
                && created_matches(&parameters, document.integer("created"))?;
            if fits {
                matching.push((id.clone(), document));
            }
        }
        page(&request.path, matching.into_iter(), &parameters, |document| document.value())
    }

    fn list_children(
        &self,
        request: &ApiRequest,
        owner: &Owner,
        parent_kind: &'static str,
        parent: &str,
        kind: &'static str,
    ) -> Result<Value, Refusal> {
        self.owned(owner, parent_kind, parent)?;
        let rows = self
            .children(parent)
            .iter()
            .rev()
            .filter_map(|id| Some((id.clone(), self.stored(id)?)))
            .filter(|(_, stored)| stored.kind == kind);
        page(&request.path, rows, &Parameters(&request.parameters), |stored| {
            stored.document.value()
        })
    }

    fn list_accounts(&self, request: &ApiRequest) -> Result<Value, Refusal> {
        let mut accounts: Vec<_> = self
            .all()
            .filter(|(id, stored)| stored.kind == "account" && self.check_access(id).is_ok())
            .collect();
        accounts.sort_by_key(|(_, stored)| std::cmp::Reverse(stored.document.integer("created")));
        let rows = accounts.into_iter().map(|(id, stored)| (id.clone(), stored));
        page(&request.path, rows, &Parameters(&request.parameters), |stored| {
            stored.document.value()
        })
    }

    fn list_transactions(&self, request: &ApiRequest, owner: &Owner) -> Result<Value, Refusal> {
        let parameters = Parameters(&request.parameters);
        let wanted = |field: &str, value: Option<&str>| {
            parameters.text(field).is_none_or(|wanted| value == Some(wanted))
        };
        let mut rows = Vec::new();
        for transaction in self.ledger.of(owner).rev() {
            if wanted("payout", transaction.payout.as_deref())
                && wanted("source", transaction.source.as_deref())
                && wanted("type", Some(transaction.kind))
                && wanted("currency", Some(&transaction.currency))
                && created_matches(&parameters, transaction.created)?
            {
                rows.push((transaction.id.clone(), transaction));
            }
        }
        page(&request.path, rows.into_iter(), &parameters, |transaction| {
            transaction.render(self.clock)
        })
    }

    fn list_events(&self, request: &ApiRequest, owner: &Owner) -> Result<Value, Refusal> {
        let parameters = Parameters(&request.parameters);
        let kinds: Vec<&str> = parameters.list("types").iter().filter_map(|v| v.as_str()).collect();
        let mut rows = Vec::new();
        for event in self.events.iter().rev().filter(|event| event.owner == *owner) {
            let delivered = match parameters.text("delivery_success") {
                Some("true") => event.acknowledged,
                Some("false") => !event.acknowledged,
                _ => true,
            };
            let kind =
                parameters.text("type").is_none_or(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => event.kind.starts_with(prefix),
                    None => event.kind == wanted,
                });
            let listed = kinds.is_empty() || kinds.contains(&event.kind.as_str());
            if delivered && kind && listed && created_matches(&parameters, event.created)? {
                rows.push((event.id.clone(), event));
            }
        }
        page(&request.path, rows.into_iter(), &parameters, crate::event::Event::render)
    }

    /// Replaces ids by their objects where the request asks for it.
    pub(super) fn expand(&self, answer: &mut Value, parameters: &Parameters<'_>) {
        for wish in parameters.list("expand").iter().filter_map(|wish| wish.as_str()) {
            let path: Vec<&str> = wish.split('.').collect();
            self.expand_path(answer, &path);
        }
    }

    fn expand_path(&self, node: &mut Value, path: &[&str]) {
        let Some((field, rest)) = path.split_first() else { return };
        if let Value::Array(rows) = node {
            for row in rows {
                self.expand_path(row, path);
            }
            return;
        }
        if *field == "line_items"
            && let Some(session) = node.get("id").and_then(Value::as_str)
        {
            let items: Vec<Value> = self
                .children(session)
                .iter()
                .filter_map(|id| self.stored(id))
                .filter(|stored| stored.kind == "item")
                .map(|stored| stored.document.value())
                .collect();
            let url = format!("/v1/checkout/sessions/{session}/line_items");
            node["line_items"] =
                json!({ "object": "list", "data": items, "has_more": false, "url": url });
            return;
        }
        let Some(child) = node.get_mut(*field) else { return };
        if let Some(object) = child.as_str().and_then(|id| self.render(id)) {
            *child = object;
        }
        self.expand_path(child, rest);
    }
}
