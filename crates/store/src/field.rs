//! How a field of a row becomes a value of a column, and back.

use std::str::FromStr;

use kernel::{
    Currency, DisputeId, KeyId, OrderId, PaymentId, PayoutId, RefundId, RequestId, SellerId,
    SubjectRef, TenantId, Timestamp,
};
use uuid::Uuid;

use crate::{ColumnType, Position, TableDef, Value, ViewsError};

/// A type that a column can hold.
pub trait Field: Sized {
    /// What the column holds.
    const KIND: ColumnType;

    /// The value that is stored.
    ///
    /// What the column cannot hold (a `u64` above 2^63 - 1) becomes a text, which no column of
    /// numbers takes: the store then refuses the row, and nothing wrong is written.
    fn to_value(&self) -> Value;

    /// Reads a stored value.
    ///
    /// # Errors
    /// [`ViewsError::Corrupt`] when it is not what the column should hold.
    fn from_value(value: Value) -> Result<Self, ViewsError>;
}

fn corrupt(wanted: &str, found: &Value) -> ViewsError {
    ViewsError::Corrupt(match found {
        Value::Null => format!("{wanted} should be there, and nothing is"),
        Value::Int(number) => format!("{number} is not {wanted}"),
        Value::Text(text) => format!("\"{text}\" is not {wanted}"),
    })
}

impl Field for i64 {
    const KIND: ColumnType = ColumnType::Integer;

    fn to_value(&self) -> Value {
        Value::Int(*self)
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        value.as_int().ok_or_else(|| corrupt("a whole number", &value))
    }
}

impl Field for u64 {
    const KIND: ColumnType = ColumnType::Integer;

    fn to_value(&self) -> Value {
        i64::try_from(*self).map_or_else(|_| Value::text(self.to_string()), Value::Int)
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        value
            .as_int()
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| corrupt("a whole number from 0 up", &value))
    }
}

impl Field for u32 {
    const KIND: ColumnType = ColumnType::Integer;

    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        value
            .as_int()
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| corrupt("a whole number from 0 to 4294967295", &value))
    }
}

/// 0 or 1.
impl Field for bool {
    const KIND: ColumnType = ColumnType::Integer;

    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Null | Value::Int(_) | Value::Text(_) => Err(corrupt("0 or 1", &value)),
        }
    }
}

impl Field for String {
    const KIND: ColumnType = ColumnType::Text;

    fn to_value(&self) -> Value {
        Value::text(self.as_str())
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            Value::Null | Value::Int(_) => Err(corrupt("text", &value)),
        }
    }
}

impl<T: Field> Field for Option<T> {
    const KIND: ColumnType = T::KIND;

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Field::to_value)
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        match value {
            Value::Null => Ok(None),
            Value::Int(_) | Value::Text(_) => T::from_value(value).map(Some),
        }
    }
}

impl Field for Position {
    const KIND: ColumnType = ColumnType::Integer;

    fn to_value(&self) -> Value {
        self.0.to_value()
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        u64::from_value(value).map(Self)
    }
}

/// RFC 3339 in UTC with exactly three decimals, so that the order of texts is the order of time
/// (from the year 0 to the year 9999; instants outside are refused by the store).
impl Field for Timestamp {
    const KIND: ColumnType = ColumnType::Instant;

    fn to_value(&self) -> Value {
        Value::text(instant_text(*self))
    }

    fn from_value(value: Value) -> Result<Self, ViewsError> {
        value
            .as_text()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| corrupt("an instant in RFC 3339", &value))
    }
}

fn instant_text(instant: Timestamp) -> String {
    let mut text = instant.to_string();
    if !text.contains('.') && text.ends_with('Z') {
        text.pop();
        text.push_str(".000Z");
    }
    text
}

/// `None` for what is not an instant; `Some(None)` for one in its one spelling already;
/// `Some(Some(text))` with that spelling otherwise.
pub(crate) fn canonical_instant(text: &str) -> Option<Option<String>> {
    const PATTERN: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
    let matches = |text: &str| {
        text.len() == PATTERN.len()
            && text.bytes().zip(PATTERN).all(|(byte, pattern)| match pattern {
                b'0' => byte.is_ascii_digit(),
                separator => byte == *separator,
            })
    };
    let instant: Timestamp = text.parse().ok()?;
    if matches(text) {
        return Some(None);
    }
    let spelled = instant_text(instant);
    matches(&spelled).then_some(Some(spelled))
}

/// Makes types that are written with `Display` and read with `FromStr` (ids, enums with `strum`)
/// into fields of text.
///
/// ```
/// #[derive(Debug, PartialEq)]
/// enum Lane { Open, Closed }
/// # impl std::fmt::Display for Lane {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         f.write_str(match self { Self::Open => "open", Self::Closed => "closed" })
/// #     }
/// # }
/// # impl std::str::FromStr for Lane {
/// #     type Err = ();
/// #     fn from_str(text: &str) -> Result<Self, ()> {
/// #         match text { "open" => Ok(Self::Open), "closed" => Ok(Self::Closed), _ => Err(()) }
/// #     }
/// # }
/// store::text_field!(Lane);
/// assert_eq!(store::Field::to_value(&Lane::Open), store::Value::text("open"));
/// ```
#[macro_export]
macro_rules! text_field {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::Field for $type {
            const KIND: $crate::ColumnType = $crate::ColumnType::Text;

            fn to_value(&self) -> $crate::Value {
                $crate::Value::text(::std::string::ToString::to_string(self))
            }

            fn from_value(value: $crate::Value) -> ::std::result::Result<Self, $crate::ViewsError> {
                $crate::field::parse_text(value, ::std::stringify!($type))
            }
        }
    )+};
}

/// Reads a text field; for [`crate::text_field!`].
#[doc(hidden)]
pub fn parse_text<T: FromStr>(value: Value, wanted: &str) -> Result<T, ViewsError> {
    value
        .as_text()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| corrupt(&format!("a {wanted}"), &value))
}

text_field!(
    Currency, DisputeId, KeyId, OrderId, PaymentId, PayoutId, RefundId, RequestId, SellerId,
    SubjectRef, TenantId, Uuid
);

/// Takes the values of a row one by one; for [`crate::table!`].
#[doc(hidden)]
#[derive(Debug)]
pub struct RowReader {
    table: &'static TableDef,
    values: std::vec::IntoIter<Value>,
    place: usize,
}

impl RowReader {
    /// Starts with the first column.
    ///
    /// # Errors
    /// [`ViewsError::Corrupt`] when there are more or fewer values than columns.
    pub fn new(table: &'static TableDef, values: Vec<Value>) -> Result<Self, ViewsError> {
        if values.len() == table.columns.len() {
            return Ok(Self { table, values: values.into_iter(), place: 0 });
        }
        Err(ViewsError::Corrupt(format!(
            "a row of {} has {} values, not {}",
            table.name,
            values.len(),
            table.columns.len()
        )))
    }

    /// The next column.
    ///
    /// # Errors
    /// [`ViewsError::Corrupt`] with the column's name.
    pub fn take<T: Field>(&mut self) -> Result<T, ViewsError> {
        let place = self.place;
        self.place += 1;
        T::from_value(self.values.next().unwrap_or(Value::Null)).map_err(|error| match error {
            ViewsError::Corrupt(detail) => ViewsError::Corrupt(format!(
                "{}.{}: {detail}",
                self.table.name,
                self.table.columns.get(place).map_or("?", |column| column.name)
            )),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn survives<T: Field + PartialEq + Debug>(field: T) {
        let value = field.to_value();
        assert_eq!(T::from_value(value).unwrap(), field);
    }

    #[test]
    fn every_field_reads_back_as_written() {
        survives(i64::MIN);
        survives(u64::from(u32::MAX));
        survives(u32::MAX);
        survives(true);
        survives("Zoë's 100 % wool".to_owned());
        survives(Some(3_i64));
        survives(None::<String>);
        survives(TenantId::mint());
        survives(Currency::KWD);
        survives(Timestamp::from_millis(1_234_567_890_123));
        survives(Position(7));
        survives(Uuid::from_u128(7));
    }

    #[test]
    fn the_order_of_instants_is_the_order_of_their_texts() {
        let mut texts: Vec<String> = [-1, 0, 1, 999, 1000, 1_772_366_400_000, 253_402_300_799_999]
            .map(|millis| instant_text(Timestamp::from_millis(millis)))
            .to_vec();
        let in_time = texts.clone();
        texts.sort();
        assert_eq!(texts, in_time);
        assert!(texts.iter().all(|text| text.len() == 24), "{texts:?}");
    }

    #[test]
    fn an_instant_after_the_year_9999_is_not_spelled() {
        let late = Timestamp::from_millis(253_402_300_800_000);
        assert_eq!(canonical_instant(&instant_text(late)), None);
        assert_eq!(canonical_instant("2026-13-01T00:00:00.000Z"), None);
    }

    #[test]
    fn a_number_too_large_for_a_column_never_becomes_another_number() {
        assert_eq!(u64::MAX.to_value(), Value::text("18446744073709551615"));
        assert!(u64::from_value(Value::Int(-1)).is_err());
        assert!(u32::from_value(Value::Int(i64::MAX)).is_err());
        assert!(bool::from_value(Value::Int(2)).is_err());
    }
}
