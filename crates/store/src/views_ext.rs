//! Asking a store of read models for typed rows.

use std::future::Future;

use kernel::TenantId;

use crate::{Direction, Field, Filter, Query, Table, Value, Views, ViewsError};

/// What identifies a row within its tenant: a tuple of fields, or values made by hand.
pub trait RowKey: Send {
    /// The values of the key columns after `tenant`.
    fn into_values(self) -> Vec<Value>;
}

impl RowKey for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

impl RowKey for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
}

macro_rules! row_keys {
    ($(($($part:ident),+))+) => {$(
        impl<$($part: Field + Send),+> RowKey for ($($part,)+) {
            fn into_values(self) -> Vec<Value> {
                #[expect(non_snake_case, reason = "the parts are named after their types")]
                let ($($part,)+) = self;
                vec![$($part.to_value()),+]
            }
        }
    )+};
}

row_keys! { (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) }

/// Typed questions, for every store.
pub trait ViewsExt: Views {
    /// Answers a question with rows.
    ///
    /// # Errors
    /// [`ViewsError`].
    fn rows<T: Table>(
        &self,
        query: Query,
    ) -> impl Future<Output = Result<Vec<T>, ViewsError>> + Send {
        async move {
            let found = self.select(const { &T::TABLE }, query).await?;
            found.into_iter().map(T::from_values).collect()
        }
    }

    /// The row of a tenant with this key: `views.row::<SellerBalance>(tenant, (seller, currency))`.
    ///
    /// # Errors
    /// [`ViewsError`]; [`ViewsError::Invalid`] when the key has another number of parts than the
    /// table's.
    fn row<T: Table>(
        &self,
        tenant: TenantId,
        key: impl RowKey,
    ) -> impl Future<Output = Result<Option<T>, ViewsError>> + Send {
        let table = const { &T::TABLE };
        async move {
            let mut values = vec![tenant.to_value()];
            values.extend(key.into_values());
            let query = table
                .key()
                .iter()
                .zip(table.key_of(values)?)
                .skip(1)
                .fold(Query::of(tenant).limit(1), |query, (column, value)| {
                    query.filter(Filter::Eq(column.name, value))
                });
            Ok(self.rows::<T>(query).await?.pop())
        }
    }

    /// Hands out every row that answers a question, however many there are, `page_rows` in memory at
    /// a time: in the order of the key, or in an order of the question's own, which must be one
    /// direction throughout and tell any two rows apart.
    ///
    /// # Errors
    /// What reading fails with, or what `take` says of a row.
    fn each<T: Table, E: From<ViewsError> + Send>(
        &self,
        question: Query,
        page_rows: usize,
        mut take: impl FnMut(T) -> Result<(), E> + Send,
    ) -> impl Future<Output = Result<(), E>> + Send {
        async move {
            let table = const { &T::TABLE };
            let own: Vec<&'static str> = question.order.iter().map(|(name, _)| *name).collect();
            let columns = if own.is_empty() {
                // A tenant that is given is compared once, so that an index can be walked along.
                let given = usize::from(question.tenant.is_some());
                table.key().iter().skip(given).map(|column| column.name).collect()
            } else {
                own
            };
            let direction =
                question.order.first().map_or(Direction::Ascending, |(_, direction)| *direction);
            let question = question.limit(page_rows);
            let mut query = question.clone();
            loop {
                let page: Vec<T> = self.rows(query).await?;
                let is_last = page.len() < page_rows;
                let behind = page.last().map(|row| values_of(row, &columns)).transpose()?;
                page.into_iter().try_for_each(&mut take)?;
                match behind {
                    Some(behind) if !is_last && !columns.is_empty() => {
                        let beyond = Filter::Beyond(columns.clone(), behind, direction);
                        query = question.clone().filter(beyond);
                    }
                    Some(_) | None => return Ok(()),
                }
            }
        }
    }

    /// Every row that answers a question, in the order of [`ViewsExt::each`].
    ///
    /// # Errors
    /// [`ViewsError`].
    fn all<T: Table>(
        &self,
        question: Query,
        page_rows: usize,
    ) -> impl Future<Output = Result<Vec<T>, ViewsError>> + Send {
        async move {
            let mut rows = Vec::new();
            let keep = |row| -> Result<(), ViewsError> {
                rows.push(row);
                Ok(())
            };
            self.each(question, page_rows, keep).await?;
            Ok(rows)
        }
    }
}

/// What stands in these columns of a row.
fn values_of<T: Table>(row: &T, columns: &[&'static str]) -> Result<Vec<Value>, ViewsError> {
    let table = const { &T::TABLE };
    let values = row.to_values();
    let value = |name: &&'static str| {
        let place = table.columns.iter().position(|column| column.name == *name);
        place.and_then(|place| values.get(place)).cloned()
    };
    let unknown = || ViewsError::UnknownName(format!("an order of {}", table.name));
    columns.iter().map(value).collect::<Option<_>>().ok_or_else(unknown)
}

impl<V: Views + ?Sized> ViewsExt for V {}
