//! The rows a projection works on: loaded or known to be absent, changed in memory, written once.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap, HashSet},
};

use store::{RowHash, RowWrite, Table, TableDef, Value};

use super::FoldError;

/// Rows that a batch will need, by table and key.
#[derive(Debug, Default)]
pub struct Wanted {
    keys: BTreeMap<&'static str, (&'static TableDef, HashSet<Vec<Value>>)>,
}

impl Wanted {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the row with this key (values of the key columns, `tenant` first).
    pub fn row<T: Table>(&mut self, key: Vec<Value>) {
        let table = const { &T::TABLE };
        self.keys.entry(table.name).or_insert_with(|| (table, HashSet::new())).1.insert(key);
    }

    /// What has to be loaded because `rows` does not hold it, table by table; empties the set.
    pub fn take_missing(&mut self, rows: &Rows) -> Vec<(&'static TableDef, Vec<Vec<Value>>)> {
        std::mem::take(&mut self.keys)
            .into_values()
            .map(|(table, keys)| {
                let missing = keys.into_iter().filter(|key| !rows.is_loaded(table, key)).collect();
                (table, missing)
            })
            .filter(|(_, missing): &(_, Vec<_>)| !missing.is_empty())
            .collect()
    }
}

/// What a batch changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Rows to write, by table; each key at most once.
    pub rows: BTreeMap<&'static str, Vec<RowWrite>>,
    /// What to add to the state hash: hashes of the new rows less those of the old.
    pub hash: RowHash,
    /// By how many rows the tables grew (or shrank).
    pub count: i64,
}

impl Writes {
    fn note(&mut self, table: &'static str, write: RowWrite) {
        self.rows.entry(table).or_default().push(write);
    }
}

/// Typed rows, held between loading and writing. May be kept from batch to batch as a cache: after
/// [`Rows::take_writes`] it holds what is stored.
#[derive(Default)]
pub struct Rows {
    /// A projection has a few tables; finding one among them needs no map.
    tables: Tables,
    loaded: HashMap<&'static str, HashMap<Vec<Value>, Option<Vec<Value>>>>,
    complete: bool,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("held", &self.len()).finish_non_exhaustive()
    }
}

impl Rows {
    /// Holds nothing; every row must be loaded before it is read.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For a rebuild from the first event: what is not held does not exist, and nothing has to be
    /// loaded until [`Rows::forget`].
    #[must_use]
    pub fn from_nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Whether every row may be read without loading anything.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the row may be read: it is held, or known to be absent.
    #[must_use]
    pub fn is_loaded(&self, table: &TableDef, key: &[Value]) -> bool {
        self.complete
            || self.held(table.name).is_some_and(|held| held.holds(key))
            || self.loaded.get(table.name).is_some_and(|rows| rows.contains_key(key))
    }

    /// Takes the answer to a load: rows `found` for the `keys` asked for; a key without a row is
    /// known to be absent. Rows that are held already stay as they are.
    pub fn load(&mut self, table: &TableDef, keys: Vec<Vec<Value>>, found: Vec<Vec<Value>>) {
        let name = table.name;
        let columns = table.key_columns;
        let held = self.tables.iter().find(|(known, _)| *known == name).map(|(_, held)| held);
        let rows = self.loaded.entry(name).or_default();
        for key in keys {
            if !held.is_some_and(|held| held.holds(&key)) {
                rows.entry(key).or_insert(None);
            }
        }
        for row in found {
            let key = row.get(..columns).unwrap_or_default().to_vec();
            if !held.is_some_and(|held| held.holds(&key)) {
                rows.insert(key, Some(row));
            }
        }
    }

    /// The row with this key.
    ///
    /// # Errors
    /// [`FoldError::NotLoaded`] when nobody asked for it.
    pub fn get<T: Table>(&mut self, key: Vec<Value>) -> Result<Option<&T>, FoldError> {
        let (typed, place) = self.slot::<T>(key)?;
        Ok(typed.slots[place].row.as_ref())
    }

    /// The row with this key, to be changed, if it exists.
    ///
    /// # Errors
    /// [`FoldError::NotLoaded`] when nobody asked for it.
    pub fn update<T: Table>(&mut self, key: Vec<Value>) -> Result<Option<&mut T>, FoldError> {
        let (typed, place) = self.slot::<T>(key)?;
        if typed.slots[place].row.is_some() {
            typed.touch(place);
        }
        Ok(typed.slots[place].row.as_mut())
    }

    /// The row with this key, to be changed; made by `new` if it does not exist.
    ///
    /// # Errors
    /// [`FoldError::NotLoaded`] when nobody asked for it.
    pub fn upsert<T: Table>(
        &mut self,
        key: Vec<Value>,
        new: impl FnOnce() -> T,
    ) -> Result<&mut T, FoldError> {
        let (typed, place) = self.slot::<T>(key)?;
        typed.touch(place);
        Ok(typed.slots[place].row.get_or_insert_with(new))
    }

    /// Writes the row, whatever was there.
    ///
    /// # Errors
    /// [`FoldError::NotLoaded`] when nobody asked for it.
    pub fn put<T: Table>(&mut self, row: T) -> Result<(), FoldError> {
        let (typed, place) = self.slot::<T>(row.key_values())?;
        typed.touch(place);
        typed.slots[place].row = Some(row);
        Ok(())
    }

    /// Removes the row with this key, if it exists.
    ///
    /// # Errors
    /// [`FoldError::NotLoaded`] when nobody asked for it.
    pub fn delete<T: Table>(&mut self, key: Vec<Value>) -> Result<(), FoldError> {
        let (typed, place) = self.slot::<T>(key)?;
        if typed.slots[place].row.is_some() {
            typed.touch(place);
            typed.slots[place].row = None;
        }
        Ok(())
    }

    /// Adds a row under a key that cannot exist yet (it holds the event's position). It is neither
    /// loaded nor kept.
    pub fn append<T: Table>(&mut self, row: &T) {
        table::<T>(&mut self.tables).appended.push(row.to_values());
    }

    /// What has changed since the last call. Afterwards the rows are taken to be stored.
    ///
    /// # Errors
    /// [`FoldError::KeyChanged`] when a row was put under a key that is not its own.
    pub fn take_writes(&mut self) -> Result<Writes, FoldError> {
        let mut writes = Writes::default();
        for (_, held) in &mut self.tables {
            held.take(&mut writes)?;
        }
        Ok(writes)
    }

    /// How many rows are held, or known to be absent.
    #[must_use]
    pub fn len(&self) -> usize {
        let held: usize = self.tables.iter().map(|(_, held)| held.len()).sum();
        held + self.loaded.values().map(HashMap::len).sum::<usize>()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets go of everything that is written already, so that memory stays bounded. What is needed
    /// again has to be loaded again.
    pub fn forget(&mut self) {
        self.complete = false;
        self.loaded.clear();
        for (_, held) in &mut self.tables {
            held.forget();
        }
    }

    /// The rows of a table that are held now, in no order. All of them, for a fold from the first
    /// event that has let go of nothing.
    pub fn held_rows<T: Table>(&self) -> impl Iterator<Item = &T> {
        self.held(T::TABLE.name)
            .and_then(|held| held.as_any().downcast_ref::<Typed<T>>())
            .into_iter()
            .flat_map(|typed| typed.slots.iter().filter_map(|slot| slot.row.as_ref()))
    }

    /// For a fold that is never written: takes every change as it is, and lets go of what is known
    /// to be absent, which is absent anyhow when everything there is is held.
    pub fn keep_only_rows(&mut self) {
        if self.complete {
            for (_, held) in &mut self.tables {
                held.keep_only_rows();
            }
        }
    }

    fn held(&self, name: &str) -> Option<&dyn Held> {
        self.tables.iter().find(|(known, _)| *known == name).map(|(_, held)| &**held)
    }

    /// The table of this row type, and the place of the row with this key in it.
    fn slot<T: Table>(&mut self, key: Vec<Value>) -> Result<(&mut Typed<T>, usize), FoldError> {
        let name = T::TABLE.name;
        let typed = table::<T>(&mut self.tables);
        if let Some(place) = typed.places.get(&key) {
            let place = *place;
            return Ok((typed, place));
        }
        let found = self.loaded.get_mut(name).and_then(|rows| rows.remove(&key));
        let row = match found {
            Some(Some(values)) => Some(T::from_values(values)?),
            Some(None) => None,
            None if self.complete => None,
            None => return Err(FoldError::NotLoaded { table: name, key: shown(&key) }),
        };
        let place = typed.hold(key, row);
        Ok((typed, place))
    }
}

type Tables = Vec<(&'static str, Box<dyn Held>)>;

fn table<T: Table>(tables: &mut Tables) -> &mut Typed<T> {
    let name = T::TABLE.name;
    let place = tables.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        tables.push((name, Box::new(Typed::<T>::default())));
        tables.len() - 1
    });
    let held = &mut tables[place].1;
    // One table has one row type, so this never replaces anything.
    if !held.any().is::<Typed<T>>() {
        *held = Box::new(Typed::<T>::default());
    }
    match held.any().downcast_mut::<Typed<T>>() {
        Some(typed) => typed,
        None => unreachable!("the table was made for this row type above"),
    }
}

fn shown(key: &[Value]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|value| match value {
            Value::Null => "-".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Text(text) => text.to_string(),
        })
        .collect();
    parts.join(" / ")
}

/// A row in memory, and what is stored of it.
struct Slot<T> {
    key: Vec<Value>,
    row: Option<T>,
    /// The hash of what is stored, once it was needed; `None` inside when nothing is stored.
    stored: Option<Option<RowHash>>,
    dirty: bool,
}

struct Typed<T> {
    /// Where the row of a key is in `slots`.
    places: HashMap<Vec<Value>, usize>,
    slots: Vec<Slot<T>>,
    /// The places of changed rows.
    dirty: Vec<usize>,
    appended: Vec<Vec<Value>>,
}

impl<T> Default for Typed<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), slots: Vec::new(), dirty: Vec::new(), appended: Vec::new() }
    }
}

impl<T: Table> Typed<T> {
    /// Holds what is stored under a key.
    fn hold(&mut self, key: Vec<Value>, row: Option<T>) -> usize {
        let place = self.slots.len();
        self.places.insert(key.clone(), place);
        let stored = if row.is_some() { None } else { Some(None) };
        self.slots.push(Slot { key, row, stored, dirty: false });
        place
    }

    /// Before the first change: remembers the hash of what is stored.
    fn touch(&mut self, place: usize) {
        let slot = &mut self.slots[place];
        if slot.dirty {
            return;
        }
        if slot.stored.is_none() {
            let hash = |row: &T| RowHash::of(const { &T::TABLE }, &row.to_values());
            slot.stored = Some(slot.row.as_ref().map(hash));
        }
        slot.dirty = true;
        self.dirty.push(place);
    }
}

/// A table whose row type is forgotten.
trait Held: Send + Sync {
    fn any(&mut self) -> &mut dyn Any;
    fn as_any(&self) -> &dyn Any;
    fn holds(&self, key: &[Value]) -> bool;
    fn len(&self) -> usize;
    fn take(&mut self, writes: &mut Writes) -> Result<(), FoldError>;
    fn forget(&mut self);
    fn keep_only_rows(&mut self);
}

impl<T: Table> Held for Typed<T> {
    fn any(&mut self) -> &mut dyn Any {
        self
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn holds(&self, key: &[Value]) -> bool {
        self.places.contains_key(key)
    }

    fn len(&self) -> usize {
        self.slots.len()
    }

    fn take(&mut self, writes: &mut Writes) -> Result<(), FoldError> {
        let table = const { &T::TABLE };
        for values in self.appended.drain(..) {
            writes.hash = writes.hash.wrapping_add(RowHash::of(table, &values));
            writes.count += 1;
            writes.note(table.name, RowWrite::Put(values));
        }
        for place in self.dirty.drain(..) {
            let slot = &mut self.slots[place];
            slot.dirty = false;
            let old = slot.stored.flatten();
            let values = slot.row.as_ref().map(Table::to_values);
            let new = values.as_ref().map(|values| RowHash::of(table, values));
            slot.stored = Some(new);
            if let Some(hash) = old {
                writes.hash = writes.hash.wrapping_sub(hash);
                writes.count -= 1;
            }
            if let Some(hash) = new {
                writes.hash = writes.hash.wrapping_add(hash);
                writes.count += 1;
            }
            match values {
                Some(values) if values.get(..table.key_columns) == Some(slot.key.as_slice()) => {
                    writes.note(table.name, RowWrite::Put(values));
                }
                Some(_) => {
                    return Err(FoldError::KeyChanged { table: table.name, key: shown(&slot.key) });
                }
                None if old.is_some() => {
                    writes.note(table.name, RowWrite::Delete(slot.key.clone()));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.slots.retain(|slot| slot.dirty);
        self.places.clear();
        self.dirty.clear();
        for (place, slot) in self.slots.iter().enumerate() {
            self.places.insert(slot.key.clone(), place);
            self.dirty.push(place);
        }
    }

    fn keep_only_rows(&mut self) {
        self.appended.clear();
        self.dirty.clear();
        self.slots.retain(|slot| slot.row.is_some());
        self.places.clear();
        for (place, slot) in self.slots.iter_mut().enumerate() {
            slot.dirty = false;
            slot.stored = None;
            self.places.insert(slot.key.clone(), place);
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::*;
    use crate::projection::key;

    store::table! {
        /// A counter.
        struct Counter as "counters" {
            key {
                /// Owner.
                tenant: TenantId,
                /// Its name.
                name: String,
            }
            /// How often.
            count: i64,
        }
    }

    const TENANT: &str = "acorn";

    fn counter(name: &str, count: i64) -> Counter {
        Counter { tenant: TenantId::derived(&[TENANT]), name: name.to_owned(), count }
    }

    fn key_of(name: &str) -> Vec<Value> {
        key![TenantId::derived(&[TENANT]), name.to_owned()]
    }

    fn hash(row: &Counter) -> RowHash {
        RowHash::of(&Counter::TABLE, &row.to_values())
    }

    #[test]
    fn a_row_nobody_asked_for_cannot_be_read() {
        let mut rows = Rows::new();
        let refused = rows.get::<Counter>(key_of("a"));
        assert!(matches!(refused, Err(FoldError::NotLoaded { table: "counters", .. })));
        rows.load(&Counter::TABLE, vec![key_of("a")], vec![]);
        assert_eq!(rows.get::<Counter>(key_of("a")), Ok(None));
        assert_eq!(Rows::from_nothing().get::<Counter>(key_of("a")), Ok(None));
    }

    #[test]
    fn the_hash_moves_by_new_less_old() {
        let mut rows = Rows::new();
        let keys = vec![key_of("a"), key_of("b"), key_of("c")];
        rows.load(
            &Counter::TABLE,
            keys,
            vec![counter("a", 1).to_values(), counter("b", 5).to_values()],
        );
        rows.update::<Counter>(key_of("a")).unwrap().unwrap().count += 1;
        rows.update::<Counter>(key_of("a")).unwrap().unwrap().count += 1;
        rows.delete::<Counter>(key_of("b")).unwrap();
        rows.upsert(key_of("c"), || counter("c", 7)).unwrap();
        let writes = rows.take_writes().unwrap();
        let expected = hash(&counter("a", 3))
            .wrapping_add(hash(&counter("c", 7)))
            .wrapping_sub(hash(&counter("a", 1)))
            .wrapping_sub(hash(&counter("b", 5)));
        assert_eq!((writes.hash, writes.count), (expected, 0));
        assert_eq!(
            writes.rows["counters"],
            [
                RowWrite::Put(counter("a", 3).to_values()),
                RowWrite::Delete(key_of("b")),
                RowWrite::Put(counter("c", 7).to_values()),
            ]
        );
        assert_eq!(rows.take_writes().unwrap(), Writes::default());
    }

    #[test]
    fn the_cache_goes_on_where_the_last_batch_ended() {
        let mut rows = Rows::from_nothing();
        rows.upsert(key_of("a"), || counter("a", 1)).unwrap();
        let first = rows.take_writes().unwrap();
        rows.update::<Counter>(key_of("a")).unwrap().unwrap().count = 2;
        let second = rows.take_writes().unwrap();
        assert_eq!(first.hash.wrapping_add(second.hash), hash(&counter("a", 2)));
        assert_eq!((first.count, second.count), (1, 0));
        rows.forget();
        assert!(rows.get::<Counter>(key_of("a")).is_err());
    }

    #[test]
    fn a_row_that_came_and_went_leaves_no_trace() {
        let mut rows = Rows::from_nothing();
        rows.upsert(key_of("a"), || counter("a", 1)).unwrap();
        rows.delete::<Counter>(key_of("a")).unwrap();
        assert_eq!(rows.take_writes().unwrap(), Writes::default());
    }

    #[test]
    fn appended_rows_count_and_are_written() {
        let mut rows = Rows::new();
        rows.append(&counter("a", 1));
        let writes = rows.take_writes().unwrap();
        assert_eq!((writes.hash, writes.count), (hash(&counter("a", 1)), 1));
    }

    #[test]
    fn a_row_under_a_key_that_is_not_its_own_is_refused() {
        let mut rows = Rows::from_nothing();
        rows.upsert(key_of("a"), || counter("b", 1)).unwrap();
        assert!(matches!(rows.take_writes(), Err(FoldError::KeyChanged { .. })));
    }

    #[test]
    fn only_what_is_missing_is_asked_of_the_store() {
        let mut rows = Rows::new();
        rows.load(&Counter::TABLE, vec![key_of("a")], vec![]);
        let mut wanted = Wanted::new();
        for name in ["a", "b", "b"] {
            wanted.row::<Counter>(key_of(name));
        }
        let missing = wanted.take_missing(&rows);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].1, [key_of("b")]);
        assert!(wanted.take_missing(&rows).is_empty());
    }
}
