//! `daybook explain`: why a seller's balance is what it is.

use engine::explain::{Explanation, SellerFigure, explain};
use kernel::{Currency, Money, SellerId};

use crate::{
    config::DataArgs,
    engines::read_log,
    house::{Reading, some_tenant_of},
    outcome::{Failure, Outcome},
    show,
};

/// Which figure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Whose balance
    seller: SellerId,
    /// In which currency
    #[arg(long, default_value = "USD")]
    currency: Currency,
    /// One part of it: pending, available, reserve, dispute-hold or receivable
    #[arg(long)]
    part: Option<String>,
    /// Show at most the last so many lines
    #[arg(long, default_value_t = 20)]
    last: usize,
    /// Answer as JSON, with all lines
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let reading = Reading::of(log, &["journal"], &show::bar("reading")).await?;
    let figure = SellerFigure {
        tenant,
        seller: args.seller,
        currency: args.currency,
        part: args.part.clone(),
    };
    let engine = &reading.engine;
    let explained = explain(&**engine.log(), &**engine.views(), &figure).await;
    reading.close().await;
    let explanation = explained.map_err(Failure::usage)?;
    if args.json {
        return show::json(&explanation);
    }
    tell(&explanation, args.last);
    Ok(())
}

fn tell(explanation: &Explanation, last: usize) {
    let hidden = explanation.lines.len().saturating_sub(last);
    let amount = |minor| Money::new(minor, explanation.currency).amount_text();
    println!("{} {}: {}", explanation.seller, explanation.part, explanation.amount);
    if hidden > 0 {
        println!("({hidden} earlier lines; --last shows more)");
    }
    let mut rows = Vec::new();
    for line in explanation.lines.iter().skip(hidden) {
        rows.push(vec![
            line.position.to_string(),
            line.effective_at.clone(),
            line.nature.clone(),
            line.account.rsplit(':').next().unwrap_or_default().to_owned(),
            amount(line.minor),
            amount(line.running),
        ]);
    }
    let header = ["position", "effective", "what", "account", "amount", "running"];
    println!("{}", show::table(&header, &[0, 4, 5], rows));
    if let Some(line) = explanation.lines.last() {
        println!("why the last line is there:");
        for step in &line.causes {
            let webhook =
                step.webhook.as_ref().map_or_else(String::new, |webhook| format!(" via {webhook}"));
            println!("  {:>7} {} by {}{webhook}", step.position, step.event_type, step.actor);
        }
    }
}
