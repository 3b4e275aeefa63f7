//! One call: what is sent, what comes back, and which kind of failure it was.

use std::sync::{Mutex, PoisonError};

use aggregates::vocabulary::AccountRef;
use bytes::Bytes;
use engine::ports::{Listed, StripeCallError};
use serde::de::DeserializeOwned;
use stripe::{AccountId, IdempotencyKey, RequestStrategy, StripeError};
use stripe_client_core::{CustomizedStripeRequest, RequestBuilder, StripeClient, StripeMethod};

use super::StripeGateway;
use crate::objects::{Fault, Field, List, read};

/// Items per page; the most Stripe gives.
pub(super) const PAGE: i64 = 100;

/// Pages looked through for one answer. A tenant with more refunds of one charge, or payouts of one
/// account since then, does not exist; what is not found is tried again with the same key.
const PAGES_MAX: usize = 50;

/// Everything of a call beside its parameters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Call<'a> {
    pub(super) account: Option<&'a AccountRef>,
    /// Stripe's idempotency key; calls that change something have one.
    pub(super) key: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(super) const fn change(key: &'a str) -> Self {
        Self { account: None, key: Some(key) }
    }

    pub(super) const fn on(mut self, account: Option<&'a AccountRef>) -> Self {
        self.account = account;
        self
    }
}

/// Why a call failed, and whether it may have had its effect.
fn failure(error: &StripeError, changes: bool) -> StripeCallError {
    // A read has no effect that one could be in doubt about: it can simply be repeated.
    let unknown = |problem: String| {
        if changes {
            StripeCallError::Unknown(problem)
        } else {
            StripeCallError::Unavailable(problem)
        }
    };
    match error {
        StripeError::Stripe(reported, status) => {
            let message = reported.message.clone().unwrap_or_default();
            let code = reported.code.as_ref().map_or_else(
                || reported.type_.as_str().to_owned(),
                |code| code.as_str().to_owned(),
            );
            match *status {
                // Wrong key: an operator mends that. Conflict and rate limit: not accepted now.
                401 | 409 | 429 => {
                    StripeCallError::Unavailable(format!("{status} {code}: {message}"))
                }
                status if status >= 500 => unknown(format!("{status} {code}: {message}")),
                status => StripeCallError::Refused { code, message, status },
            }
        }
        // The one failure of the connection that certainly precedes sending.
        StripeError::ClientError(problem) if problem.contains("(Connect)") => {
            StripeCallError::Unavailable(problem.clone())
        }
        StripeError::ConfigError(problem) => StripeCallError::Unavailable(problem.clone()),
        StripeError::ClientError(problem) | StripeError::JSONDeserialize(problem) => {
            unknown(problem.clone())
        }
        StripeError::Timeout => unknown("no answer in time".to_owned()),
    }
}

/// An answer that lacks something essential. Whatever was asked for may have been done.
pub(super) fn unreadable(fault: &Fault) -> StripeCallError {
    StripeCallError::Unknown(format!("Stripe's answer cannot be used: {fault}"))
}

/// The same for an answer that was only to be read: it can be asked for again.
pub(super) fn unusable(fault: &Fault) -> StripeCallError {
    StripeCallError::Unavailable(format!("Stripe's answer cannot be used: {fault}"))
}

/// Keeps the bytes of an answer, so that they are read by us and not by the Stripe crate.
struct Tap<'a> {
    client: &'a stripe::Client,
    answer: &'a Mutex<Option<Bytes>>,
}

impl StripeClient for Tap<'_> {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let bytes = self.client.execute(request).await?;
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(Bytes::from_static(b"null"))
    }
}

impl StripeGateway {
    /// Makes a call and reads its answer.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        call: Call<'_>,
    ) -> Result<T, StripeCallError> {
        let changes = !matches!(request.method, StripeMethod::Get);
        let strategy = match call.key {
            None => RequestStrategy::Once,
            Some(key) => {
                RequestStrategy::Idempotent(IdempotencyKey::new(key).map_err(|error| {
                    StripeCallError::Refused {
                        code: "idempotency_key_invalid".to_owned(),
                        message: error.to_string(),
                        status: 400,
                    }
                })?)
            }
        };
        let mut request = request.customize::<()>().request_strategy(strategy);
        if let Some(account) = call.account {
            request = request.account_id(AccountId::from(account.as_str()));
        }
        let answer = Mutex::new(None);
        let sent = request.send(&Tap { client: &self.client, answer: &answer }).await;
        sent.map_err(|error| failure(&error, changes))?;
        let bytes = answer.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
        let answer = std::str::from_utf8(&bytes)
            .map_err(|error| Fault::new("body", error.to_string()))
            .and_then(read);
        let problem = if changes { unreadable } else { unusable };
        answer.map_err(|fault| problem(&fault))
    }

    /// One page of a list, and where it goes on.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        account: Option<&AccountRef>,
        id: impl Fn(&T) -> Option<&str>,
    ) -> Result<Listed<T>, StripeCallError> {
        let list: List<T> = self.call(request, Call::default().on(account)).await?;
        let last = list.data.last().and_then(id).map(str::to_owned);
        let next = if list.has_more { last } else { None };
        Ok(Listed { items: list.data, next })
    }

    /// The first item of a list, page by page, of which `pick` makes something.
    pub(super) async fn seek<T: DeserializeOwned, R>(
        &self,
        request: impl Fn(Option<String>) -> RequestBuilder,
        account: Option<&AccountRef>,
        id: impl Fn(&T) -> Option<&str> + Copy,
        mut pick: impl FnMut(T) -> Result<Option<R>, Fault>,
    ) -> Result<Option<R>, StripeCallError> {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(request(cursor), account, id).await?;
            for item in page.items {
                if let Some(found) = pick(item).map_err(|fault| unusable(&fault))? {
                    return Ok(Some(found));
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(None),
            }
        }
        // Saying "there is none" would invite a second try at something that may exist.
        Err(StripeCallError::Unavailable("the list is too long to be looked through".to_owned()))
    }
}

/// A text field, if it is there.
pub(super) fn text(field: &Field<String>) -> Option<&str> {
    field.get().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_never_in_doubt() {
        let timeout = StripeError::Timeout;
        assert!(matches!(failure(&timeout, true), StripeCallError::Unknown(_)));
        assert!(matches!(failure(&timeout, false), StripeCallError::Unavailable(_)));
    }

    #[test]
    fn no_connection_means_that_nothing_was_sent() {
        let refused = StripeError::ClientError("client error (Connect)".to_owned());
        assert!(matches!(failure(&refused, true), StripeCallError::Unavailable(_)));
        let broken = StripeError::ClientError("client error (SendRequest)".to_owned());
        assert!(matches!(failure(&broken, true), StripeCallError::Unknown(_)));
    }
}
