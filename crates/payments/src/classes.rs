//! Which types of Stripe events are acted on: the table in `data/event_classes.csv`.

use std::{collections::HashMap, sync::LazyLock};

/// What is done with events of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// It becomes commands.
    A,
    /// It is recorded.
    B,
    /// It is stored and ignored.
    C,
}

static CLASSES: LazyLock<HashMap<&'static str, Class>> =
    LazyLock::new(|| rows().filter_map(|(kind, class)| Some((kind, class?))).collect());

/// The class of an event type; `None` for a type that is not in the table.
#[must_use]
pub fn class_of(kind: &str) -> Option<Class> {
    CLASSES.get(kind).copied()
}

/// All types of a class, in the order of the table.
pub fn kinds_of(class: Class) -> impl Iterator<Item = &'static str> {
    rows().filter(move |(_, known)| *known == Some(class)).map(|(kind, _)| kind)
}

/// What begins a type of class A that belongs to an aggregate that does not exist yet.
const ABSENT: [&str; 7] = [
    "customer.subscription.",
    "invoice.",
    "invoice_payment.",
    "invoiceitem.",
    "coupon.",
    "promotion_code.",
    "credit_note.",
];

/// Is this type about memberships, invoices or coupons, which are not here yet?
#[must_use]
pub fn is_of_absent_aggregate(kind: &str) -> bool {
    ABSENT.iter().any(|prefix| kind.starts_with(prefix))
}

fn rows() -> impl Iterator<Item = (&'static str, Option<Class>)> {
    include_str!("../data/event_classes.csv").lines().skip(1).filter_map(|line| {
        let (kind, class) = line.split_once(',')?;
        let class = match class.trim() {
            "A" => Some(Class::A),
            "B" => Some(Class::B),
            "C" => Some(Class::C),
            _ => None,
        };
        Some((kind, class))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        assert!(rows().all(|(_, class)| class.is_some()));
        let counts = [Class::A, Class::B, Class::C].map(|class| kinds_of(class).count());
        assert_eq!(counts, [81, 76, 111]);
        assert_eq!(CLASSES.len(), 268);
    }

    #[test]
    fn types_are_told_apart() {
        assert_eq!(class_of("charge.succeeded"), Some(Class::A));
        assert_eq!(class_of("customer.created"), Some(Class::B));
        assert_eq!(class_of("treasury.received_debit.created"), Some(Class::C));
        assert_eq!(class_of("moon.landed"), None);
        assert!(is_of_absent_aggregate("invoice.paid"));
        assert!(!is_of_absent_aggregate("customer.created"));
    }
}
