//! Values on their way into PostgreSQL and back: real types there, the one spelling here.

use chrono::{DateTime, Utc};
use kernel::Timestamp;
use sqlx::{
    Arguments, Encode, Postgres, Row, Type, ValueRef,
    encode::IsNull,
    error::BoxDynError,
    postgres::{
        PgArgumentBuffer, PgArguments, PgHasArrayType, PgRow, PgTypeInfo, PgValueFormat, PgValueRef,
    },
};
use store::{Column, ColumnType, Field, Value, ViewsError};

use super::errors::fault;

/// PostgreSQL counts microseconds from the year 2000.
const YEAR_2000_MILLIS: i64 = 946_684_800_000;
/// What the canonical spelling of an instant measures (`2026-03-01T12:00:00.000Z`).
const INSTANT_BYTES: usize = 24;

/// The SQL type of a column's values.
pub(super) const fn sql_type(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Integer => "bigint",
        ColumnType::Text => "text",
        ColumnType::Instant => "timestamptz",
    }
}

/// An instant, in PostgreSQL's microseconds.
#[derive(Debug, Clone, Copy)]
struct Instant(i64);

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        <DateTime<Utc> as Type<Postgres>>::type_info()
    }
}

impl PgHasArrayType for Instant {
    fn array_type_info() -> PgTypeInfo {
        DateTime::<Utc>::array_type_info()
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }
}

/// A text that PostgreSQL can hold.
fn text_of(value: &Value) -> Result<Option<&str>, ViewsError> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if text.as_bytes().contains(&0) => Err(ViewsError::Invalid(
            "a text has a zero byte, which PostgreSQL cannot store".to_owned(),
        )),
        Value::Text(text) => Ok(Some(text)),
        Value::Int(number) => Err(ViewsError::Invalid(format!("{number} is not a text"))),
    }
}

fn number_of(value: &Value) -> Result<Option<i64>, ViewsError> {
    match value {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(*number)),
        Value::Text(text) => Err(ViewsError::Invalid(format!("\"{text}\" is not a number"))),
    }
}

fn instant_of(value: &Value) -> Result<Option<Instant>, ViewsError> {
    let Some(text) = text_of(value)? else { return Ok(None) };
    let instant: Option<Timestamp> = text.parse().ok();
    instant
        .and_then(|instant| instant.millis().checked_sub(YEAR_2000_MILLIS)?.checked_mul(1_000))
        .map(|micros| Some(Instant(micros)))
        .ok_or_else(|| ViewsError::Invalid(format!("\"{text}\" is not an instant")))
}

fn collected<'a, T>(
    values: impl IntoIterator<Item = &'a Value>,
    convert: impl Fn(&'a Value) -> Result<Option<T>, ViewsError>,
) -> Result<Vec<Option<T>>, ViewsError> {
    values.into_iter().map(convert).collect()
}

fn added(result: Result<(), BoxDynError>) -> Result<(), ViewsError> {
    result.map_err(|error| ViewsError::Invalid(error.to_string()))
}

/// Binds one value of a column.
pub(super) fn bind(
    arguments: &mut PgArguments,
    kind: ColumnType,
    value: &Value,
) -> Result<(), ViewsError> {
    added(match kind {
        ColumnType::Integer => arguments.add(number_of(value)?),
        ColumnType::Text => arguments.add(text_of(value)?),
        ColumnType::Instant => arguments.add(instant_of(value)?),
    })
}

/// Binds many values of a column as one array.
pub(super) fn bind_all<'a>(
    arguments: &mut PgArguments,
    kind: ColumnType,
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<(), ViewsError> {
    added(match kind {
        ColumnType::Integer => arguments.add(collected(values, number_of)?),
        ColumnType::Text => arguments.add(collected(values, text_of)?),
        ColumnType::Instant => arguments.add(collected(values, instant_of)?),
    })
}

/// Binds texts of our own bookkeeping.
pub(super) fn texts(texts: &[&str]) -> Result<PgArguments, ViewsError> {
    let mut arguments = PgArguments::default();
    texts.iter().try_for_each(|text| added(arguments.add(*text)))?;
    Ok(arguments)
}

/// Binds rows (or keys) turned on their side: one array for each column.
pub(super) fn bind_rows(
    columns: &[Column],
    rows: &[Vec<Value>],
) -> Result<PgArguments, ViewsError> {
    let mut arguments = PgArguments::default();
    for (place, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| row.get(place).unwrap_or(&Value::Null));
        bind_all(&mut arguments, column.kind, values)?;
    }
    Ok(arguments)
}

/// The rows of those arrays, as SQL: `UNNEST($1::text[], $2::bigint[])`.
pub(super) fn unnested(columns: &[Column]) -> String {
    let arrays: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| format!("${}::{}[]", place + 1, sql_type(column.kind)))
        .collect();
    format!("UNNEST({})", arrays.join(", "))
}

/// The values of a stored row.
pub(super) fn values_of(row: &PgRow, columns: &[Column]) -> Result<Vec<Value>, ViewsError> {
    columns
        .iter()
        .enumerate()
        .map(|(place, column)| value_of(row.try_get_raw(place).map_err(fault)?, column))
        .collect()
}

fn value_of(stored: PgValueRef<'_>, column: &Column) -> Result<Value, ViewsError> {
    if stored.is_null() {
        return Ok(Value::Null);
    }
    let strange = |detail: String| ViewsError::Corrupt(format!("{}: {detail}", column.name));
    if column.kind == ColumnType::Text {
        return stored.as_str().map(Value::text).map_err(|error| strange(error.to_string()));
    }
    if stored.format() != PgValueFormat::Binary {
        return Err(strange("PostgreSQL answered in text".to_owned()));
    }
    let bytes = stored.as_bytes().map_err(|error| strange(error.to_string()))?;
    let number = <[u8; 8]>::try_from(bytes)
        .map(i64::from_be_bytes)
        .map_err(|_| strange(format!("{} bytes where 8 belong", bytes.len())))?;
    match column.kind {
        ColumnType::Integer | ColumnType::Text => Ok(Value::Int(number)),
        ColumnType::Instant => instant_value(number)
            .ok_or_else(|| strange("an instant that is never stored".to_owned())),
    }
}

/// The one spelling of an instant; `None` for one that has none (finer than a millisecond, after
/// the year 9999, infinity).
fn instant_value(micros: i64) -> Option<Value> {
    if micros % 1_000 != 0 {
        return None;
    }
    let millis = (micros / 1_000).checked_add(YEAR_2000_MILLIS)?;
    let value = Timestamp::from_millis(millis).to_value();
    value.as_text().is_some_and(|text| text.len() == INSTANT_BYTES).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_comes_back_in_its_one_spelling() {
        for text in [
            "0000-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2000-01-01T00:00:00.000Z",
            "2026-03-01T12:00:00.250Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            let micros = instant_of(&Value::text(text)).unwrap().unwrap();
            assert_eq!(instant_value(micros.0), Some(Value::text(text)));
        }
        for strange in [1, -1, i64::MAX, i64::MIN, 253_402_300_800_000_000] {
            assert_eq!(instant_value(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_text_with_a_zero_byte_is_refused() {
        assert!(matches!(text_of(&Value::text("a\0b")), Err(ViewsError::Invalid(_))));
    }
}
