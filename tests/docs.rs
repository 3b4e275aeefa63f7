//! The documentation held to account: links resolve, and what it names exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Variables that only tests read, between themselves.
const BETWEEN_TESTS: &str = "DAYBOOK_CRASH_TEST_";

#[test]
fn every_relative_link_resolves() {
    let mut links = 0;
    for file in documents() {
        let text = prose(&fs::read_to_string(&file).unwrap());
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = file.parent().unwrap();
            let linked = if path.is_empty() { file.clone() } else { folder.join(path) };
            assert!(linked.exists(), "{}: {target} leads nowhere", file.display());
            let is_document = linked.extension().is_some_and(|ending| ending == "md");
            if !anchor.is_empty() && is_document {
                let known = anchors(&fs::read_to_string(&linked).unwrap());
                assert!(known.contains(anchor), "{}: no heading for {target}", file.display());
            }
        }
    }
    assert!(links > 20, "the documents have moved: only {links} links");
}

#[test]
fn every_document_is_reachable_from_the_readme() {
    let mut reached = BTreeSet::new();
    let mut open = vec![root().join("README.md")];
    while let Some(file) = open.pop() {
        let file = file.canonicalize().unwrap();
        if !reached.insert(file.clone()) {
            continue;
        }
        let text = prose(&fs::read_to_string(&file).unwrap());
        for target in targets(&text) {
            let path = target.split('#').next().unwrap_or_default();
            let linked = file.parent().unwrap().join(path);
            if linked.is_dir() {
                open.extend(files_ending_with(&linked, "md"));
            } else if linked.extension().is_some_and(|ending| ending == "md") && linked.exists() {
                open.push(linked);
            }
        }
    }
    for file in files_ending_with(&root().join("docs"), "md") {
        // What is generated is named, not linked: it may not have been generated yet.
        let is_generated = file.parent().is_some_and(|folder| folder.ends_with("docs/reference"));
        let known = reached.contains(&file.canonicalize().unwrap());
        assert!(is_generated || known, "nothing leads to {}", file.display());
    }
}

#[test]
fn the_documents_and_the_code_name_the_same_variables() {
    let documented = variables(&documents());
    let mut sources = files_ending_with(&root(), "rs");
    sources.retain(|file| !file.ends_with("tests/docs.rs"));
    let read = variables(&sources);
    assert!(read.contains("DAYBOOK_DATA"), "the variables have moved: {read:?}");
    for variable in read.iter().filter(|variable| !variable.starts_with(BETWEEN_TESTS)) {
        assert!(documented.contains(variable), "{variable} is not documented");
    }
    let switches = variables(&[root().join("Makefile")]);
    for variable in &documented {
        // A secret NAME may stand in a file that NAME_FILE names.
        let base = variable.strip_suffix("_FILE").unwrap_or(variable);
        let known = [variable.as_str(), base]
            .iter()
            .any(|name| read.contains(*name) || switches.contains(*name));
        assert!(known, "{variable} is documented, but nothing reads it");
    }
}

#[test]
fn every_subcommand_is_documented() {
    let commands = fs::read_to_string(root().join("crates/daybook/src/commands/mod.rs")).unwrap();
    let body = commands.split("enum Command {").nth(1).unwrap().split("\n}").next().unwrap();
    let names: Vec<String> = body
        .lines()
        .filter_map(|line| line.trim().split_once('('))
        .filter(|(name, _)| name.chars().all(char::is_alphanumeric))
        .map(|(name, _)| kebab(name))
        .collect();
    assert!(names.len() > 8, "the subcommands have moved: {names:?}");
    let mut guides = files_ending_with(&root().join("docs/guides"), "md");
    guides.push(root().join("README.md"));
    let text: String = guides.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for name in names {
        assert!(text.contains(&format!("daybook {name}")), "daybook {name} is not documented");
    }
}

#[test]
fn every_kind_of_work_item_says_what_to_do() {
    let folder = root().join("projections/src/work_items");
    let changes = fs::read_to_string(folder.join("changes.rs")).unwrap();
    let kinds = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let guide = fs::read_to_string(root().join("docs/guides/finance-ops.md")).unwrap();
    // `list.open(about, "kind", ...)` in one file, `Account::X => "kind"` in the other.
    let opened = changes.split(".open(").skip(1).filter_map(|call| {
        let about_is_text = !call.trim_start().starts_with("&about");
        let mut texts = call.split('"').skip(1).step_by(2);
        texts.nth(usize::from(about_is_text))
    });
    let accounts = kinds.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next());
    let named: BTreeSet<&str> = opened.chain(accounts).filter(|kind| is_kind(kind)).collect();
    assert!(named.len() > 20, "the kinds have moved: {named:?}");
    for kind in named.iter().filter(|kind| **kind != "open_account") {
        assert!(guide.contains(&format!("`{kind}`")), "{kind} is not in the guide");
    }
}

fn is_kind(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

/// The text without what stands in code blocks and code spans.
fn prose(text: &str) -> String {
    let blocks = text.split("\n```").step_by(2);
    blocks.flat_map(|block| block.split('`').step_by(2)).collect()
}

fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors of a document's headings, as code hosts make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

fn variables(files: &[PathBuf]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for (start, _) in text.match_indices("DAYBOOK_") {
            let name: String = text[start..]
                .chars()
                .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
                .collect();
            if !name.ends_with('_') {
                names.insert(name);
            }
        }
    }
    names
}

fn documents() -> Vec<PathBuf> {
    let mut files = files_ending_with(&root().join("docs"), "md");
    files.extend(["README.md", "CHANGELOG.md"].map(|name| root().join(name)));
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn files_ending_with(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                files.extend(files_ending_with(&path, ending));
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files
}
