//! Read models in memory, for unit tests: the same promises as the stores, without a file.

use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    Checkpoint, Direction, Filter, ProjectionName, Query, RowWrite, TableDef, Value, Views,
    ViewsError, ViewsTransaction, field::Field,
};

type Rows = BTreeMap<Vec<Value>, Vec<Value>>;

#[derive(Debug)]
struct Version {
    name: String,
    tables: BTreeMap<&'static str, (&'static TableDef, Rows)>,
    checkpoint: Option<Checkpoint>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    versions: BTreeMap<String, Version>,
    live: BTreeMap<String, String>,
}

/// A [`Views`] that lives as long as the value.
#[derive(Default)]
pub struct MemoryViews(Mutex<State>);

impl MemoryViews {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, ViewsError> {
        // Every change is checked before it is made, so a panic elsewhere leaves nothing half done.
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(ViewsError::Unavailable("they are closed".to_owned()));
        }
        Ok(state)
    }
}

impl fmt::Debug for MemoryViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryViews").finish_non_exhaustive()
    }
}

impl State {
    fn version(&self, projection: &str) -> Result<&Version, ViewsError> {
        self.versions.get(projection).ok_or_else(|| ViewsError::UnknownName(projection.to_owned()))
    }

    fn prepare(&mut self, projection: &str, tables: &'static [TableDef]) -> Result<(), ViewsError> {
        let name = ProjectionName::parse(projection)?.name;
        for table in tables {
            table.check()?;
            let owner = self
                .versions
                .values()
                .find(|version| version.name != name && version.tables.contains_key(table.name));
            if let Some(owner) = owner {
                return Err(ViewsError::belongs_elsewhere(table, &owner.name));
            }
        }
        if let Some(known) = self.versions.get(projection) {
            let same = known.tables.len() == tables.len()
                && tables.iter().all(|table| {
                    known
                        .tables
                        .get(table.name)
                        .is_some_and(|(old, _)| old.fingerprint() == table.fingerprint())
                });
            return if same { Ok(()) } else { Err(ViewsError::declared_differently(projection)) };
        }
        let tables = tables.iter().map(|table| (table.name, (table, Rows::new()))).collect();
        let version = Version { name: name.to_owned(), tables, checkpoint: None };
        self.versions.insert(projection.to_owned(), version);
        Ok(())
    }

    fn apply(&mut self, transaction: ViewsTransaction) -> Result<(), ViewsError> {
        let ViewsTransaction { expected, checkpoint, writes } = transaction;
        let version = self
            .versions
            .get_mut(&checkpoint.projection)
            .ok_or_else(|| ViewsError::UnknownName(checkpoint.projection.clone()))?;
        let present = version.checkpoint.as_ref().map(|at| (at.position, at.event_id));
        if present != expected {
            return Err(ViewsError::CheckpointMoved { projection: checkpoint.projection });
        }
        let mut checked = Vec::new();
        for (name, writes) in writes {
            let (table, _) =
                version.tables.get(name).ok_or_else(|| ViewsError::UnknownName(name.to_owned()))?;
            for write in writes {
                checked.push((name, table.key_columns, table.write(write)?));
            }
        }
        for (name, key_columns, write) in checked {
            let Some((_, rows)) = version.tables.get_mut(name) else { continue };
            match write {
                RowWrite::Put(values) => {
                    let key = values.iter().take(key_columns).cloned().collect();
                    rows.insert(key, values);
                }
                RowWrite::Delete(key) => {
                    rows.remove(&key);
                }
            }
        }
        version.checkpoint = Some(checkpoint);
        Ok(())
    }

    fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        let (_, rows) = self
            .version(projection)?
            .tables
            .get(table.name)
            .ok_or_else(|| ViewsError::UnknownName(table.name.to_owned()))?;
        let mut found = Vec::new();
        for key in keys {
            found.extend(rows.get(&table.key_of(key)?).cloned());
        }
        Ok(found)
    }

    fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        let query = table.question(query)?;
        let owner = self
            .versions
            .values()
            .find(|version| version.tables.contains_key(table.name))
            .ok_or_else(|| ViewsError::UnknownName(table.name.to_owned()))?;
        let (_, rows) = self
            .live
            .get(&owner.name)
            .and_then(|live| self.versions.get(live)?.tables.get(table.name))
            .filter(|(stored, _)| stored.fingerprint() == table.fingerprint())
            .ok_or_else(|| ViewsError::still_being_built(table))?;
        let tenant = query.tenant.map(|tenant| tenant.to_value());
        let mut found = Vec::new();
        for row in rows.values() {
            if tenant.as_ref().is_some_and(|tenant| row.first() != Some(tenant)) {
                continue;
            }
            let mut holds = true;
            for filter in &query.filters {
                holds &= matches(table, row, filter)?;
            }
            if holds {
                found.push(row.clone());
            }
        }
        let mut order = Vec::new();
        for (column, direction) in table.order_of(&query) {
            order.push((table.place(column)?, direction));
        }
        found.sort_by(|left, right| {
            order.iter().fold(Ordering::Equal, |so_far, (place, direction)| {
                let next = left.get(*place).cmp(&right.get(*place));
                so_far.then(if *direction == Direction::Ascending { next } else { next.reverse() })
            })
        });
        found.truncate(query.limit);
        Ok(found)
    }

    fn make_live(
        &mut self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        let version = self.version(projection)?;
        if let Some(table) = tables.iter().find(|table| !version.tables.contains_key(table.name)) {
            return Err(ViewsError::UnknownName(table.name.to_owned()));
        }
        let name = version.name.clone();
        self.versions.retain(|key, version| version.name != name || key == projection);
        self.live.insert(name, projection.to_owned());
        Ok(())
    }

    fn discard(&mut self, projection: &str) {
        self.versions.remove(projection);
        self.live.retain(|_, live| live != projection);
    }
}

/// Whether a condition holds, as SQL has it: a comparison with nothing holds for nobody.
fn matches(table: &TableDef, row: &[Value], filter: &Filter) -> Result<bool, ViewsError> {
    let at = |column: &str| table.place(column).map(|place| row.get(place).unwrap_or(&Value::Null));
    let comparable = |left: &Value, right: &Value| *left != Value::Null && *right != Value::Null;
    Ok(match filter {
        Filter::Eq(column, value) => at(column)? == value,
        Filter::In(column, values) => values.contains(at(column)?),
        Filter::AtLeast(column, value) => {
            let found = at(column)?;
            comparable(found, value) && found >= value
        }
        Filter::Below(column, value) => {
            let found = at(column)?;
            comparable(found, value) && found < value
        }
        Filter::Prefix(column, prefix) => {
            at(column)?.as_text().is_some_and(|text| text.starts_with(prefix.as_str()))
        }
        Filter::Present(column) => *at(column)? != Value::Null,
        Filter::Beyond(columns, values, direction) => {
            let wanted = match direction {
                Direction::Ascending => Ordering::Greater,
                Direction::Descending => Ordering::Less,
            };
            for (column, value) in columns.iter().zip(values) {
                let found = at(column)?;
                if !comparable(found, value) {
                    return Ok(false);
                }
                let order = found.cmp(value);
                if order != Ordering::Equal {
                    return Ok(order == wanted);
                }
            }
            false
        }
    })
}

#[async_trait]
impl Views for MemoryViews {
    async fn prepare(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.state()?.prepare(projection, tables)
    }

    async fn apply(&self, transaction: ViewsTransaction) -> Result<(), ViewsError> {
        self.state()?.apply(transaction)
    }

    async fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, ViewsError> {
        let state = self.state()?;
        Ok(state.versions.get(projection).and_then(|version| version.checkpoint.clone()))
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewsError> {
        let state = self.state()?;
        Ok(state.versions.values().filter_map(|version| version.checkpoint.clone()).collect())
    }

    async fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        self.state()?.load(projection, table, keys)
    }

    async fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        self.state()?.select(table, query)
    }

    async fn make_live(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.state()?.make_live(projection, tables)
    }

    async fn live(&self, name: &str) -> Result<Option<String>, ViewsError> {
        Ok(self.state()?.live.get(name).cloned())
    }

    async fn discard(
        &self,
        projection: &str,
        _tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.state()?.discard(projection);
        Ok(())
    }

    async fn close(&self) {
        if let Ok(mut state) = self.state() {
            state.closed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryViews;

    async fn open() -> (MemoryViews, ()) {
        (MemoryViews::new(), ())
    }

    crate::views_contract!(open);
}
