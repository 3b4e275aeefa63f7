//! Where settings come from: flags, `DAYBOOK_*` variables, and files for secrets. Secrets are never
//! flags, so that they do not stand in the process list.

use std::{env, fs, path::PathBuf};

use clap::{Args, ValueEnum};
use kernel::Mode;

use crate::{
    address::{LogAddress, ViewsAddress},
    outcome::{Failure, Outcome},
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// Log lines go to standard error; `RUST_LOG` chooses which (default: warnings, but not those of the
/// KurrentDB client, whose faults are told by whoever handles them).
pub(crate) fn start_logging(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,eventstore=off"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is refused; the first goes on.
    let _started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// Folder of the log and of what is derived from it, unless they are elsewhere.
    #[arg(long, env = "DAYBOOK_DATA", default_value = ".daybook")]
    pub(crate) data: PathBuf,
    /// Where the log is: sqlite:PATH, postgres://... or esdb://... (or the variable `DAYBOOK_LOG`);
    /// log.db in the data folder, if nothing is said.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Where the read models are: sqlite:PATH or postgres://... (or `DAYBOOK_VIEWS`); in the same
    /// database as a PostgreSQL log, otherwise views.db in the data folder.
    #[arg(long, value_name = "URL")]
    views: Option<String>,
    /// Ask for a log that survives the loss of one machine, and refuse to serve without.
    #[arg(long, env = "DAYBOOK_HIGH_AVAILABILITY")]
    pub(crate) high_availability: bool,
}

impl DataArgs {
    /// The log.
    pub(crate) fn log(&self) -> Outcome<LogAddress> {
        let named = named_log("log", self.log.as_deref(), "DAYBOOK_LOG")?;
        Ok(named.unwrap_or_else(|| LogAddress::Sqlite(self.data.join("log.db"))))
    }

    /// The read models; may be deleted at any time.
    pub(crate) fn views(&self) -> Outcome<ViewsAddress> {
        let (flag, variable) = ("views", "DAYBOOK_VIEWS");
        if let Some(text) = chosen(flag, self.views.as_deref(), variable)? {
            let address = ViewsAddress::parse(&text)?;
            let shown = self.views.is_some() && address.has_password();
            return if shown { Err(password_in_flag(flag, variable)) } else { Ok(address) };
        }
        Ok(match self.log()? {
            LogAddress::Postgres(url) => ViewsAddress::Postgres(url),
            LogAddress::Sqlite(_) | LogAddress::Kurrent(_) => {
                ViewsAddress::Sqlite(self.data.join("views.db"))
            }
        })
    }

    /// Makes sure the folder is there.
    pub(crate) fn create(&self) -> Outcome {
        fs::create_dir_all(&self.data).map_err(|error| {
            let folder = self.data.display();
            Failure::unavailable(format!("the data folder {folder} cannot be created: {error}"))
        })
    }
}

/// The log that a flag names, or else a variable, or else the file that `VARIABLE_FILE` names. Only a
/// flag must not carry a password: it stands in the process list.
pub(crate) fn named_log(
    flag: &str,
    given: Option<&str>,
    variable: &str,
) -> Outcome<Option<LogAddress>> {
    let Some(text) = chosen(flag, given, variable)? else { return Ok(None) };
    let address = LogAddress::parse(&text)?;
    if given.is_some() && address.has_password() {
        return Err(password_in_flag(flag, variable));
    }
    Ok(Some(address))
}

fn chosen(flag: &str, given: Option<&str>, variable: &str) -> Outcome<Option<String>> {
    match given {
        Some("") => Err(Failure::usage(format!("--{flag} is empty"))),
        Some(text) => Ok(Some(text.to_owned())),
        None => secret(variable),
    }
}

fn password_in_flag(flag: &str, variable: &str) -> Failure {
    Failure::usage(format!(
        "--{flag} carries a password, which everybody on this machine can read in the list of \
         processes; put the URL into the variable {variable}, or into a file that {variable}_FILE \
         names"
    ))
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "DAYBOOK_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// Threads that answer requests.
    #[arg(long, env = "DAYBOOK_WORKERS", default_value_t = 2)]
    pub(crate) workers: usize,
    /// Name of the tenant that is made when the log is empty.
    #[arg(long, env = "DAYBOOK_TENANT_NAME", default_value = "Daybook")]
    pub(crate) tenant_name: String,
    /// Live money; without it the tenant is a sandbox.
    #[arg(long, env = "DAYBOOK_LIVE")]
    pub(crate) live: bool,
    /// IANA time zone of report days and payout schedules, for a new tenant.
    #[arg(long, env = "DAYBOOK_TIME_ZONE", default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Where Stripe's API is, for tests and stand-ins.
    #[arg(long, env = "DAYBOOK_STRIPE_URL")]
    pub(crate) stripe_url: Option<String>,
    /// For how many seconds this process takes over work that one process at a time does, before it
    /// renews that; the same time passes until another one does the work of a process that is gone.
    #[arg(long, env = "DAYBOOK_LEASE_SECONDS", hide = true, default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) lease_seconds: u64,
    /// Write the first key's secret into this file (mode 600) instead of the terminal.
    #[arg(long, env = "DAYBOOK_FIRST_KEY_FILE")]
    pub(crate) first_key_file: Option<PathBuf>,
}

impl ServeArgs {
    /// Live or sandbox.
    pub(crate) const fn mode(&self) -> Mode {
        if self.live { Mode::Live } else { Mode::Sandbox }
    }
}

/// Stripe's secrets, from the environment or from files.
#[derive(Debug, Clone, Default)]
pub(crate) struct StripeSecrets {
    /// `DAYBOOK_STRIPE_KEY`: the API key; without it Daybook makes no calls.
    pub(crate) key: Option<String>,
    /// `DAYBOOK_STRIPE_WEBHOOK_SECRETS`: of the platform's endpoint, separated by commas.
    pub(crate) platform: Vec<String>,
    /// `DAYBOOK_STRIPE_CONNECT_SECRETS`: of the Connect endpoint, separated by commas.
    pub(crate) connect: Vec<String>,
}

impl StripeSecrets {
    /// Reads them. `NAME_FILE` names a file that holds the value of `NAME`.
    pub(crate) fn read() -> Outcome<Self> {
        Ok(Self {
            key: secret("DAYBOOK_STRIPE_KEY")?,
            platform: list(secret("DAYBOOK_STRIPE_WEBHOOK_SECRETS")?),
            connect: list(secret("DAYBOOK_STRIPE_CONNECT_SECRETS")?),
        })
    }
}

fn secret(name: &str) -> Outcome<Option<String>> {
    let value = match (env::var(name), env::var(format!("{name}_FILE"))) {
        (Ok(value), _) => Some(value),
        (Err(env::VarError::NotUnicode(_)), _) => {
            return Err(Failure::usage(format!("{name} is not readable text")));
        }
        (Err(env::VarError::NotPresent), Ok(file)) => {
            let text = fs::read_to_string(&file).map_err(|error| {
                Failure::usage(format!("{name}_FILE names {file}, which cannot be read: {error}"))
            })?;
            Some(text)
        }
        (Err(env::VarError::NotPresent), Err(_)) => None,
    };
    Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
}

fn list(value: Option<String>) -> Vec<String> {
    let value = value.unwrap_or_default();
    value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
