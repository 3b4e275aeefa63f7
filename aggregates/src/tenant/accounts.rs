//! Accounts a tenant opens for himself: `expenses:own:rent`. The chart's own accounts are the same
//! for everybody; these are an addition, and only manual adjustments post to them.

use kernel::Currency;
use serde::{Deserialize, Serialize};

use crate::vocabulary::Side;

/// The classes an account can be of.
const CLASSES: [&str; 5] = ["assets", "liabilities", "equity", "income", "expenses"];

/// An account a tenant has opened for himself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccount {
    /// `<class>:own:<path>`.
    pub name: String,
    /// The side on which it grows.
    pub normal_side: Side,
    /// The one currency it is in; `None` for any.
    pub currency: Option<Currency>,
    /// Whether its balance, on the normal side, may fall below zero.
    pub may_be_negative: bool,
    /// Whether a balance other than zero is unfinished business.
    pub must_return_to_zero: bool,
    /// What it is for.
    pub note: String,
}

impl OwnAccount {
    /// Whether the name is `<class>:own:<path>`.
    #[must_use]
    pub fn is_well_named(&self) -> bool {
        self.name.len() <= NAME_BYTES_MAX
            && self
                .name
                .split_once(":own:")
                .is_some_and(|(class, path)| CLASSES.contains(&class) && is_own_path(path))
    }
}

/// Longer names fit on no report.
const NAME_BYTES_MAX: usize = 120;

/// An account that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) account: OwnAccount,
    pub(super) is_open: bool,
}

/// Whether a text may follow `<class>:own:`: parts of a-z, 0-9 and inner hyphens, by colons.
#[must_use]
pub fn is_own_path(path: &str) -> bool {
    path.split(':').all(|part| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    })
}
