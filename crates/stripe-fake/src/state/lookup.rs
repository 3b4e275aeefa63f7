//! Finding objects: by id, by metadata, by the operation that made them, by their relatives.

use serde_json::Value;

use super::{State, Stored};
use crate::document::Document;
use crate::ledger::Owner;
use crate::operation::Target;
use crate::refusal::Refusal;

impl State {
    pub(crate) fn stored(&self, id: &str) -> Option<&Stored> {
        self.objects.get(id)
    }

    /// A copy of the object, or the answer that there is none.
    pub(super) fn document(&self, id: &str) -> Result<Document, Refusal> {
        self.objects
            .get(id)
            .map(|stored| stored.document.clone())
            .ok_or_else(|| Refusal::unknown("object", id))
    }

    /// The object of this kind that an owner may see.
    pub(crate) fn owned(
        &self,
        owner: &Owner,
        kind: &'static str,
        id: &str,
    ) -> Result<&Stored, Refusal> {
        self.objects
            .get(id)
            .filter(|stored| stored.owner == *owner && stored.kind == kind)
            .ok_or_else(|| Refusal::unknown(kind, id))
    }

    pub(super) fn owner_of(&self, id: &str) -> Owner {
        self.objects.get(id).map_or(Owner::Platform, |stored| stored.owner.clone())
    }

    /// The ids of an owner's objects of one kind, oldest first.
    pub(crate) fn listing(&self, owner: &Owner, kind: &'static str) -> &[String] {
        self.listings.get(&(owner.clone(), kind)).map_or(&[], Vec::as_slice)
    }

    /// The ids of the objects that name this one as their charge, intent, transfer or fee.
    pub(crate) fn children(&self, id: &str) -> &[String] {
        self.related.get(id).map_or(&[], Vec::as_slice)
    }

    /// All objects, in the order of their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Stored)> {
        self.objects.iter()
    }

    /// The objects that an operation created, oldest first.
    pub(crate) fn made_by(&self, key: &str) -> &[String] {
        self.made.get(key).map_or(&[], Vec::as_slice)
    }

    fn candidates(&self, target: &Target) -> Vec<String> {
        match target {
            Target::Id(id) => vec![id.clone()],
            Target::Metadata { key, value } => {
                self.tagged.get(&(key.clone(), value.clone())).cloned().unwrap_or_default()
            }
            Target::Made(key) => self.made_by(key).to_vec(),
        }
    }

    /// The latest object of this kind that the target names.
    pub(crate) fn find(&self, target: &Target, kind: &str) -> Result<String, Refusal> {
        self.candidates(target)
            .into_iter()
            .rev()
            .find(|id| self.objects.get(id).is_some_and(|stored| stored.kind == kind))
            .ok_or_else(|| Refusal::unknown(kind, &format!("{target:?}")))
    }

    /// The intent of the payment that the target names by session, intent or charge.
    pub(crate) fn find_intent(&self, target: &Target) -> Result<String, Refusal> {
        self.candidates(target)
            .iter()
            .rev()
            .find_map(|id| {
                let stored = self.objects.get(id)?;
                match stored.kind {
                    "payment_intent" => Some(id.clone()),
                    "charge" | "checkout.session" => stored.document.owned("payment_intent"),
                    _ => None,
                }
            })
            .ok_or_else(|| Refusal::unknown("payment_intent", &format!("{target:?}")))
    }

    /// The charge of the payment that the target names by session, intent or charge.
    pub(crate) fn find_charge(&self, target: &Target) -> Result<String, Refusal> {
        if let Target::Id(id) = target
            && self.objects.get(id).is_some_and(|stored| stored.kind == "charge")
        {
            return Ok(id.clone());
        }
        let intent = self.find_intent(target)?;
        self.objects
            .get(&intent)
            .and_then(|stored| stored.document.owned("latest_charge"))
            .ok_or_else(|| Refusal::unknown("charge", &intent))
    }

    /// Any object by its id as the API answers it: also balance transactions.
    pub(crate) fn render(&self, id: &str) -> Option<Value> {
        if let Some(transaction) = self.ledger.get(id) {
            return Some(transaction.render(self.clock));
        }
        self.objects.get(id).map(|stored| stored.document.value())
    }
}
