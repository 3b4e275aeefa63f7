//! Rows into a Parquet file, column by column and a row group at a time.

use std::{fs::File, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{
        ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
    },
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};

use crate::{
    BooksFault,
    schema::{AMOUNT_SCALE, Cell, Column, Kind},
};

const AMOUNT_BYTES: i32 = 16;
const AMOUNT_PRECISION: i32 = 38;

/// A Parquet file being written. It keeps the rows of one row group in memory.
pub(crate) struct Sheet<R: 'static> {
    columns: &'static [Column<R>],
    writer: SerializedFileWriter<File>,
    rows: Vec<R>,
    rows_per_group: usize,
}

impl<R> Sheet<R> {
    /// `facts` are written into the file for whoever wonders where it comes from.
    pub(crate) fn create(
        file: File,
        name: &str,
        columns: &'static [Column<R>],
        facts: Vec<(String, String)>,
        rows_per_group: usize,
    ) -> Result<Self, BooksFault> {
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        let schema = Type::group_type_builder(name).with_fields(fields).build()?;
        let facts = facts.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            // Not the library's version: the bytes are to depend on the rows only.
            .set_created_by("daybook".to_owned())
            .set_key_value_metadata(Some(facts))
            .build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { columns, writer, rows: Vec::new(), rows_per_group })
    }

    /// Adds rows; they are written when there are enough for a row group.
    pub(crate) fn add(&mut self, rows: impl IntoIterator<Item = R>) -> Result<(), BooksFault> {
        self.rows.extend(rows);
        if self.rows.len() >= self.rows_per_group { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the footer without which the file cannot be read.
    pub(crate) fn close(mut self) -> Result<File, BooksFault> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        Ok(self.writer.into_inner()?)
    }

    fn write_group(&mut self) -> Result<(), BooksFault> {
        let mut group = self.writer.next_row_group()?;
        for column in self.columns {
            let Some(mut out) = group.next_column()? else { break };
            write_column(&mut out, column, &self.rows)?;
            out.close()?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn field<R>(column: &Column<R>) -> Result<Arc<Type>, BooksFault> {
    let scale = i32::try_from(AMOUNT_SCALE).unwrap_or_default();
    let (physical, logical) = match column.kind {
        Kind::Integer => (Physical::INT64, None),
        Kind::Small => (Physical::INT32, None),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Kind::Instant => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
        Kind::Amount => {
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::decimal(scale, AMOUNT_PRECISION)))
        }
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let mut builder = Type::primitive_type_builder(column.name, physical)
        .with_repetition(repetition)
        .with_logical_type(logical);
    if column.kind == Kind::Amount {
        builder =
            builder.with_length(AMOUNT_BYTES).with_scale(scale).with_precision(AMOUNT_PRECISION);
    }
    Ok(Arc::new(builder.build()?))
}

fn write_column<R>(
    out: &mut SerializedColumnWriter<'_>,
    column: &Column<R>,
    rows: &[R],
) -> Result<(), BooksFault> {
    let cells: Vec<Option<Cell>> = rows.iter().map(column.cell).collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    if !column.optional && levels.contains(&0) {
        return Err(BooksFault::Row(format!("the column {} is empty in a row", column.name)));
    }
    let levels = column.optional.then_some(levels.as_slice());
    let there = cells.into_iter().flatten();
    match column.kind {
        Kind::Integer | Kind::Instant => {
            let values: Vec<i64> = there
                .filter_map(|cell| if let Cell::Integer(value) = cell { Some(value) } else { None })
                .collect();
            out.typed::<Int64Type>().write_batch(&values, levels, None)?;
        }
        Kind::Small | Kind::Day => {
            let values: Vec<i32> = there
                .filter_map(|cell| if let Cell::Small(value) = cell { Some(value) } else { None })
                .collect();
            out.typed::<Int32Type>().write_batch(&values, levels, None)?;
        }
        Kind::Text | Kind::Json => {
            let values: Vec<ByteArray> = there
                .filter_map(|cell| if let Cell::Text(value) = cell { Some(value) } else { None })
                .map(|text| ByteArray::from(text.into_bytes()))
                .collect();
            out.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
        }
        Kind::Amount => {
            let values: Vec<FixedLenByteArray> = there
                .filter_map(|cell| if let Cell::Amount(value) = cell { Some(value) } else { None })
                .map(|value| FixedLenByteArray::from(value.to_be_bytes().to_vec()))
                .collect();
            out.typed::<FixedLenByteArrayType>().write_batch(&values, levels, None)?;
        }
    }
    Ok(())
}
