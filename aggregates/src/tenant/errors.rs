//! Why a tenant refuses.

use kernel::Timestamp;

/// Why a tenant refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum TenantError {
    #[error("there is no such tenant")]
    Unknown,
    #[error("a tenant with this id exists with other details")]
    AlreadyProvisioned,
    #[error("the tenant is suspended: {reason}")]
    Suspended { reason: String },
    #[error("the tenant is closed")]
    Closed,
    #[error("the policy is not possible: {problem}")]
    PolicyInvalid { problem: String },
    #[error("the policy was changed meanwhile; it is at version {current}")]
    StaleVersion { current: u32 },
    #[error("\"{zone}\" is not an IANA time zone, such as Europe/Berlin")]
    TimeZoneUnknown { zone: String },
    #[error("only a sandbox tenant has a test clock")]
    LiveHasNoTestClock,
    #[error("the test clock stands at {now}; it only moves forward")]
    ClockWouldGoBack { now: Timestamp },
    #[error("there is no secret named {name}")]
    SecretUnknown { name: String },
    #[error("\"{name}\" cannot be opened: write <class>:own:<path>, such as expenses:own:rent")]
    AccountNameInvalid { name: String },
    #[error("the tenant has an account {name} with other details, or has closed it")]
    AccountExists { name: String },
    #[error("the tenant has opened no account {name}")]
    AccountUnknown { name: String },
    #[error("at most two secrets per endpoint can be valid at once")]
    TooManySecrets,
}
