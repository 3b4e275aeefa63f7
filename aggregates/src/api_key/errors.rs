//! Why an API key refuses.

/// Why an API key refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ApiKeyError {
    #[error("there is no such key")]
    Unknown,
    #[error("a key with this id exists already")]
    AlreadyIssued,
    #[error("the key is revoked")]
    Revoked,
    #[error("\"{scope}\" is not a scope; scopes are {known}")]
    ScopeUnknown { scope: String, known: String },
    #[error("a {role} key needs a seller")]
    SellerNeeded { role: String },
    #[error("a {role} key is not for one seller")]
    SellerNotAllowed { role: String },
    #[error("a partner key needs at least one scope")]
    ScopesNeeded,
    #[error("the mode of the key must be the tenant's")]
    LivemodeMismatch,
    #[error("the key would expire before now")]
    ExpiryInThePast,
    #[error("at least one request per minute must be allowed")]
    RateInvalid,
}
