//! A KurrentDB-like server on one address, for trying out an adapter without a real one.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use kurrent_fake::{FakeOptions, FakeServer};

/// A protocol-level test server for KurrentDB clients. It is no database: do not keep anything in it.
#[derive(Debug, Parser)]
struct Args {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:2113")]
    listen: SocketAddr,
    /// Where to keep the history; without it nothing survives.
    #[arg(long)]
    file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Args { listen, file } = Args::parse();
    let options = FakeOptions { listen: vec![listen], file, ..FakeOptions::default() };
    let server = FakeServer::start(options).await?;
    println!("{}", server.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
