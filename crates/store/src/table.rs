//! A row of a read model, written once: the struct, its table, and the way between them.

/// Declares a row: the struct, its [`Table`](crate::Table), and the names of its columns.
///
/// The documentation of the struct and its fields becomes the comments of the table and its
/// columns, for people who query it. The columns in `key { ... }` are the primary key; the first is
/// `tenant`. `#[unhashed]` after a field's documentation keeps a column out of the state hash
/// (positions, `recorded_at`, minted ids). `#[derive(...)]` adds to `Debug, Clone, PartialEq, Eq`.
/// Field types implement [`Field`](crate::Field). A declaration that is wrong (an index over a
/// column that is not there) does not compile.
///
/// ```
/// use kernel::{Currency, SellerId, TenantId};
/// use store::{Table, Value};
///
/// store::table! {
///     /// What a seller is owed, per currency.
///     pub struct SellerBalance as "seller_balances" {
///         key {
///             /// Owner.
///             tenant: TenantId,
///             /// Who is owed.
///             seller: SellerId,
///             /// The currency of every amount in the row.
///             currency: Currency,
///         }
///         /// Waiting for the release policy; minor units.
///         pending: i64,
///         /// The last event folded into the row.
///         #[unhashed]
///         updated_position: u64,
///         /// What the organizer wrote about it.
///         note: Option<String>,
///     }
///     indexes [["tenant", "pending"]]
/// }
///
/// let row = SellerBalance {
///     tenant: TenantId::mint(),
///     seller: SellerId::mint(),
///     currency: Currency::EUR,
///     pending: 12_50,
///     updated_position: 7,
///     note: None,
/// };
/// assert_eq!(row.key_values().len(), 3);
/// assert_eq!(row.to_values()[3], Value::Int(12_50));
/// assert_eq!(SellerBalance::from_values(row.to_values()).unwrap(), row);
/// assert_eq!(SellerBalance::COLUMNS.pending, "pending");
///
/// let table = SellerBalance::TABLE;
/// assert_eq!(table.comment, "What a seller is owed, per currency.");
/// assert_eq!(table.columns[3].comment, "Waiting for the release policy; minor units.");
/// assert!(table.columns[3].hashed && !table.columns[4].hashed);
/// assert_eq!(table.indexes, &[&["tenant", "pending"]]);
/// ```
///
/// A wrong declaration is found by the compiler:
///
/// ```compile_fail
/// store::table! {
///     /// A note.
///     pub struct Note as "notes" {
///         key {
///             /// Owner.
///             tenant: kernel::TenantId,
///         }
///     }
///     indexes [["tenant", "written_at"]]
/// }
/// ```
#[macro_export]
macro_rules! table {
    (@hashed) => { true };
    (@hashed unhashed $($why:literal)?) => { false };

    (
        $(#[doc = $doc:literal])*
        $(#[derive($($derive:path),* $(,)?)])*
        $vis:vis struct $row:ident as $table:literal {
            key {
                $(
                    $(#[doc = $key_doc:literal])*
                    $(#[unhashed $(= $key_why:literal)?])?
                    $key:ident : $key_type:ty
                ),+ $(,)?
            }
            $(
                $(#[doc = $field_doc:literal])*
                $(#[unhashed $(= $field_why:literal)?])?
                $field:ident : $field_type:ty
            ),* $(,)?
        }
        $(indexes [ $( [ $($index:literal),+ $(,)? ] ),* $(,)? ])?
    ) => {
        $(#[doc = $doc])*
        $(#[derive($($derive),*)])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $row {
            $(
                $(#[doc = $key_doc])*
                pub $key: $key_type,
            )+
            $(
                $(#[doc = $field_doc])*
                pub $field: $field_type,
            )*
        }

        const _: () = {
            #[doc = concat!("The names of the columns of `", $table, "`.")]
            #[derive(Debug, Clone, Copy)]
            #[allow(dead_code, reason = "not every column is asked for by name")]
            $vis struct ColumnNames {
                $(
                    #[doc = concat!("`", stringify!($key), "`")]
                    pub $key: &'static str,
                )+
                $(
                    #[doc = concat!("`", stringify!($field), "`")]
                    pub $field: &'static str,
                )*
            }

            impl $row {
                #[doc = concat!("The names of the columns of `", $table, "`, for questions.")]
                #[allow(dead_code, reason = "not every column is asked for by name")]
                $vis const COLUMNS: ColumnNames = ColumnNames {
                    $($key: stringify!($key),)+
                    $($field: stringify!($field),)*
                };
            }

            const DEFINITION: $crate::TableDef = $crate::TableDef {
                name: $table,
                comment: concat!($($doc),*).trim_ascii(),
                columns: &[
                    $(
                        $crate::Column {
                            name: stringify!($key),
                            kind: <$key_type as $crate::Field>::KIND,
                            comment: concat!($($key_doc),*).trim_ascii(),
                            hashed: $crate::table!(@hashed $(unhashed $($key_why)?)?),
                        },
                    )+
                    $(
                        $crate::Column {
                            name: stringify!($field),
                            kind: <$field_type as $crate::Field>::KIND,
                            comment: concat!($($field_doc),*).trim_ascii(),
                            hashed: $crate::table!(@hashed $(unhashed $($field_why)?)?),
                        },
                    )*
                ],
                key_columns: [$(stringify!($key)),+].len(),
                indexes: &[$($( &[$($index),+] ),*)?],
            };
            DEFINITION.assert_sound();

            impl $crate::Table for $row {
                const TABLE: $crate::TableDef = DEFINITION;

                fn to_values(&self) -> ::std::vec::Vec<$crate::Value> {
                    ::std::vec![
                        $($crate::Field::to_value(&self.$key),)+
                        $($crate::Field::to_value(&self.$field),)*
                    ]
                }

                fn from_values(
                    values: ::std::vec::Vec<$crate::Value>,
                ) -> ::std::result::Result<Self, $crate::ViewsError> {
                    let mut values = $crate::field::RowReader::new(&DEFINITION, values)?;
                    ::std::result::Result::Ok(Self {
                        $($key: values.take()?,)+
                        $($field: values.take()?,)*
                    })
                }

                fn key_values(&self) -> ::std::vec::Vec<$crate::Value> {
                    ::std::vec![$($crate::Field::to_value(&self.$key)),+]
                }
            }
        };
    };
}

#[cfg(test)]
mod tests {
    use kernel::{TenantId, Timestamp};

    use crate::{Column, ColumnType, Position, RowHash, Table, Value};

    table! {
        /// One visit
        /// of a guest.
        #[derive(Hash)]
        pub(crate) struct Visit as "visits" {
            key {
                /// Owner.
                tenant: TenantId,
                /// Which guest.
                #[unhashed = "minted"]
                guest: u64,
            }
            /// When they came.
            came_at: Timestamp,
            /// When they left.
            left_at: Option<Timestamp>,
            /// Whether they paid.
            paid: bool,
            /// Where it was recorded.
            #[unhashed]
            position: Position,
        }
    }

    table! {
        /// A tenant's own row.
        struct Lonely as "lonely" {
            key {
                /// Owner.
                tenant: TenantId
            }
        }
        indexes []
    }

    fn visit() -> Visit {
        Visit {
            tenant: TenantId::derived(&["guest house"]),
            guest: 4,
            came_at: Timestamp::EPOCH,
            left_at: None,
            paid: true,
            position: Position(9),
        }
    }

    #[test]
    fn a_row_declares_its_table() {
        let table = Visit::TABLE;
        assert_eq!((table.name, table.comment), ("visits", "One visit of a guest."));
        assert_eq!(table.key_columns, 2);
        let came = Column {
            name: "came_at",
            kind: ColumnType::Instant,
            comment: "When they came.",
            hashed: true,
        };
        assert_eq!(table.columns[2], came);
        let unhashed: Vec<_> = table
            .columns
            .iter()
            .filter(|column| !column.hashed)
            .map(|column| column.name)
            .collect();
        assert_eq!(unhashed, ["guest", "position"]);
        assert_eq!(Visit::COLUMNS.left_at, "left_at");
        assert_eq!(Lonely::TABLE.columns.len(), 1);
    }

    #[test]
    fn a_row_becomes_values_and_back() {
        let values = visit().to_values();
        assert_eq!(
            values[1..],
            [
                Value::Int(4),
                Value::text("1970-01-01T00:00:00.000Z"),
                Value::Null,
                Value::Int(1),
                Value::Int(9),
            ]
        );
        assert_eq!(Visit::from_values(values).unwrap(), visit());
        assert_eq!(visit().key_values(), visit().to_values()[..2]);
        let lonely = Lonely { tenant: TenantId::derived(&["guest house"]) };
        assert_eq!(Lonely::from_values(lonely.to_values()).unwrap(), lonely);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_column() {
        let mut values = visit().to_values();
        values[4] = Value::Int(3);
        let error = Visit::from_values(values).unwrap_err().to_string();
        assert!(error.contains("visits.paid"), "{error}");
        assert!(Visit::from_values(vec![Value::Null]).is_err());
    }

    #[test]
    fn only_business_columns_count_for_the_hash() {
        let moved = Visit { position: Position(10), guest: 5, ..visit() };
        let unpaid = Visit { paid: false, ..visit() };
        let hash = |row: &Visit| RowHash::of(&Visit::TABLE, &row.to_values());
        assert_eq!(hash(&visit()), hash(&moved));
        assert_ne!(hash(&visit()), hash(&unpaid));
    }
}
