//! What a commit must look like before any log takes it; the logs share these checks, so that the
//! same mistake is the same typed error everywhere.

use serde::de::IgnoredAny;

use crate::{AppendError, Commit};

/// How large one commit may be unless a log is told otherwise, in bytes of payloads and metadata.
pub const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest command id, in bytes.
pub const COMMAND_ID_BYTES_MAX: usize = 512;

/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// The longest id of a stream, in bytes.
pub const STREAM_ID_BYTES_MAX: usize = 200;

const NAME_BYTES_MAX: usize = 200;

impl Commit {
    /// Its size in bytes: every payload, and the metadata once per event, as it is stored.
    #[must_use]
    pub fn size(&self) -> usize {
        let payloads: usize = self.events.iter().map(|event| event.payload.len()).sum();
        payloads.saturating_add(self.metadata.len().saturating_mul(self.events.len()))
    }

    /// Checks everything about a commit that can be known without looking at the log.
    ///
    /// # Errors
    /// [`AppendError::TooLarge`] and [`AppendError::Invalid`].
    pub fn check(&self, bytes_max: usize) -> Result<(), AppendError> {
        let size = self.size();
        if size > bytes_max {
            return Err(AppendError::TooLarge { size, limit: bytes_max });
        }
        self.check_names()?;
        if self.events.is_empty() {
            return Err(invalid("it has no events"));
        }
        for event in &self.events {
            name("an event type", &event.event_type, NAME_BYTES_MAX)?;
            name("an event version", &event.event_version, NAME_BYTES_MAX)?;
            json("the payload", &event.payload)?;
        }
        json("the metadata", &self.metadata)
    }

    fn check_names(&self) -> Result<(), AppendError> {
        let category = &self.stream.category;
        if category.is_empty()
            || category.len() > NAME_BYTES_MAX
            || !category.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            return Err(invalid(&format!(
                "the category \"{}\" should be lower-case letters and underscores",
                category.escape_debug()
            )));
        }
        name("the stream's id", &self.stream.id, STREAM_ID_BYTES_MAX)?;
        name("the command's id", &self.command_id, COMMAND_ID_BYTES_MAX)?;
        if let Some(idempotency) = &self.idempotency {
            name("the idempotency key", &idempotency.key, IDEMPOTENCY_KEY_BYTES_MAX)?;
        }
        for sealing in &self.sealing_keys {
            name("a sealing key's name", &sealing.key.0, NAME_BYTES_MAX)?;
            if sealing.tenant != self.stream.tenant {
                return Err(invalid("a sealing key belongs to another tenant"));
            }
        }
        Ok(())
    }
}

fn name(what: &str, text: &str, bytes_max: usize) -> Result<(), AppendError> {
    if text.is_empty() {
        return Err(invalid(&format!("{what} is empty")));
    }
    if text.len() > bytes_max {
        return Err(invalid(&format!("{what} is longer than {bytes_max} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(&format!("{what} contains a control character")));
    }
    Ok(())
}

/// Only the form is checked: numbers are never parsed, so that none can be refused or rounded.
fn json(what: &str, text: &str) -> Result<(), AppendError> {
    serde_json::from_str::<IgnoredAny>(text)
        .map(drop)
        .map_err(|error| invalid(&format!("{what} is not JSON: {error}")))
}

fn invalid(why: &str) -> AppendError {
    AppendError::Invalid(why.to_owned())
}
