//! An export proves itself, and says what was done to it.

use kernel::{TenantId, Timestamp};
use proptest::prelude::*;
use store::{Commit, Expected, MemoryLog, NewEvent, StreamId};

use super::*;

const TENANTS: [&str; 2] = ["one", "two"];

async fn a_log() -> MemoryLog {
    let log = MemoryLog::new();
    for number in 0..6_u8 {
        let tenant = TenantId::derived(&[TENANTS[usize::from(number % 2)]]);
        let stream = StreamId::new("order", tenant, format!("ord_{number}"));
        let commit = Commit {
            command_id: format!("cmd-{number}"),
            stream,
            expected: Expected::Absent,
            events: vec![NewEvent {
                id: kernel::derived_uuid(&["event", &number.to_string()]),
                event_type: "order.placed".into(),
                event_version: "1".into(),
                payload: format!("{{ \"no\" :{number}, \"name\":\"Ünïcode\" }}").into(),
            }],
            metadata: "{}".into(),
            recorded_at: Timestamp::from_unix_seconds(1_780_000_000),
            idempotency: None,
            sealing_keys: vec![],
        };
        log.append(commit).await.unwrap();
    }
    log
}

async fn an_export(scope: ExportScope) -> (Vec<String>, Manifest) {
    let mut bytes = Vec::new();
    let manifest = export(&a_log().await, scope, &mut bytes, &mut |_, _| {}).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    (text.lines().map(str::to_owned).collect(), manifest)
}

fn flaw_of(lines: &[String], manifest: &Manifest) -> Flaw {
    match verify(lines.join("\n").as_bytes(), manifest, &mut |_| {}) {
        Err(VerifyError::Flawed(flaw)) => flaw,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_untouched_export_is_sound() {
    let (lines, manifest) = an_export(ExportScope::default()).await;
    let verified = verify(lines.join("\n").as_bytes(), &manifest, &mut |_| {}).unwrap();
    assert_eq!((verified.count, verified.first, verified.last), (6, 1, 6));
    assert!(lines[0].contains(r#"{ \"no\" :0, \"name\":\"Ünïcode\" }"#));
}

#[tokio::test]
async fn an_export_by_the_page_is_the_same_export() {
    let (lines, manifest) = an_export(ExportScope::default()).await;
    let mut exporter =
        Exporter::shared(Arc::new(a_log().await), ExportScope::default()).await.unwrap();
    assert_eq!((exporter.through().0, exporter.passed().0), (6, 0));
    let mut bytes = Vec::new();
    while exporter.next_page(&mut bytes).await.unwrap() {}
    assert_eq!(String::from_utf8(bytes).unwrap(), lines.join("\n") + "\n");
    let found = exporter.manifest();
    assert_eq!((found.root, found.count, exporter.passed().0), (manifest.root, 6, 6));
}

#[tokio::test]
async fn one_tenants_events_are_exported_alone_and_up_to_a_position() {
    let tenant = Some(TenantId::derived(&["two"]));
    let (lines, manifest) = an_export(ExportScope { tenant, through: Some(Position(4)) }).await;
    assert_eq!((lines.len(), manifest.first, manifest.last), (2, 2, 4));
    verify(lines.join("\n").as_bytes(), &manifest, &mut |_| {}).unwrap();
}

#[tokio::test]
async fn a_position_that_does_not_exist_yet_is_refused() {
    let scope = ExportScope { tenant: None, through: Some(Position(7)) };
    let result = export(&a_log().await, scope, &mut Vec::new(), &mut |_, _| {}).await;
    assert!(matches!(result, Err(ExportError::BeyondHead { .. })));
}

#[tokio::test]
async fn an_altered_line_is_named() {
    let (mut lines, manifest) = an_export(ExportScope::default()).await;
    lines[2] = lines[2].replace("Ünïcode", "Unicode");
    assert_eq!(flaw_of(&lines, &manifest), Flaw::Altered { line: 3, position: 3 });
}

#[tokio::test]
async fn a_dropped_line_is_named() {
    let (mut lines, manifest) = an_export(ExportScope::default()).await;
    lines.remove(2);
    assert_eq!(flaw_of(&lines, &manifest), Flaw::Missing { line: 3, position: 4, after: 2 });
}

#[tokio::test]
async fn two_swapped_lines_are_named() {
    let (mut lines, manifest) = an_export(ExportScope::default()).await;
    lines.swap(2, 3);
    let neighbours = flaw_of(&lines, &manifest);
    assert_eq!(neighbours, Flaw::Reordered { line: 4, position: 3, after: 4 });
    lines.swap(2, 3);
    lines.swap(1, 4);
    let apart = flaw_of(&lines, &manifest);
    assert_eq!(apart, Flaw::Reordered { line: 3, position: 3, after: 5 });
}

#[tokio::test]
async fn a_repeated_line_is_named() {
    let (mut lines, manifest) = an_export(ExportScope::default()).await;
    lines.insert(3, lines[1].clone());
    let flaw = flaw_of(&lines, &manifest);
    assert_eq!(flaw, Flaw::Reordered { line: 4, position: 2, after: 3 });
}

#[tokio::test]
async fn a_cut_file_and_a_longer_one_are_named() {
    let (lines, manifest) = an_export(ExportScope::default()).await;
    let cut = flaw_of(&lines[..4], &manifest);
    assert_eq!(cut, Flaw::Truncated { count: 4, last: 4, expected: 6 });
    let shorter = Manifest { count: 5, ..manifest };
    assert!(matches!(flaw_of(&lines, &shorter), Flaw::Added { line: 6, .. }));
}

#[tokio::test]
async fn a_forger_who_recomputes_every_leaf_still_misses_the_root() {
    let (lines, manifest) = an_export(ExportScope::default()).await;
    let mut previous = [0; 32];
    let forged: Vec<String> = lines
        .iter()
        .map(|text| {
            let mut line: ExportLine = serde_json::from_str(text).unwrap();
            line.payload = line.payload.replace("\"no\" :1", "\"no\" :9");
            line.prev = hex::encode(previous);
            previous = line.computed_leaf();
            line.leaf = hex::encode(previous);
            serde_json::to_string(&line).unwrap()
        })
        .collect();
    assert!(matches!(flaw_of(&forged, &manifest), Flaw::OtherRoot { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_changed_byte_is_found(line in 0..6_usize, place in 0..10_000_usize, xor in 1..128_u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut lines, manifest) = runtime.block_on(an_export(ExportScope::default()));
        let mut bytes = lines[line].clone().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= xor;
        prop_assume!(bytes[place] != b'\n');
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        // Hexadecimal digits read the same in both cases; only their text differs.
        prop_assume!(!text.eq_ignore_ascii_case(&lines[line]));
        lines[line] = text;
        let result = verify(lines.join("\n").as_bytes(), &manifest, &mut |_| {});
        prop_assert!(result.is_err());
    }
}
