//! What goes wrong, as a page: the same problems as the API's, for people.

use std::fmt;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload, http::StatusCode,
};
use futures::future::LocalBoxFuture;
use store::{LogError, ViewsError};

use super::{
    frame::{page, see_other},
    views::ProblemPage,
};
use crate::{extract::Caller, problem::Problem};

/// A problem that a person reads in a browser.
#[derive(Debug)]
pub(crate) struct Trouble {
    problem: Box<Problem>,
    back: Option<String>,
}

impl Trouble {
    /// Where the way back leads; the dashboard unless it is said.
    pub(crate) fn back_to(mut self, address: impl Into<String>) -> Self {
        self.back = Some(address.into());
        self
    }

    pub(crate) fn fault(detail: impl Into<String>) -> Self {
        Problem::fault(detail).into()
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Problem::malformed(detail).into()
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Problem::not_found(what).into()
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), back: None }
    }
}

impl From<ViewsError> for Trouble {
    fn from(error: ViewsError) -> Self {
        Problem::from(error).into()
    }
}

impl From<LogError> for Trouble {
    fn from(error: LogError) -> Self {
        Problem::from(error).into()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl ResponseError for Trouble {
    fn status_code(&self) -> StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        if status == StatusCode::UNAUTHORIZED {
            return see_other("/login");
        }
        if status.is_server_error() {
            tracing::error!(
                code = self.problem.code,
                detail = self.problem.detail,
                "a page failed"
            );
        }
        let mut answer = page(status, &self.page());
        if let Some(seconds) = self.problem.retry_after {
            answer.headers_mut().insert(actix_web::http::header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

impl Trouble {
    fn page(&self) -> ProblemPage {
        let mut title = self.problem.title.clone();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        // What went wrong inside is in the log; a visitor gets no addresses and file names.
        let detail = if self.problem.status == 500 {
            "Something went wrong on our side. It has been recorded.".to_owned()
        } else {
            self.problem.detail.clone()
        };
        ProblemPage {
            status: self.problem.status,
            title,
            detail,
            code: self.problem.code.clone(),
            back: self.back.clone().unwrap_or_else(|| "/dashboard".to_owned()),
        }
    }
}

/// Somebody who has logged in. Whoever has not is led to the login.
#[derive(Debug, Clone)]
pub(crate) struct Visitor(pub(crate) Caller);

impl FromRequest for Visitor {
    type Error = Trouble;
    type Future = LocalBoxFuture<'static, Result<Self, Trouble>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { Ok(Self(caller.await?)) })
    }
}
