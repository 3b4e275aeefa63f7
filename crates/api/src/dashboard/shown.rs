//! Amounts, instants, states and references the way a person reads them. Each writes its own small
//! piece of HTML and escapes whatever did not come from us.

use std::fmt::{self, Display, Formatter, Write};

use askama::filters::{Html, HtmlSafe, escape};
use chrono_tz::Tz;
use kernel::{Currency, Money, Timestamp};

/// An amount with its currency. A negative one carries a minus sign, not only another colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Money);

impl Amount {
    /// Minor units of a currency.
    #[must_use]
    pub(crate) const fn of(minor: i64, currency: Currency) -> Self {
        Self(Money::new(minor, currency))
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub(crate) const fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// The digits, grouped by thousands, without the currency: `−1,234.50`.
    #[must_use]
    pub(crate) fn digits(&self) -> String {
        grouped(&self.0.amount_text())
    }

    /// What a form sends back: digits with a point and nothing else.
    #[must_use]
    pub(crate) fn plain(&self) -> String {
        self.0.amount_text()
    }
}

impl Display for Amount {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let class = match self.0.minor() {
            0 => "money zero",
            minor if minor < 0 => "money negative",
            _ => "money",
        };
        let (digits, currency) = (self.digits(), self.0.currency());
        write!(f, "<span class=\"{class}\">{digits}&nbsp;<abbr>{currency}</abbr></span>")
    }
}

impl HtmlSafe for Amount {}

/// Groups the whole digits of a decimal number by thousands and writes a true minus sign.
fn grouped(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut out = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// An instant, shown in the tenant's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The instant.
    pub(crate) instant: Timestamp,
    /// Where the reader is.
    pub(crate) zone: Tz,
}

impl When {
    /// An instant in a zone.
    #[must_use]
    pub(crate) const fn new(instant: Timestamp, zone: Tz) -> Self {
        Self { instant, zone }
    }
}

impl Display for When {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let local = self.instant.to_datetime().with_timezone(&self.zone);
        let shown = local.format("%-d %b %Y, %H:%M");
        write!(f, "<time datetime=\"{}\">{shown}</time>", self.instant)
    }
}

impl HtmlSafe for When {}

/// A time by which something must be done, and how long that is from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// The deadline.
    pub(crate) at: When,
    /// The present.
    pub(crate) now: Timestamp,
}

impl Due {
    /// How long it is, in the largest fitting unit: `in 3 days`, `2 hours ago`.
    #[must_use]
    pub(crate) fn distance(&self) -> String {
        let seconds = self.at.instant.unix_seconds() - self.now.unix_seconds();
        let length = seconds.unsigned_abs();
        let (count, unit) = match length {
            0..3600 => (length.div_ceil(60), "minute"),
            3600..172_800 => (length / 3600, "hour"),
            _ => (length / 86_400, "day"),
        };
        let plural = if count == 1 { "" } else { "s" };
        if seconds < 0 {
            format!("{count} {unit}{plural} ago")
        } else {
            format!("in {count} {unit}{plural}")
        }
    }

    /// Whether it is over, or nearly.
    #[must_use]
    pub(crate) fn presses(&self) -> bool {
        self.at.instant.unix_seconds() - self.now.unix_seconds() < 3 * 86_400
    }
}

impl Display for Due {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let class = if self.presses() { "due pressing" } else { "due" };
        write!(f, "<span class=\"{class}\">{} <span>({})</span></span>", self.at, self.distance())
    }
}

impl HtmlSafe for Due {}

/// How a state is to be taken by who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Done, and well.
    Good,
    /// Somebody waits for something.
    Waiting,
    /// It went wrong, or needs somebody.
    Bad,
    /// Neither.
    Plain,
}

/// A state in one or two words. A sign before it says what its colour says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) String);

impl Status {
    /// A stored word such as `needs_response`.
    #[must_use]
    pub(crate) fn of(word: impl Into<String>) -> Self {
        Self(word.into())
    }

    /// How it is to be taken.
    #[must_use]
    pub(crate) fn tone(&self) -> Tone {
        match self.0.as_str() {
            "paid" | "succeeded" | "won" | "completed" | "confirmed" | "delivered" | "ready"
            | "applied" | "settled" | "active" | "sale" | "prevented" | "paid_externally"
            | "warning_closed" | "payout" | "holds" | "cleared" => Tone::Good,
            "failed"
            | "lost"
            | "charged_back"
            | "reversed"
            | "conflicted"
            | "blocked"
            | "quarantined"
            | "dead_lettered"
            | "needs_response"
            | "warning_needs_response"
            | "chargeback"
            | "restricted"
            | "deauthorized"
            | "owed"
            | "unknown"
            | "refused"
            | "escalated"
            | "returned"
            | "lapsed"
            | "transfer_unknown"
            | "bank_unknown"
            | "bank_refused"
            | "quarantined_webhook"
            | "dead_lettered_webhook"
            | "unknown_outcome"
            | "refused_call"
            | "failed_payout"
            | "dispute_missed"
            | "owed_refund"
            | "conflicted_order"
            | "contradicted_transaction"
            | "disputed_link"
            | "violated" => Tone::Bad,
            "requested"
            | "pending"
            | "processing"
            | "awaiting"
            | "placed"
            | "reserved"
            | "submitted"
            | "approved"
            | "under_review"
            | "warning_under_review"
            | "parked"
            | "requires_action"
            | "in_transit"
            | "transfer_submitted"
            | "transfer_deferred"
            | "transferred"
            | "bank_submitted"
            | "sent"
            | "received"
            | "unpaid"
            | "onboarding"
            | "partly_shipped"
            | "shipped"
            | "unfulfilled"
            | "hold"
            | "dispute_to_answer"
            | "parked_webhook"
            | "escalated_refund" => Tone::Waiting,
            _ => Tone::Plain,
        }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (class, sign) = match self.tone() {
            Tone::Good => ("good", "\u{25CF}"),
            Tone::Waiting => ("waiting", "\u{25D0}"),
            Tone::Bad => ("bad", "\u{25B2}"),
            Tone::Plain => ("plain", "\u{25CB}"),
        };
        write!(f, "<span class=\"status {class}\"><span aria-hidden=\"true\">{sign}</span> ")?;
        escaped(f, &self.0.replace('_', " "))?;
        f.write_str("</span>")
    }
}

impl HtmlSafe for Status {}

/// The name of something, leading to its page where the reader may see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// What the reader calls it.
    pub(crate) label: String,
    /// Its full id, shown on hover.
    pub(crate) id: String,
    /// Its page.
    pub(crate) href: Option<String>,
}

impl Reference {
    /// A thing with an id of ours, shown shortened, on this page.
    #[must_use]
    pub(crate) fn to_page(id: impl Display, page: &str) -> Self {
        let id = id.to_string();
        Self { label: shortened(&id), href: Some(format!("{page}/{id}")), id }
    }

    /// A thing that has no page of its own.
    #[must_use]
    pub(crate) fn plain(id: impl Display) -> Self {
        let id = id.to_string();
        Self { label: shortened(&id), href: None, id }
    }

    /// Calls it by a name people use, where there is one.
    #[must_use]
    pub(crate) fn called(mut self, name: Option<&str>) -> Self {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            self.label = truncated(name);
        }
        self
    }
}

impl Display for Reference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.href {
            Some(href) => {
                f.write_str("<a href=\"")?;
                escaped(f, href)?;
                f.write_str("\" title=\"")?;
                escaped(f, &self.id)?;
                f.write_str("\">")?;
                escaped(f, &self.label)?;
                f.write_str("</a>")
            }
            None => {
                f.write_str("<span title=\"")?;
                escaped(f, &self.id)?;
                f.write_str("\">")?;
                escaped(f, &self.label)?;
                f.write_str("</span>")
            }
        }
    }
}

impl HtmlSafe for Reference {}

/// The first letters and the last eight characters of a long id; short ids whole.
#[must_use]
pub(crate) fn shortened(id: &str) -> String {
    match (id.split_once('_'), id.is_ascii()) {
        (Some((prefix, rest)), true) if rest.len() > 16 => {
            format!("{prefix}\u{2026}{}", &rest[rest.len() - 8..])
        }
        _ => id.to_owned(),
    }
}

/// Whole days of a calendar, `2026-03-01`, as people write them: `1 Mar`.
#[must_use]
pub(crate) fn day_label(day: &str) -> String {
    day.parse::<chrono::NaiveDate>()
        .map_or_else(|_| day.to_owned(), |date| date.format("%-d %b").to_string())
}

/// A name of any length, short enough for a table; the whole stands in the title.
fn truncated(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(NAME_CHARS_MAX - 1).collect();
    short.push('\u{2026}');
    short
}

const NAME_CHARS_MAX: usize = 32;

fn escaped(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    match escape(text, Html) {
        Ok(safe) => write!(f, "{safe}"),
        Err(never) => match never {},
    }
}

/// A part of a URL's query or path, percent-encoded.
#[must_use]
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64, code: &str) -> Amount {
        Amount::of(minor, code.parse().unwrap())
    }

    #[test]
    fn amounts_are_grouped_and_say_their_sign_and_currency() {
        assert_eq!(amount(123_456_789, "USD").digits(), "1,234,567.89");
        assert_eq!(amount(-100_000, "USD").digits(), "\u{2212}1,000.00");
        assert_eq!(amount(5000, "JPY").digits(), "5,000");
        assert_eq!(amount(-512, "KWD").digits(), "\u{2212}0.512");
        let html = amount(-5, "EUR").to_string();
        assert_eq!(
            html,
            "<span class=\"money negative\">\u{2212}0.05&nbsp;<abbr>EUR</abbr></span>"
        );
    }

    #[test]
    fn instants_are_shown_where_the_reader_is() {
        let instant: Timestamp = "2026-03-01T23:30:00Z".parse().unwrap();
        let shown = When::new(instant, Tz::Europe__Berlin).to_string();
        assert!(shown.contains("datetime=\"2026-03-01T23:30:00Z\""), "{shown}");
        assert!(shown.contains(">2 Mar 2026, 00:30<"), "{shown}");
    }

    #[test]
    fn a_deadline_says_how_far_it_is() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let due = |seconds| Due { at: When::new(now.plus_seconds(seconds), Tz::UTC), now };
        assert_eq!(due(5 * 86_400).distance(), "in 5 days");
        assert_eq!(due(3600).distance(), "in 1 hour");
        assert_eq!(due(-90).distance(), "2 minutes ago");
        assert!(due(86_400).presses() && due(-1).presses() && !due(4 * 86_400).presses());
    }

    #[test]
    fn hostile_words_stay_words() {
        let status = Status::of("<script>alert(1)</script>").to_string();
        assert!(!status.contains("<script"), "{status}");
        let reference = Reference::plain("x\" onclick=\"alert(1)").called(Some("<b>bold</b>"));
        let html = reference.to_string();
        assert!(!html.contains("<b>") && !html.contains("x\" onclick"), "{html}");
        assert_eq!(encoded("a b&c=\u{e9}"), "a%20b%26c%3D%C3%A9");
    }

    #[test]
    fn long_ids_are_shortened_and_short_ones_kept() {
        assert_eq!(shortened("ord_0123456789abcdef0123456789abcdef"), "ord\u{2026}89abcdef");
        assert_eq!(shortened("po_1abc"), "po_1abc");
        assert_eq!(shortened("R-1001"), "R-1001");
    }
}
