//! Names and texts as SQL takes them literally.

use uuid::Uuid;

/// PostgreSQL cuts names after so many bytes, without a word.
const NAME_BYTES_MAX: usize = 63;

/// An identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Identifiers, with a comma between them.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text, for the few statements that take no parameters.
pub(super) fn literal(text: &str) -> String {
    // E'' means the same whatever `standard_conforming_strings` is.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The name of the index over these columns. Column names have no double underscore, so no two
/// indexes of a table have one name; where it would be cut, a hash of the whole stands for its end.
pub(super) fn index_name(physical: &str, columns: &[&str]) -> String {
    let whole = format!("{physical}__{}", columns.join("__"));
    if whole.len() <= NAME_BYTES_MAX {
        return whole;
    }
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, whole.as_bytes()).simple().to_string();
    let end = format!("__{}", hash.get(..16).unwrap_or(&hash));
    let mut start = whole;
    // Names are made of one-byte characters.
    start.truncate(NAME_BYTES_MAX - end.len());
    start + &end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_index_name_is_cut_before_postgresql_cuts_it() {
        assert_eq!(index_name("stalls__1", &["tenant", "left"]), "stalls__1__tenant__left");
        let physical = "a_table_with_a_rather_long_name_of_forty_b__4294967295";
        let (one, other) = (["tenant", "opened_at"], ["tenant", "opened_by"]);
        let names = [index_name(physical, &one), index_name(physical, &other)];
        assert_eq!(names.each_ref().map(String::len), [NAME_BYTES_MAX; 2]);
        assert_ne!(names[0], names[1]);
    }

    #[test]
    fn a_literal_means_its_text() {
        assert_eq!(literal("it's a \\"), "E'it''s a \\\\'");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
