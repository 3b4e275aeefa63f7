//! The house rules that a compiler cannot check: arrows between crates, names, nothing left over.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Which of our crates each of our crates may depend on. Arrows point inwards.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("store", &["kernel"]),
    ("store-sqlite", &["kernel", "store"]),
    ("store-postgres", &["kernel", "store"]),
    ("store-kurrent", &["kernel", "store"]),
    ("kurrent-fake", &[]),
    ("test-judges", &[]),
    ("test-postgres", &[]),
    ("aggregates", &["kernel"]),
    // Rows declare their table once, with the trait that stores derive their SQL from.
    ("projections", &["aggregates", "kernel", "store"]),
    ("engine", &["aggregates", "kernel", "projections", "store"]),
    ("payments", &["aggregates", "engine", "kernel", "store"]),
    ("books", &["aggregates", "kernel", "projections", "store"]),
    ("api", &["aggregates", "books", "engine", "kernel", "projections", "store"]),
    ("stripe-fake", &[]),
    (
        "daybook",
        &[
            "aggregates",
            "api",
            "books",
            "engine",
            "kernel",
            "payments",
            "projections",
            "store",
            // Behind a cargo feature.
            "store-kurrent",
            "store-postgres",
            "store-sqlite",
            "stripe-fake",
        ],
    ),
];

/// What the pure crates may never name.
const WORLDLY: &[&str] =
    &["actix-web", "async-stripe", "eventstore", "reqwest", "rusqlite", "sqlx", "tokio"];
const PURE: &[&str] = &["kernel", "aggregates", "projections"];

#[test]
fn arrows_between_crates_point_inwards() {
    let manifests = manifests();
    for (name, allowed) in MAY_DEPEND_ON {
        let manifest = manifests.get(*name).unwrap_or_else(|| panic!("no crate named {name}"));
        for (ours, _) in MAY_DEPEND_ON {
            let uses = dependencies(manifest).iter().any(|dependency| dependency == ours);
            assert!(!uses || allowed.contains(ours), "{name} must not depend on {ours}");
        }
        if PURE.contains(name) {
            for worldly in WORLDLY {
                let uses = dependencies(manifest).iter().any(|dependency| dependency == worldly);
                assert!(!uses, "{name} is pure and must not depend on {worldly}");
            }
        }
    }
}

#[test]
fn an_aggregate_never_mentions_another() {
    let folder = root().join("aggregates/src");
    let names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (entry.path().is_dir() && name != "policies").then_some(name)
        })
        .collect();
    assert!(names.len() > 8, "the aggregates have moved: {names:?}");
    for name in &names {
        for file in rust_files(&folder.join(name)) {
            let text = fs::read_to_string(&file).unwrap();
            for other in names.iter().filter(|other| *other != name) {
                let mention = format!("crate::{other}::");
                assert!(!text.contains(&mention), "{} mentions {other}", file.display());
            }
        }
    }
}

#[test]
fn every_file_opens_with_a_sentence() {
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let opens = text.starts_with("//! ") || text.starts_with("#![doc = include_str!");
        assert!(opens, "{} does not open with a //! sentence", file.display());
    }
}

#[test]
fn nothing_is_left_over() {
    // Assembled here, so that this file does not find itself.
    let leftovers = [
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["dbg", "!("].concat(),
        ["FIX", "ME"].concat(),
        ["Place", "holder."].concat(),
        ["#[", "ignore"].concat(),
        ["in produc", "tion you would"].concat(),
    ];
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        for leftover in &leftovers {
            assert!(!text.contains(leftover.as_str()), "{}: {leftover}", file.display());
        }
    }
}

#[test]
fn the_repository_stands_alone() {
    let outside =
        [["/wo", "rk/"].concat(), ["../sha", "red"].concat(), ["index.cra", "tes.io"].concat()];
    let mut files = rust_files(&root());
    for ending in ["md", "toml", "sql", "html", "css"] {
        files.extend(files_ending_with(&root(), ending));
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for mention in &outside {
            assert!(!text.contains(mention.as_str()), "{} mentions {mention}", file.display());
        }
    }
}

#[test]
fn the_top_level_holds_what_is_on_the_map_and_nothing_else() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "crates",
        "aggregates",
        "projections",
        "migrations",
        "tests",
        "docs",
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || known.contains(&name.as_str()),
            "{name} is not on the map"
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn manifests() -> BTreeMap<String, String> {
    files_ending_with(&root(), "toml")
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .filter_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let name = text.lines().find_map(|line| line.strip_prefix("name = \""))?;
            Some((name.trim_end_matches('"').to_owned(), text.clone()))
        })
        .collect()
}

fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some(name) = line.split(['.', ' ', '=']).next() {
            names.push(name.to_owned());
        }
    }
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files_ending_with(folder, "rs")
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
