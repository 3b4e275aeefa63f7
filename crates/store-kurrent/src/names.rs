//! The names of streams: `category-tenant/id`, and beside them the streams of our own bookkeeping.

use kernel::{KeyRef, TenantId};
use store::StreamId;

/// No category contains a colon, so no stream of events is ever taken for bookkeeping or back.
const BOOKKEEPING: &str = "daybook:";

/// How the streams of one log are named.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Empty, or a word and a dot: a dot is in no category either.
    prefix: String,
}

impl Names {
    /// Names for the log with this prefix.
    pub(crate) fn new(prefix: Option<&str>) -> Result<Self, String> {
        let Some(prefix) = prefix.filter(|prefix| !prefix.is_empty()) else {
            return Ok(Self { prefix: String::new() });
        };
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(format!("the prefix {prefix} should be letters, digits and underscores"));
        }
        Ok(Self { prefix: format!("{prefix}.") })
    }

    /// The stream that an aggregate's events are in.
    pub(crate) fn events(&self, stream: &StreamId) -> String {
        format!("{}{stream}", self.prefix)
    }

    /// The aggregate whose events are in a stream, unless it is somebody else's or bookkeeping.
    pub(crate) fn parse(&self, name: &str) -> Option<StreamId> {
        let (category, rest) = name.strip_prefix(&self.prefix)?.split_once('-')?;
        let ours = !category.is_empty()
            && category.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let (tenant, id) = rest.split_once('/')?;
        let tenant: TenantId = tenant.parse().ok()?;
        ours.then(|| StreamId::new(category, tenant, id))
    }

    /// The sealing key that is in a stream, if one is.
    pub(crate) fn parse_sealing_key(&self, name: &str) -> Option<(TenantId, KeyRef)> {
        let rest = name.strip_prefix(&self.prefix)?.strip_prefix(BOOKKEEPING)?;
        let (tenant, key) = rest.strip_prefix("key-")?.split_once('/')?;
        Some((tenant.parse().ok()?, KeyRef(key.to_owned())))
    }

    pub(crate) fn log_id(&self) -> String {
        format!("{}{BOOKKEEPING}log", self.prefix)
    }

    pub(crate) fn sealing_key(&self, tenant: TenantId, key: &KeyRef) -> String {
        format!("{}{BOOKKEEPING}key-{tenant}/{}", self.prefix, key.0)
    }

    pub(crate) fn bookmark(&self, worker: &str) -> String {
        format!("{}{BOOKKEEPING}bookmark-{worker}", self.prefix)
    }

    pub(crate) fn snapshot(&self, stream: &StreamId) -> String {
        format!("{}{BOOKKEEPING}snapshot-{stream}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(id: &str) -> StreamId {
        StreamId::new("order_line", TenantId::derived(&["acme"]), id)
    }

    #[test]
    fn a_stream_is_found_by_its_name_whatever_its_id_contains() {
        for prefix in [None, Some("case_17")] {
            let names = Names::new(prefix).unwrap();
            for id in ["1", "1/1", "a-b", "\u{c4} .:", "$x"] {
                let stream = order(id);
                assert_eq!(names.parse(&names.events(&stream)), Some(stream));
            }
        }
    }

    #[test]
    fn strangers_and_bookkeeping_are_not_ours() {
        let (plain, mine) = (Names::new(None).unwrap(), Names::new(Some("mine")).unwrap());
        let tenant = TenantId::derived(&["acme"]);
        for name in [
            "$stats-127.0.0.1:2113".to_owned(),
            format!("$${}", plain.events(&order("1"))),
            "order-17".to_owned(),
            format!("Order-{tenant}/1"),
            "no dash".to_owned(),
            plain.log_id(),
            plain.bookmark("x-ten_0/1"),
            plain.snapshot(&order("1")),
            plain.sealing_key(tenant, &KeyRef("raw/1".to_owned())),
            mine.events(&order("1")),
        ] {
            assert_eq!(plain.parse(&name), None, "{name}");
        }
        assert_eq!(mine.parse(&plain.events(&order("1"))), None);
    }

    #[test]
    fn a_sealing_key_is_found_by_the_name_of_its_stream() {
        let tenant = TenantId::derived(&["acme"]);
        for prefix in [None, Some("mine")] {
            let names = Names::new(prefix).unwrap();
            let key = (tenant, KeyRef("body/evt-1/2".to_owned()));
            let stream = names.sealing_key(key.0, &key.1);
            assert_eq!(names.parse_sealing_key(&format!("$${stream}")), None, "its metadata");
            assert_eq!(names.parse_sealing_key(&stream), Some(key));
            assert_eq!(names.parse_sealing_key(&names.events(&order("1"))), None);
            assert_eq!(names.parse_sealing_key(&names.bookmark("key-1")), None);
        }
    }

    #[test]
    fn a_prefix_is_a_word() {
        assert!(Names::new(Some("a.b")).is_err());
        assert!(Names::new(Some("a-b")).is_err());
    }
}
