//! Where streams end, remembered by the writer, who is the only one to move them.

use std::collections::HashMap;

use kernel::Timestamp;
use store::StreamId;

/// The end of one stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct StreamHead {
    /// The stream's number.
    pub(super) stream: i64,
    /// The version of its last event.
    pub(super) version: u64,
    /// When that was recorded.
    pub(super) recorded_at: Timestamp,
}

/// The ends of the streams used last, at most twice `GENERATION_MAX`.
///
/// Two generations: what is used moves into the younger one, and when that is full the older one is
/// forgotten. It costs one more look-up, and no list has to be kept in order.
#[derive(Debug, Default)]
pub(super) struct Heads {
    young: HashMap<StreamId, StreamHead>,
    old: HashMap<StreamId, StreamHead>,
}

const GENERATION_MAX: usize = 65_536;

impl Heads {
    pub(super) fn get(&self, stream: &StreamId) -> Option<StreamHead> {
        self.young.get(stream).or_else(|| self.old.get(stream)).copied()
    }

    pub(super) fn put(&mut self, stream: &StreamId, head: StreamHead) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = head;
            return;
        }
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream.clone(), head);
    }

    pub(super) fn forget_all(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use kernel::{TenantId, Timestamp};
    use store::StreamId;

    use super::{GENERATION_MAX, Heads, StreamHead};

    #[test]
    fn the_latest_end_is_remembered_and_memory_is_bounded() {
        let mut heads = Heads::default();
        let stream = |id: usize| StreamId::new("order", TenantId::default(), id.to_string());
        let head = |version| StreamHead { stream: 1, version, recorded_at: Timestamp::EPOCH };
        for id in 0..GENERATION_MAX {
            heads.put(&stream(id), head(1));
        }
        heads.put(&stream(GENERATION_MAX), head(1));
        heads.put(&stream(0), head(2));
        assert_eq!(heads.get(&stream(0)).unwrap().version, 2);
        assert_eq!(heads.get(&stream(1)).unwrap().version, 1);
        for id in 0..2 * GENERATION_MAX {
            heads.put(&stream(id), head(3));
        }
        assert!(heads.young.len() + heads.old.len() <= 2 * GENERATION_MAX);
        assert_eq!(heads.get(&stream(2 * GENERATION_MAX - 1)).unwrap().version, 3);
        heads.forget_all();
        assert!(heads.get(&stream(0)).is_none());
    }
}
