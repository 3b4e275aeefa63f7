//! What if the demo month had been sold under another policy? Under its own it comes out as it was.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use tests::{Said, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_month_comes_out_as_it_was_under_its_own_policy_and_sound_under_others() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    let demo = ["demo", "--data", data, "--listen", "127.0.0.1:0", "--percent", "1", "--no-serve"];
    run(&demo).await.fine();

    let same = what_if(folder.path(), "same.toml", "").await.json();
    assert_eq!(same["accounts_differing"], 0, "{same}");
    assert_eq!(same["remarks"], Value::Array(vec![]));
    let decisions = &same["decisions"];
    assert_eq!(decisions["different"], 0, "{decisions}");
    assert!(decisions["same"].as_u64().unwrap() > 200, "{decisions}");

    let policy = "commission_percent = 200\nreserve_bps = 1000\n";
    let other = what_if(folder.path(), "other.toml", policy).await.json();
    assert_eq!(other["violations"], Value::Array(vec![]));
    for row in other["accounts"].as_array().unwrap() {
        let family = row["family"].as_str().unwrap();
        let seen = family.starts_with("assets:stripe:") || family.starts_with("assets:bank:");
        assert!(!seen || row["difference"] == 0, "{row}");
    }
    let kept = &other["decisions"]["payouts_kept"];
    assert!(kept.as_u64().unwrap() > 0, "{kept}");

    for (name, text, said) in [
        ("a.toml", "reserve_bps = 20000", "reserve_bps is 20000, but must be at most 10000"),
        ("b.toml", "reserve = 1", "there is no term \"reserve\""),
        ("c.toml", "reserve_bps = ", "c.toml"),
        ("d.json", "{\"refund_window_days\": 3}", "decides what people and Stripe do"),
    ] {
        let line = what_if(folder.path(), name, text).await.refusal(2);
        assert!(line.contains(said), "{line}");
    }
}

async fn what_if(folder: &Path, name: &str, policy: &str) -> Said {
    let file = folder.join(name);
    fs::write(&file, policy).unwrap();
    let (folder, file) = (folder.to_str().unwrap(), file.to_str().unwrap());
    run(&["whatif", "--data", folder, "--policy", file, "--json"]).await
}
