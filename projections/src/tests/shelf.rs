//! A store of rows for tests: it loads exactly what a projection asked for.

use std::collections::BTreeMap;

use store::{RowHash, RowWrite, Table, TableDef, Value};

use super::story::Told;
use crate::{Projection, Rows, Wanted, Writes};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    pub(super) tables: BTreeMap<&'static str, BTreeMap<Vec<Value>, Vec<Value>>>,
    pub(super) hash: RowHash,
    pub(super) count: i64,
}

impl Shelf {
    /// Folds batches of so many events, loading the rows anew for every batch.
    pub(super) fn folded(projection: &dyn Projection, told: &[Told], batch: usize) -> Self {
        let mut shelf = Self::default();
        for events in told.chunks(batch) {
            let mut rows = Rows::new();
            let mut wanted = Wanted::new();
            for event in events {
                projection.keys(&event.occurrence(), &mut wanted);
            }
            for (table, keys) in wanted.take_missing(&rows) {
                let found = keys.iter().filter_map(|key| shelf.row(table, key)).collect();
                rows.load(table, keys, found);
            }
            for event in events {
                projection.fold(&event.occurrence(), &mut rows).unwrap();
            }
            shelf.take(projection, rows.take_writes().unwrap());
        }
        shelf
    }

    /// Folds everything from nothing, keeping the rows in memory.
    pub(super) fn rebuilt(projection: &dyn Projection, told: &[Told]) -> Self {
        let mut shelf = Self::default();
        let mut rows = Rows::from_nothing();
        for event in told {
            projection.fold(&event.occurrence(), &mut rows).unwrap();
            if event.recorded.position.0 % 11 == 0 {
                shelf.take(projection, rows.take_writes().unwrap());
            }
        }
        shelf.take(projection, rows.take_writes().unwrap());
        shelf
    }

    /// The rows of a table, in key order.
    pub(super) fn rows<T: Table>(&self) -> Vec<T> {
        let rows = self.tables.get(T::TABLE.name).into_iter().flat_map(BTreeMap::values);
        rows.map(|row| T::from_values(row.clone()).unwrap()).collect()
    }

    pub(super) fn hash_is_that_of_the_rows(&self, projection: &dyn Projection) {
        let mut hash = RowHash::ZERO;
        let mut count = 0;
        for table in projection.tables() {
            for row in self.tables.get(table.name).into_iter().flat_map(BTreeMap::values) {
                hash = hash.wrapping_add(RowHash::of(table, row));
                count += 1;
            }
        }
        assert_eq!((self.hash, self.count), (hash, count), "{}", projection.name());
    }

    fn row(&self, table: &TableDef, key: &[Value]) -> Option<Vec<Value>> {
        self.tables.get(table.name)?.get(key).cloned()
    }

    fn take(&mut self, projection: &dyn Projection, writes: Writes) {
        for (name, changes) in writes.rows {
            let table = projection.tables().iter().find(|table| table.name == name).unwrap();
            let stored = self.tables.entry(name).or_default();
            for change in changes {
                match table.write(change).unwrap() {
                    RowWrite::Put(row) => stored.insert(row[..table.key_columns].to_vec(), row),
                    RowWrite::Delete(key) => stored.remove(&key),
                };
            }
        }
        self.tables.retain(|_, rows| !rows.is_empty());
        self.hash = self.hash.wrapping_add(writes.hash);
        self.count += writes.count;
    }
}
