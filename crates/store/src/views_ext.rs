//! Asking a store of read models for typed rows.

use std::future::Future;

use kernel::TenantId;

use crate::{Field, Query, Table, Value, Views, ViewsError};

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
                    query.filter(crate::Filter::Eq(column.name, value))
                });
            Ok(self.rows::<T>(query).await?.pop())
        }
    }
}

impl<V: Views + ?Sized> ViewsExt for V {}
