//! What a table, a row and a question must look like before any store takes them.
//!
//! The three stores share these checks, so that a mistake in a question is the same typed error
//! everywhere and no store has to trust a name or a value.

use sha2::{Digest, Sha256};

use crate::{
    Column, ColumnType, Direction, Filter, Query, RowWrite, TableDef, Value, ViewsError,
    field::canonical_instant,
};

/// The most values one [`Filter::In`] takes; engines limit the number of bound values.
pub const IN_VALUES_MAX: usize = 10_000;

/// The longest name of a table, in bytes: PostgreSQL cuts names at 63, and the version and the
/// names of indexes need room.
pub const TABLE_NAME_BYTES_MAX: usize = 40;

/// A projection's versioned name, `seller_balances@3`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectionName<'a> {
    /// `seller_balances`.
    pub name: &'a str,
    /// `3`.
    pub version: u32,
}

impl<'a> ProjectionName<'a> {
    /// Takes a versioned name apart.
    ///
    /// # Errors
    /// [`ViewsError::Invalid`] when it is not a name, `@` and a number.
    pub fn parse(projection: &'a str) -> Result<Self, ViewsError> {
        projection
            .split_once('@')
            .filter(|(name, _)| is_name(name))
            .and_then(|(name, version)| {
                // Only the number's own spelling, so that two texts cannot mean one version.
                let number: u32 = version.parse().ok()?;
                (number.to_string() == version).then_some(Self { name, version: number })
            })
            .ok_or_else(|| {
                ViewsError::Invalid(format!(
                    "\"{projection}\" is not a projection's versioned name, such as earnings@1"
                ))
            })
    }

    /// The physical name of one of its tables: `seller_balances__3`.
    #[must_use]
    pub fn physical(&self, table: &TableDef) -> String {
        format!("{}__{}", table.name, self.version)
    }
}

/// Whether a text is a name for tables and columns: `[a-z][a-z0-9_]*` without a double underscore,
/// which separates a table's name from its version.
const fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || !bytes[0].is_ascii_lowercase() {
        return false;
    }
    let mut at = 1;
    while at < bytes.len() {
        let byte = bytes[at];
        if !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        if byte == b'_' && bytes[at - 1] == b'_' {
            return false;
        }
        at += 1;
    }
    true
}

const fn same(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Names that stores keep for their own bookkeeping and for the documentation of the tables.
const fn is_reserved(name: &str) -> bool {
    same(name, "columns")
        || same(name, "tables")
        || begins(name, "daybook_")
        || begins(name, "sqlite_")
        || begins(name, "pg_")
}

const fn begins(text: &str, prefix: &str) -> bool {
    let (text, prefix) = (text.as_bytes(), prefix.as_bytes());
    if text.len() < prefix.len() {
        return false;
    }
    let mut at = 0;
    while at < prefix.len() {
        if text[at] != prefix[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn place_of(columns: &[Column], name: &str) -> Option<usize> {
    let mut at = 0;
    while at < columns.len() {
        if same(columns[at].name, name) {
            return Some(at);
        }
        at += 1;
    }
    None
}

impl TableDef {
    /// What is wrong with the declaration, if anything. Works at compile time.
    #[must_use]
    pub const fn fault(&self) -> Option<&'static str> {
        if !is_name(self.name) || self.name.len() > TABLE_NAME_BYTES_MAX {
            return Some("a table's name is at most 40 of a-z, 0-9 and single underscores");
        }
        if is_reserved(self.name) {
            return Some("this table's name is kept for the store's own tables");
        }
        if self.columns.is_empty()
            || !same(self.columns[0].name, "tenant")
            || !matches!(self.columns[0].kind, ColumnType::Text)
        {
            return Some("the first column of a table is the text \"tenant\"");
        }
        if self.key_columns == 0 || self.key_columns > self.columns.len() {
            return Some("the key of a table is its first columns, at least the tenant");
        }
        let mut at = 0;
        while at < self.columns.len() {
            if !is_name(self.columns[at].name) {
                return Some("a column's name is made of a-z, 0-9 and single underscores");
            }
            if !matches!(place_of(self.columns, self.columns[at].name), Some(first) if first == at)
            {
                return Some("two columns have the same name");
            }
            at += 1;
        }
        let mut index = 0;
        while index < self.indexes.len() {
            if self.indexes[index].is_empty() {
                return Some("an index has no columns");
            }
            let mut part = 0;
            while part < self.indexes[index].len() {
                if place_of(self.columns, self.indexes[index][part]).is_none() {
                    return Some("an index names a column that the table does not have");
                }
                part += 1;
            }
            index += 1;
        }
        None
    }

    /// Refuses a wrong declaration when the program is compiled. [`crate::table!`] calls it.
    pub const fn assert_sound(&self) {
        if let Some(fault) = self.fault() {
            assert!(fault.is_empty(), "{}", fault);
        }
    }

    /// Refuses a wrong declaration.
    ///
    /// # Errors
    /// [`ViewsError::Invalid`].
    pub fn check(&self) -> Result<(), ViewsError> {
        self.fault()
            .map_or(Ok(()), |fault| Err(ViewsError::Invalid(format!("{}: {fault}", self.name))))
    }

    /// Where a column is.
    ///
    /// # Errors
    /// [`ViewsError::UnknownName`].
    pub fn place(&self, column: &str) -> Result<usize, ViewsError> {
        place_of(self.columns, column)
            .ok_or_else(|| ViewsError::UnknownName(format!("{}.{column}", self.name)))
    }

    /// The columns of the primary key.
    #[must_use]
    pub fn key(&self) -> &'static [Column] {
        self.columns.get(..self.key_columns).unwrap_or(self.columns)
    }

    /// A whole row, checked against the columns and with instants in their one spelling.
    ///
    /// # Errors
    /// [`ViewsError::Invalid`].
    pub fn row(&self, values: Vec<Value>) -> Result<Vec<Value>, ViewsError> {
        self.fitted(self.columns, values)
    }

    /// The values of a key, checked against the key columns.
    ///
    /// # Errors
    /// [`ViewsError::Invalid`].
    pub fn key_of(&self, values: Vec<Value>) -> Result<Vec<Value>, ViewsError> {
        self.fitted(self.key(), values)
    }

    /// A write, checked.
    ///
    /// # Errors
    /// [`ViewsError::Invalid`].
    pub fn write(&self, write: RowWrite) -> Result<RowWrite, ViewsError> {
        match write {
            RowWrite::Put(values) => self.row(values).map(RowWrite::Put),
            RowWrite::Delete(key) => self.key_of(key).map(RowWrite::Delete),
        }
    }

    fn fitted(
        &self,
        columns: &'static [Column],
        mut values: Vec<Value>,
    ) -> Result<Vec<Value>, ViewsError> {
        if values.len() != columns.len() {
            return Err(ViewsError::Invalid(format!(
                "{}: {} values for {} columns",
                self.name,
                values.len(),
                columns.len()
            )));
        }
        for (place, (column, value)) in columns.iter().zip(values.iter_mut()).enumerate() {
            if place < self.key_columns && *value == Value::Null {
                return Err(ViewsError::Invalid(format!(
                    "{}.{}: a key column is empty",
                    self.name, column.name
                )));
            }
            self.fit(column, value)?;
        }
        Ok(values)
    }

    fn fit(&self, column: &Column, value: &mut Value) -> Result<(), ViewsError> {
        let wanted = match (column.kind, &mut *value) {
            (_, Value::Null)
            | (ColumnType::Integer, Value::Int(_))
            | (ColumnType::Text, Value::Text(_)) => return Ok(()),
            (ColumnType::Instant, Value::Text(text)) => match canonical_instant(text) {
                Some(None) => return Ok(()),
                Some(Some(spelled)) => {
                    *value = Value::text(spelled);
                    return Ok(());
                }
                None => "an instant in RFC 3339",
            },
            (ColumnType::Integer, Value::Text(_)) => "a 64-bit whole number",
            (ColumnType::Text, Value::Int(_)) => "text",
            (ColumnType::Instant, Value::Int(_)) => "an instant in RFC 3339",
        };
        Err(ViewsError::Invalid(format!("{}.{}: should be {wanted}", self.name, column.name)))
    }

    /// A question, with every name and value checked and instants in their one spelling.
    ///
    /// # Errors
    /// [`ViewsError::UnknownName`] for a column that does not exist, [`ViewsError::Invalid`] for a
    /// value that the column cannot hold.
    pub fn question(&self, mut query: Query) -> Result<Query, ViewsError> {
        for (column, _) in &query.order {
            self.place(column)?;
        }
        for filter in &mut query.filters {
            match filter {
                Filter::Eq(name, value)
                | Filter::AtLeast(name, value)
                | Filter::Below(name, value) => self.fit(self.named(name)?, value)?,
                Filter::In(name, values) => {
                    if values.len() > IN_VALUES_MAX {
                        return Err(ViewsError::Invalid(format!(
                            "{}.{name}: one of {} values; at most {IN_VALUES_MAX} in one question",
                            self.name,
                            values.len()
                        )));
                    }
                    let column = self.named(name)?;
                    values.iter_mut().try_for_each(|value| self.fit(column, value))?;
                }
                Filter::Prefix(name, _) => {
                    if self.named(name)?.kind != ColumnType::Text {
                        return Err(ViewsError::Invalid(format!(
                            "{}.{name}: only text has a beginning",
                            self.name
                        )));
                    }
                }
                Filter::Present(name) => {
                    self.place(name)?;
                }
                Filter::Beyond(names, values, _) => {
                    if names.is_empty() || names.len() != values.len() {
                        return Err(ViewsError::Invalid(format!(
                            "{}: beyond {} values in {} columns",
                            self.name,
                            values.len(),
                            names.len()
                        )));
                    }
                    for (name, value) in names.iter().zip(values) {
                        self.fit(self.named(name)?, value)?;
                    }
                }
            }
        }
        Ok(query)
    }

    fn named(&self, column: &str) -> Result<&'static Column, ViewsError> {
        let place = self.place(column)?;
        self.columns
            .get(place)
            .ok_or_else(|| ViewsError::UnknownName(format!("{}.{column}", self.name)))
    }

    /// The order a question is answered in: what it asks for, then the key, in the direction last
    /// asked for, so that every answer has one order. `Null` comes before everything (and last
    /// when descending); text is ordered by its bytes.
    #[must_use]
    pub fn order_of(&self, query: &Query) -> Vec<(&'static str, Direction)> {
        let mut order = query.order.clone();
        let direction = order.last().map_or(Direction::Ascending, |(_, direction)| *direction);
        for column in self.key() {
            if !order.iter().any(|(name, _)| *name == column.name) {
                order.push((column.name, direction));
            }
        }
        order
    }

    /// SHA-256 over what makes stored rows readable by this declaration: names, types, key, and
    /// what counts for the state hash. Comments and indexes may change without a new version.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        part(self.name.as_bytes());
        part(&(self.key_columns as u64).to_be_bytes());
        for column in self.columns {
            part(column.name.as_bytes());
            part(column.kind.name().as_bytes());
            part(&[u8::from(column.hashed)]);
        }
        hex::encode(hash.finalize())
    }
}

impl ViewsError {
    /// The tables of a projection are declared differently from what is stored under its version.
    #[must_use]
    pub fn declared_differently(projection: &str) -> Self {
        Self::Invalid(format!(
            "the tables of {projection} are declared differently from the stored ones; raise the \
             projection's version"
        ))
    }

    /// A table belongs to the projection of another name.
    #[must_use]
    pub fn belongs_elsewhere(table: &TableDef, owner: &str) -> Self {
        Self::Invalid(format!("the table {} belongs to the projection {owner}", table.name))
    }

    /// No version of the table, as it is declared here, is live yet.
    #[must_use]
    pub fn still_being_built(table: &TableDef) -> Self {
        Self::Unavailable(format!("{} is still being built", table.name))
    }
}

impl ColumnType {
    /// The name of the type, as people read it beside the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Text => "text",
            Self::Instant => "instant",
        }
    }
}

/// The first text, by its bytes, that is after every text with this prefix; `None` if there is no
/// such text. The order of UTF-8 bytes is the order of characters.
#[must_use]
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column { name: "tenant", kind: ColumnType::Text, comment: "Owner.", hashed: true },
        Column { name: "due", kind: ColumnType::Instant, comment: "When.", hashed: true },
        Column { name: "amount", kind: ColumnType::Integer, comment: "Cents.", hashed: true },
    ];
    const TWICE: &[Column] = &[COLUMNS[0], COLUMNS[1], COLUMNS[1]];
    const BILLS: TableDef = TableDef {
        name: "bills",
        comment: "Bills.",
        columns: COLUMNS,
        key_columns: 1,
        indexes: &[&["tenant", "due"]],
    };

    #[test]
    fn a_versioned_name_has_one_spelling() {
        let name = ProjectionName::parse("seller_balances@12").unwrap();
        assert_eq!((name.name, name.version), ("seller_balances", 12));
        assert_eq!(name.physical(&BILLS), "bills__12");
        for wrong in ["bills", "bills@", "bills@01", "bills@+1", "Bills@1", "a__b@1", "x'@1"] {
            assert!(ProjectionName::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_declaration_is_named() {
        assert_eq!(BILLS.fault(), None);
        for (fault, def) in [
            ("name", TableDef { name: "bills__2", ..BILLS }),
            ("name", TableDef { name: "bills\"; drop", ..BILLS }),
            ("kept", TableDef { name: "columns", ..BILLS }),
            ("kept", TableDef { name: "daybook_rows", ..BILLS }),
            ("tenant", TableDef { columns: &[], ..BILLS }),
            ("key", TableDef { key_columns: 4, ..BILLS }),
            ("index", TableDef { indexes: &[&["paid"]], ..BILLS }),
            ("same name", TableDef { columns: TWICE, ..BILLS }),
        ] {
            assert!(def.fault().unwrap().contains(fault), "{fault}: {:?}", def.fault());
        }
    }

    #[test]
    fn a_row_has_the_columns_types_and_instants_in_one_spelling() {
        let row = |due: &str, amount: Value| {
            BILLS.row(vec![Value::text("ten_1"), Value::text(due), amount])
        };
        let stored = row("2026-03-01T13:00:00+01:00", Value::Int(1)).unwrap();
        assert_eq!(stored[1], Value::text("2026-03-01T12:00:00.000Z"));
        assert!(row("tomorrow", Value::Int(1)).is_err());
        assert!(row("2026-03-01T13:00:00Z", Value::text("1")).is_err());
        assert!(BILLS.row(vec![Value::text("ten_1")]).is_err());
        assert!(BILLS.row(vec![Value::Null, Value::Null, Value::Null]).is_err());
    }

    #[test]
    fn a_question_about_an_unknown_column_is_refused() {
        let tenant = kernel::TenantId::derived(&["a"]);
        let unknown = BILLS.question(Query::of(tenant).eq("paid", "x"));
        assert_eq!(unknown.unwrap_err(), ViewsError::UnknownName("bills.paid".to_owned()));
        let order = Query::of(tenant).order_by("rowid", Direction::Ascending);
        assert!(matches!(BILLS.question(order), Err(ViewsError::UnknownName(_))));
        let number = Query::of(tenant).eq("amount", "12");
        assert!(matches!(BILLS.question(number), Err(ViewsError::Invalid(_))));
    }

    #[test]
    fn comments_and_indexes_may_change_without_a_new_version() {
        let reworded = TableDef { comment: "Invoices.", indexes: &[], ..BILLS };
        assert_eq!(BILLS.fingerprint(), reworded.fingerprint());
        assert_ne!(BILLS.fingerprint(), TableDef { key_columns: 2, ..BILLS }.fingerprint());
    }

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
