//! What stands behind the question mark of a page's address.

use std::collections::BTreeMap;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use futures::future::{Ready, ready};

use super::shown::encoded;
use crate::{extract::After, problem::Problem, state::Api};

/// The parameters of a page. Unknown ones are left alone: an address may be typed by hand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// One of them, if it says anything.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One of them that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// The same with one changed, from the first page on and without what was just done.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut changed = self.0.clone();
        for passing in ["cursor", "done", "after"] {
            changed.remove(passing);
        }
        if value.is_empty() {
            changed.remove(name);
        } else {
            changed.insert(name.to_owned(), value.to_owned());
        }
        Self(changed)
    }

    /// The same without these.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let mut changed = self.0.clone();
        changed.retain(|name, _| !names.contains(&name.as_str()));
        Self(changed)
    }

    /// All of them, by name.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        self.0.clone().into_iter()
    }

    /// Waits until the read models know what the visitor has just done.
    ///
    /// # Errors
    /// 503 if they do not in time.
    pub(crate) async fn wait(&self, api: &Api) -> Result<(), Problem> {
        After { after: self.number("after") }.wait(api).await
    }
}

impl FromRequest for Parameters {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = web::Query::<BTreeMap<String, String>>::from_query(request.query_string());
        // An address that cannot be read asks for nothing in particular.
        ready(Ok(Self(query.map(web::Query::into_inner).unwrap_or_default())))
    }
}

/// An address with its parameters.
pub(crate) fn link(path: &str, parameters: &Parameters) -> String {
    let mut address = path.to_owned();
    for (place, (name, value)) in parameters.0.iter().enumerate() {
        address.push(if place == 0 { '?' } else { '&' });
        address.push_str(&encoded(name));
        address.push('=');
        address.push_str(&encoded(value));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters(pairs.collect())
    }

    #[test]
    fn a_filter_begins_at_the_first_page() {
        let now = parameters(&[("cursor", "x"), ("done", "approved"), ("days", "7")]);
        assert_eq!(link("/a", &now.with("currency", "EUR")), "/a?currency=EUR&days=7");
        assert_eq!(link("/a", &now.with("days", "")), "/a");
    }

    #[test]
    fn what_stands_in_an_address_is_encoded() {
        let hostile = parameters(&[]).with("status", "\"><script>&x=1");
        assert_eq!(link("/a", &hostile), "/a?status=%22%3E%3Cscript%3E%26x%3D1");
    }
}
