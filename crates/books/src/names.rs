//! The names of accounts in the grammars of other programs. Every mapping tells any two accounts
//! apart, whatever a storefront or Stripe put into an id.

use std::fmt::Write as _;

use projections::chart::{Account, Book, Class};

/// `platform:assets:stripe:balance`: for hledger and ledger the book is the first part.
pub(crate) fn plain(book: &Book, account: &Account) -> String {
    let mut name = percent(&book.to_string());
    for part in account.name().split(':') {
        name.push(':');
        name.push_str(&percent(part));
    }
    name
}

/// Letters, digits and a few signs as they are; everything else, and whatever could be read as
/// something other than a name, as `%` and its hexadecimal bytes.
fn percent(part: &str) -> String {
    if part.is_empty() {
        return "%".to_owned();
    }
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A text inside a comment of a journal: one line, no comma (which would end the value for hledger)
/// and no bracket (in which both programs look for dates).
pub(crate) fn tag_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || matches!(letter, ',' | '[' | ']' | '%' | '\u{2028}' | '\u{2029}')
        {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                let _ = write!(safe, "%{byte:02X}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// The root that beancount gives a class.
const fn root(class: Class) -> &'static str {
    match class {
        Class::Assets => "Assets",
        Class::Liabilities => "Liabilities",
        Class::Equity => "Equity",
        Class::Income => "Income",
        Class::Expenses => "Expenses",
    }
}

/// `Assets:Platform:Stripe:Balance`: beancount has five roots, so the book is the second part.
pub(crate) fn beancount(book: &Book, account: &Account) -> String {
    let mut name = root(account.class()).to_owned();
    name.push(':');
    name.push_str(&component(&book.to_string()));
    for part in account.name().split(':').skip(1) {
        name.push(':');
        name.push_str(&component(part));
    }
    name
}

/// A part of a name with only what beancount allows: a capital or a digit, then letters, digits and
/// hyphens. The five forms never meet:
///
/// - words, `dispute-hold`: the first letter in upper case;
/// - ids, `ch_1x`: likewise, with hyphens for underscores, and a digit or capital behind the first;
/// - codes, `US-CA`: as they are, the second character a capital or a digit;
/// - numbers: as they are;
/// - everything else: `0x`, and `Z` with two hexadecimal digits for what is not a letter or digit.
fn component(part: &str) -> String {
    if is_word(part) || is_id(part) {
        let mut text = part.replace('_', "-");
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        return text;
    }
    if is_code(part) || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())) {
        return part.to_owned();
    }
    let mut text = "0x".to_owned();
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() && byte != b'Z' {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "Z{byte:02X}");
        }
    }
    text
}

fn is_word(part: &str) -> bool {
    part.split('-')
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn is_id(part: &str) -> bool {
    let Some((prefix, rest)) = part.split_once('_') else { return false };
    !prefix.is_empty()
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
        && rest.split('_').all(|piece| {
            !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && rest.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

fn is_code(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_uppercase)
        && bytes.get(1).is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && part.split('-').all(|piece| {
            !piece.is_empty()
                && piece.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
}

/// A text between quotation marks.
pub(crate) fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    safe.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                safe.push('\\');
                safe.push(letter);
            }
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            letter if letter.is_control() => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe.push('"');
    safe
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn names_are_what_each_program_allows() {
        let mirror = Book::Mirror("acct_1A".into());
        let tax = Account::Tax("US-CA".to_owned());
        assert_eq!(plain(&mirror, &tax), "acct_1A:liabilities:tax:US-CA");
        assert_eq!(beancount(&mirror, &tax), "Liabilities:Acct-1A:Tax:US-CA");
        let odd = Account::Tax("état de: \"x\";  y".to_owned());
        assert_eq!(
            plain(&Book::Platform, &odd),
            "platform:liabilities:tax:%C3%A9tat%20de:%20%22x%22%3B%20%20y"
        );
        assert_eq!(
            beancount(&Book::Platform, &odd),
            "Liabilities:Platform:Tax:0xZC3ZA9tatZ20de:0xZ20Z22xZ22Z3BZ20Z20y"
        );
    }

    #[test]
    fn no_two_parts_share_a_name() {
        let letters = ['a', 'A', 'Z', '1', '_', '-', '%', 'x', '0'];
        let mut parts = vec![String::new()];
        let mut seen = BTreeMap::new();
        for _ in 0..5 {
            parts = parts
                .iter()
                .flat_map(|part| letters.iter().map(move |letter| format!("{part}{letter}")))
                .collect();
            for part in &parts {
                let name = component(part);
                let first = name.as_bytes()[0];
                assert!(first.is_ascii_uppercase() || first.is_ascii_digit(), "{name}");
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                assert!(name.bytes().all(allowed), "{name}");
                if let Some(other) = seen.insert(name.clone(), part.clone()) {
                    panic!("{other} and {part} are both {name}");
                }
            }
        }
    }
}
