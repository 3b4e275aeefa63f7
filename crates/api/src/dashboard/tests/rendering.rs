//! Every page with made-up data: nothing the policy forbids, nothing an attacker could write.

use std::{fs, path::Path};

use super::super::{frame, samples};

/// Everything between `<` and `>`: what a browser takes for markup.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

/// A page as strictly as the policy reads it.
pub(super) fn assert_strict(name: &str, html: &str) {
    for tag in tags(html) {
        let element = tag.split([' ', '\n', '/']).next().unwrap_or_default();
        for forbidden in ["script", "style", "iframe", "object", "embed", "base"] {
            assert_ne!(element, forbidden, "{name}: <{tag}>");
        }
        // Attribute values are quoted, and quotes inside them are escaped.
        let names = tag.split('"').step_by(2).collect::<String>();
        for forbidden in [" style=", " on", "javascript:"] {
            assert!(!names.contains(forbidden), "{name}: <{tag}>");
        }
        for attribute in ["src=\"", "href=\"", "action=\""] {
            if let Some((_, value)) = tag.split_once(attribute) {
                let ours = value.starts_with(['/', '?', '#']) && !value.starts_with("//");
                assert!(ours, "{name} leads elsewhere: <{tag}>");
            }
        }
    }
}

#[test]
fn no_page_holds_a_script_a_style_or_anything_of_another_site() {
    for (name, html) in samples::pages() {
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert_strict(name, &html);
    }
}

#[test]
fn hostile_words_are_shown_and_not_obeyed() {
    let shown = samples::pages()
        .into_iter()
        .filter(|(_, html)| html.contains("&#60;script&#62;alert(1)"))
        .map(|(name, _)| name)
        .collect::<Vec<_>>();
    for page in ["overview", "sellers", "seller", "order", "refunds", "webhooks", "guest_order"] {
        assert!(shown.contains(&page), "the sample of {page} holds nothing hostile: {shown:?}");
    }
}

#[test]
fn every_form_is_labelled_and_cannot_be_sent_by_another_site() {
    for (name, html) in samples::pages() {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            // A form that only asks changes nothing, wherever it is sent from.
            if form.contains("method=\"get\"") {
                continue;
            }
            assert!(form.contains("method=\"post\""), "{name}: {form}");
            let proves = ["name=\"csrf\"", "name=\"token\"", "name=\"key\""];
            assert!(proves.iter().any(|field| form.contains(field)), "{name}: {form}");
            for field in form.split("<input").chain(form.split("<textarea")).skip(1) {
                let field = field.split('>').next().unwrap();
                let Some((_, id)) = field.split_once("id=\"") else { continue };
                let id = id.split('"').next().unwrap();
                assert!(form.contains(&format!("<label for=\"{id}\"")), "{name}: {field}");
            }
        }
    }
}

#[test]
fn ids_are_unique_and_headings_leave_no_level_out() {
    for (name, html) in samples::pages() {
        let mut ids: Vec<&str> = tags(&html)
            .into_iter()
            .filter_map(|tag| tag.split_once(" id=\"")?.1.split_once('"').map(|(id, _)| id))
            .collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name} has an id twice");
        let levels: Vec<u8> = tags(&html)
            .into_iter()
            .filter_map(|tag| {
                let level = tag.strip_prefix('h')?.bytes().next()?;
                level.is_ascii_digit().then_some(level - b'0')
            })
            .collect();
        assert_eq!(levels.first(), Some(&1), "{name}");
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        for pair in levels.windows(2) {
            assert!(pair[1] <= pair[0] + 1, "{name}: {levels:?}");
        }
    }
}

#[test]
fn every_table_has_headings_and_every_cell_on_a_phone_its_own() {
    for (name, html) in samples::pages() {
        for table in html.split("<table").skip(1) {
            let table = table.split("</table>").next().unwrap();
            assert!(table.contains("<th scope=\"col\""), "{name}");
            let cards = table.starts_with(" class=\"cards\"");
            let body = table.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
            for cell in body.split("<td").skip(1).filter(|_| cards) {
                let named = cell.contains("data-label=") || cell.starts_with(" colspan");
                assert!(named, "{name}: <td{}", &cell[..cell.len().min(60)]);
            }
        }
    }
}

/// The pages as files, to be looked at: `target/dashboard-preview/overview.html`.
#[test]
fn the_pages_can_be_looked_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/dashboard-preview");
    fs::create_dir_all(folder.join("static")).unwrap();
    fs::write(folder.join("static/daybook.css"), frame::STYLE_SHEET).unwrap();
    fs::write(folder.join("static/daybook.svg"), frame::ICON).unwrap();
    for (name, html) in samples::pages() {
        let page = html.replace("\"/static/", "\"static/");
        fs::write(folder.join(format!("{name}.html")), page).unwrap();
        assert!(folder.join(format!("{name}.html")).exists());
    }
}
