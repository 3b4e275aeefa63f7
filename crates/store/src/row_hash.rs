//! The state hash of a read model: a sum of row hashes that does not depend on any order.

use std::{fmt, iter::Sum, str::FromStr};

use sha2::{Digest, Sha256};

use crate::{TableDef, Value, ViewsError};

/// A 256-bit number: the hash of one row, or the sum modulo 2^256 of the hashes of many.
///
/// Adding and removing rows in any order gives the same sum, so a projection keeps its state hash
/// as it goes, and "rebuilt equals live" is one comparison. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RowHash([u64; 4]);

impl RowHash {
    /// The hash of no rows.
    pub const ZERO: Self = Self([0; 4]);

    /// SHA-256 over the table's name and the values of its hashed columns.
    ///
    /// The encoding, all numbers big-endian: the name as length (8 bytes) and bytes; the number of
    /// hashed columns (8 bytes); then each value as a tag byte (0 nothing, 1 number, 2 text)
    /// followed by the number (8 bytes, two's complement) or the text's length (8 bytes) and UTF-8
    /// bytes. No two rows have the same encoding.
    ///
    /// `values` are those of the table's columns, in their order, as [`crate::Table::to_values`]
    /// gives them.
    #[must_use]
    pub fn of(table: &TableDef, values: &[Value]) -> Self {
        let mut hash = Sha256::new();
        let hashed = table.columns.iter().filter(|column| column.hashed).count();
        hash.update((table.name.len() as u64).to_be_bytes());
        hash.update(table.name.as_bytes());
        hash.update((hashed as u64).to_be_bytes());
        for (column, value) in table.columns.iter().zip(values) {
            if !column.hashed {
                continue;
            }
            match value {
                Value::Null => hash.update([0]),
                Value::Int(number) => {
                    hash.update([1]);
                    hash.update(number.to_be_bytes());
                }
                Value::Text(text) => {
                    hash.update([2]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        Self::from_bytes(&digest)
    }

    /// The sum, modulo 2^256.
    #[must_use]
    pub fn wrapping_add(self, other: Self) -> Self {
        let mut sum = [0; 4];
        let mut carry = false;
        // The limbs are stored most significant first, so the carry runs backwards.
        for at in (0..4).rev() {
            let (partial, first) = self.0[at].overflowing_add(other.0[at]);
            let (whole, second) = partial.overflowing_add(u64::from(carry));
            sum[at] = whole;
            carry = first || second;
        }
        Self(sum)
    }

    /// The difference, modulo 2^256.
    #[must_use]
    pub fn wrapping_sub(self, other: Self) -> Self {
        let mut difference = [0; 4];
        let mut borrow = false;
        for at in (0..4).rev() {
            let (partial, first) = self.0[at].overflowing_sub(other.0[at]);
            let (whole, second) = partial.overflowing_sub(u64::from(borrow));
            difference[at] = whole;
            borrow = first || second;
        }
        Self(difference)
    }

    fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, part) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = part.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
        }
        Self(limbs)
    }
}

impl Sum for RowHash {
    fn sum<I: Iterator<Item = Self>>(hashes: I) -> Self {
        hashes.fold(Self::ZERO, Self::wrapping_add)
    }
}

impl fmt::Display for RowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

impl fmt::Debug for RowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RowHash {
    type Err = ViewsError;

    fn from_str(text: &str) -> Result<Self, ViewsError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| ViewsError::Corrupt(format!("\"{text}\" is not a state hash")))?;
        Ok(Self::from_bytes(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, ColumnType};

    const NOTES: TableDef = TableDef {
        name: "notes",
        comment: "Notes.",
        columns: &[
            Column { name: "tenant", kind: ColumnType::Text, comment: "Owner.", hashed: true },
            Column { name: "left", kind: ColumnType::Text, comment: "One half.", hashed: true },
            Column { name: "right", kind: ColumnType::Text, comment: "The other.", hashed: true },
            Column { name: "seen", kind: ColumnType::Integer, comment: "Where.", hashed: false },
        ],
        key_columns: 2,
        indexes: &[],
    };

    fn note(left: &str, right: &str, seen: i64) -> RowHash {
        let values = ["ten_1", left, right].map(Value::text);
        RowHash::of(&NOTES, &[&values[..], &[Value::Int(seen)]].concat())
    }

    #[test]
    fn the_sum_does_not_depend_on_the_order() {
        let rows = [note("a", "b", 0), note("c", "d", 0), note("e", "f", 0)];
        let forwards: RowHash = rows.into_iter().sum();
        let backwards: RowHash = rows.into_iter().rev().sum();
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.wrapping_sub(rows[1]), rows[0].wrapping_add(rows[2]));
    }

    #[test]
    fn sums_wrap_around_and_back() {
        let one: RowHash = format!("{:064x}", 1).parse().unwrap();
        let most: RowHash = "f".repeat(64).parse().unwrap();
        assert_eq!(most.wrapping_add(one), RowHash::ZERO);
        assert_eq!(RowHash::ZERO.wrapping_sub(one), most);
        let carried: RowHash = format!("{}{}", "0".repeat(48), "f".repeat(16)).parse().unwrap();
        let text = carried.wrapping_add(one).to_string();
        assert_eq!(text, format!("{}1{}", "0".repeat(47), "0".repeat(16)));
    }

    #[test]
    fn values_cannot_run_together() {
        assert_ne!(note("ab", "c", 0), note("a", "bc", 0));
        let with = |value: Value| {
            let values = [Value::text("ten_1"), Value::text("a"), value, Value::Null];
            RowHash::of(&NOTES, &values)
        };
        assert_ne!(with(Value::Null), with(Value::text("")));
        let renamed = TableDef { name: "memos", ..NOTES };
        assert_ne!(
            RowHash::of(&renamed, &[Value::Null, Value::Null, Value::Null, Value::Null]),
            RowHash::of(&NOTES, &[Value::Null, Value::Null, Value::Null, Value::Null]),
        );
    }

    #[test]
    fn columns_that_are_not_business_do_not_count() {
        assert_eq!(note("a", "b", 1), note("a", "b", 2));
    }

    #[test]
    fn the_encoding_is_the_published_one() {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&5_u64.to_be_bytes());
        bytes.extend_from_slice(b"notes");
        bytes.extend_from_slice(&3_u64.to_be_bytes());
        for text in ["ten_1", "a", "b"] {
            bytes.push(2);
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        assert_eq!(note("a", "b", 9).to_string(), hex::encode(Sha256::digest(&bytes)));
    }

    #[test]
    fn a_hash_reads_back_as_written() {
        let hash = note("a", "b", 0);
        assert_eq!(hash.to_string().parse::<RowHash>().unwrap(), hash);
        assert!("abc".parse::<RowHash>().is_err());
    }
}
