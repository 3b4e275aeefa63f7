//! `daybook demo`: a month of a marketplace through the front door (orders by the API, signed
//! webhooks over HTTP) against our fake Stripe, and then the server goes on.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aggregates::api_key::events::Role;
use kernel::{Mode, Money, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stripe_fake::{
    Endpoints, FakeStripe, Seed, WebhookEndpoint,
    demo::{
        Delivery, DemoKeys, DemoOptions, DemoReport, Driver, Progress, compare, write_statements,
    },
    scenario::{MONTH_START, Scale, Scenario},
};

use super::{
    import::import_file,
    serve::{metrics, wait_for_the_end, write_secret},
};
use crate::{
    config::{ServeArgs, StripeSecrets},
    engines::exists,
    house::{House, NewKey, issue_key},
    outcome::{Failure, Outcome},
    remote::Remote,
    show,
};

/// How to play.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    serve: ServeArgs,
    /// How much of the month, in percent (100 is more than 3,000 orders)
    #[arg(long, default_value_t = 100)]
    percent: u32,
    /// Seed of the month and of the fake Stripe
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// In which order webhooks arrive: in-order, shuffled or twice
    #[arg(long, default_value = "in-order")]
    delivery: String,
    /// Let Daybook run without a Stripe key; what it asks for is done as a person would
    #[arg(long)]
    without_key: bool,
    /// Load, print, and end instead of serving on
    #[arg(long)]
    no_serve: bool,
}

/// What is remembered of a demo, in `demo.json` beside its log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Notes {
    seed: u64,
    percent: u32,
    platform_secret: String,
    connect_secret: String,
    admin: String,
    storefront: String,
    finance: String,
    done: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let folder = args.serve.data.data.clone();
    args.serve.data.create()?;
    let file = folder.join("demo.json");
    let mut notes = read_notes(&file, &args)?;
    let fake = open_fake(&folder, notes.seed)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::unavailable)?;
    let stripe = stripe_fake::serve(fake.clone(), listener).map_err(Failure::unavailable)?;
    let mut serve = args.serve.clone();
    serve.stripe_url = Some(stripe.url());
    let secrets = StripeSecrets {
        key: (!args.without_key).then(|| "sk_test_demo".to_owned()),
        platform: vec![notes.platform_secret.clone()],
        connect: vec![notes.connect_secret.clone()],
    };
    // The same tenant every time, so that two demos of one seed can be compared.
    let tenant = TenantId::derived(&["demo", &notes.seed.to_string()]);
    let house = House::open(&serve, &secrets, metrics()?, Some(tenant)).await?;
    make_keys(&house, &mut notes, &file).await?;
    let played = play(&args, &house, &fake, &mut notes, &file).await;
    let outcome = match played {
        Ok(()) => conclude(&args, &house, &notes, &stripe.url()).await,
        Err(failure) => Err(failure),
    };
    house.close().await;
    stripe.stop().await;
    outcome
}

fn read_notes(file: &Path, args: &Args) -> Outcome<Notes> {
    if !exists(file) {
        let secret = || {
            let random = api::secrets::random_text().map_err(Failure::unavailable)?;
            Ok(format!("whsec_{random}"))
        };
        return Ok(Notes {
            seed: args.seed,
            percent: args.percent,
            platform_secret: secret()?,
            connect_secret: secret()?,
            ..Notes::default()
        });
    }
    let text = fs::read_to_string(file).map_err(Failure::unavailable)?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is not a demo's: {error}", file.display())))
}

fn save(notes: &Notes, file: &Path) -> Outcome {
    let text = serde_json::to_string_pretty(notes).map_err(Failure::unavailable)?;
    write_secret(file, &text)
}

fn open_fake(folder: &Path, seed: u64) -> Outcome<FakeStripe> {
    let journal: PathBuf = folder.join("stripe.ndjson");
    FakeStripe::open(journal, Seed(seed), MONTH_START).map_err(Failure::unavailable)
}

async fn make_keys(house: &House, notes: &mut Notes, file: &Path) -> Outcome {
    let bus = house.engine.bus();
    let key = |name: &str, role, scopes: &[&str]| NewKey {
        name: name.to_owned(),
        role,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        seller: None,
        rate_per_minute: 600_000,
    };
    // A demo that was killed before its keys were written down gets new ones.
    if notes.admin.is_empty() {
        let new = key("demo administrator", Role::PlatformAdmin, &[]);
        let secret = issue_key(bus, house.tenant, Mode::Sandbox, new).await?;
        secret.reveal().clone_into(&mut notes.admin);
    }
    if notes.storefront.is_empty() {
        let scopes = ["orders:write", "orders:read", "refunds:request"];
        let new = key("demo storefront", Role::Partner, &scopes);
        let secret = issue_key(bus, house.tenant, Mode::Sandbox, new).await?;
        secret.reveal().clone_into(&mut notes.storefront);
    }
    if notes.finance.is_empty() {
        let new = key("demo finance", Role::FinanceOps, &[]);
        let secret = issue_key(bus, house.tenant, Mode::Sandbox, new).await?;
        secret.reveal().clone_into(&mut notes.finance);
    }
    save(notes, file)
}

fn delivery(args: &Args) -> Outcome<Delivery> {
    match args.delivery.as_str() {
        "in-order" => Ok(Delivery::InOrder),
        "shuffled" => Ok(Delivery::Shuffled(Seed(args.seed))),
        "twice" => Ok(Delivery::Twice),
        other => Err(Failure::usage(format!(
            "\"{other}\" is no order of delivery; use in-order, shuffled or twice"
        ))),
    }
}

async fn play(
    args: &Args,
    house: &House,
    fake: &FakeStripe,
    notes: &mut Notes,
    file: &Path,
) -> Outcome {
    if notes.done {
        eprintln!("the demo month is there already; nothing is loaded");
        return Ok(());
    }
    let started = Instant::now();
    let scenario = Scenario::generate(notes.seed, Scale(notes.percent.saturating_mul(10)));
    let folder = &args.serve.data.data;
    scenario.write_to(folder.join("scenario.ndjson")).map_err(Failure::unavailable)?;
    let keys = DemoKeys {
        admin: notes.admin.clone(),
        storefront: notes.storefront.clone(),
        finance: notes.finance.clone(),
    };
    let endpoint = |path: &str, secret: &str| {
        let url = format!("{}{path}", house.url());
        Some(WebhookEndpoint { url, secrets: vec![secret.to_owned()] })
    };
    let endpoints = Endpoints {
        platform: endpoint("/webhooks/stripe", &notes.platform_secret),
        connect: endpoint("/webhooks/stripe/connect", &notes.connect_secret),
    };
    let mut options = DemoOptions::new(house.url(), keys, endpoints);
    options.delivery = delivery(args)?;
    options.without_key = args.without_key;
    options.notes = Some(folder.join("demo-progress.ndjson"));
    options.concurrency = 16;
    let mut driver = Driver::new(&scenario, fake, options).map_err(Failure::unavailable)?;
    let bar = show::bar("loading the demo month");
    let report = driver
        .run(&mut |progress: &Progress| {
            bar.set_length(progress.steps as u64);
            bar.set_position(progress.steps_done as u64);
        })
        .await
        .map_err(Failure::check)?;
    bar.finish_and_clear();
    tell_report(&report, started.elapsed());
    if args.without_key {
        import_statements(house, fake, notes, folder).await?;
    }
    let books = driver.read_books().await.map_err(Failure::check)?;
    let differences = compare(&books, fake, &scenario).map_err(Failure::check)?;
    for difference in &differences {
        eprintln!(
            "DIFFERENCE {} {}: books {}, should be {}",
            difference.what, difference.currency, difference.books, difference.expected
        );
    }
    if differences.is_empty() {
        eprintln!(
            "books compared with Stripe's balances of {} accounts, with the calculation from the \
             scenario, and with zero: no difference",
            report.balances.len()
        );
    }
    notes.done = true;
    save(notes, file)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::check(format!("{} figures differ", differences.len())))
}

/// What a tenant without a key does at the end of a month: it imports Stripe's own statements.
async fn import_statements(
    house: &House,
    fake: &FakeStripe,
    notes: &Notes,
    folder: &Path,
) -> Outcome {
    let files = write_statements(fake, &folder.join("statements")).map_err(Failure::unavailable)?;
    let remote = Remote::new(&house.url(), &notes.finance);
    let (mut recorded, mut known) = (0, 0);
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "json")) {
        let owner = file.file_stem().and_then(|stem| stem.to_str());
        let account = owner.filter(|owner| owner.starts_with("acct_"));
        let (new, old) = import_file(&remote, file, account).await?;
        recorded += new;
        known += old;
    }
    house.engine.settle(Duration::from_secs(120)).await.map_err(Failure::check)?;
    eprintln!("imported {recorded} balance transactions; {known} were known");
    Ok(())
}

fn tell_report(report: &DemoReport, took: Duration) {
    let events: usize = report.events.values().sum();
    eprintln!(
        "{} orders, {} steps, {} deliveries of {events} Stripe events of {} types in {:.1} s",
        report.orders,
        report.steps,
        report.deliveries,
        report.events.len(),
        took.as_secs_f64()
    );
    let unplanned: Vec<_> = report.refused.iter().collect();
    for refused in unplanned.iter().take(10) {
        eprintln!(
            "  refused {} by {}: {} {}",
            refused.step, refused.by, refused.code, refused.detail
        );
    }
    if unplanned.len() > 10 {
        eprintln!("  and {} more were refused", unplanned.len() - 10);
    }
}

async fn conclude(args: &Args, house: &House, notes: &Notes, stripe: &str) -> Outcome {
    // Read models that were lost are being rebuilt.
    house.engine.settle(Duration::from_secs(600)).await.map_err(Failure::check)?;
    let remote = Remote::new(&house.url(), &notes.admin);
    print_trial_balance(&remote.get("/v1/trial-balance").await?);
    print_sellers(&remote).await?;
    let hashes = remote.get("/v1/hashes").await?;
    println!("balance hash {}", hashes["balance"].as_str().unwrap_or_default());
    if args.no_serve {
        return Ok(());
    }
    tell_how_to_go_on(args, house, notes, stripe);
    wait_for_the_end().await
}

fn print_trial_balance(trial: &Value) {
    let mut rows = Vec::new();
    for total in trial["totals"].as_array().into_iter().flatten() {
        if total["book"].as_str() != Some("platform") {
            continue;
        }
        let currency = total["currency"].as_str().unwrap_or_default().to_owned();
        rows.push(vec![
            currency.clone(),
            amount(&total["debits"], &currency),
            amount(&total["credits"], &currency),
            if total["balanced"] == true { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    println!("trial balance of the platform");
    println!("{}", show::table(&["currency", "debits", "credits", "balanced"], &[1, 2], rows));
    println!("{}", show::table(&["account", "currency", "balance"], &[2], groups(trial)));
}

/// Accounts of one kind are shown as one line: there are thousands of sellers' accounts.
fn groups(trial: &Value) -> Vec<Vec<String>> {
    let mut sums: std::collections::BTreeMap<(String, String), i64> = Default::default();
    for row in trial["accounts"].as_array().into_iter().flatten() {
        if row["book"].as_str() != Some("platform") {
            continue;
        }
        let account = row["account"].as_str().unwrap_or_default();
        let parts: Vec<_> =
            account.split(':').map(|part| if is_id(part) { "*" } else { part }).collect();
        let currency = row["currency"].as_str().unwrap_or_default().to_owned();
        *sums.entry((parts.join(":"), currency)).or_default() +=
            row["balance"].as_i64().unwrap_or(0);
    }
    sums.into_iter()
        .filter(|(_, sum)| *sum != 0)
        .map(|((account, currency), sum)| {
            let shown = amount(&Value::from(sum), &currency);
            vec![account, currency, shown]
        })
        .collect()
}

fn is_id(part: &str) -> bool {
    part.contains('_') && part.len() > 12
}

fn amount(minor: &Value, currency: &str) -> String {
    match (minor.as_i64(), currency.parse()) {
        (Some(minor), Ok(currency)) => Money::new(minor, currency).amount_text(),
        _ => minor.to_string(),
    }
}

async fn print_sellers(remote: &Remote) -> Outcome {
    let sellers = remote.get("/v1/sellers?limit=500").await?;
    let name = |id: &str| {
        let list = sellers["data"].as_array();
        list.into_iter()
            .flatten()
            .find(|seller| seller["seller"] == id)
            .and_then(|seller| seller["reference"].as_str())
            .unwrap_or(id)
            .to_owned()
    };
    let balances = remote.get("/v1/balances?limit=500").await?;
    let mut rows = Vec::new();
    for row in balances["data"].as_array().into_iter().flatten() {
        let currency = row["currency"].as_str().unwrap_or_default();
        let shown = |field: &str| amount(&row[field], currency);
        rows.push(vec![
            name(row["seller"].as_str().unwrap_or_default()),
            currency.to_owned(),
            shown("pending"),
            shown("available"),
            shown("dispute_hold"),
            shown("receivable"),
            shown("transferred"),
            shown("net"),
        ]);
    }
    rows.sort();
    println!("seller balances");
    let header = [
        "seller",
        "currency",
        "pending",
        "available",
        "held",
        "owes",
        "transferred",
        "net to date",
    ];
    println!("{}", show::table(&header, &[2, 3, 4, 5, 6, 7], rows));
    Ok(())
}

fn tell_how_to_go_on(args: &Args, house: &House, notes: &Notes, stripe: &str) {
    let url = house.url();
    let data = args.serve.data.data.display();
    eprintln!();
    eprintln!("dashboard    {url}/login");
    eprintln!("log in with  {}", notes.admin);
    eprintln!("             (kept in {data}/demo.json)");
    eprintln!("API          {url}/openapi.json");
    eprintln!("fake Stripe  {stripe}");
    eprintln!("post a webhook:");
    eprintln!(
        "    body='{{\"id\":\"evt_hello\",\"type\":\"customer.created\",\"created\":1772323200,\"livemode\":false,\"data\":{{\"object\":{{}}}}}}'"
    );
    eprintln!(
        "    t=$(date +%s); secret=$(sed -n 's/.*\"platform_secret\": \"\\(.*\\)\".*/\\1/p' {data}/demo.json)"
    );
    eprintln!(
        "    v1=$(printf '%s.%s' \"$t\" \"$body\" | openssl dgst -sha256 -hmac \"$secret\" | sed 's/.* //')"
    );
    eprintln!(
        "    curl -i {url}/webhooks/stripe -H \"Stripe-Signature: t=$t,v1=$v1\" -d \"$body\""
    );
    eprintln!("Ctrl-C ends it; `make run` goes on with the same data");
}
