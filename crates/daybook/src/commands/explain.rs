//! `daybook explain`: why a figure is what it is.

use engine::{
    explain::{Explanation, Question, explain_figure, figure_of_part},
    figures::{Figures, KnownAt, Moment, zone_of},
};
use kernel::{Currency, Money, OrderId, SellerId};
use projections::{
    chart::Book,
    selectors::{FIGURES, Figure, Narrowing},
};

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
    /// A figure (`daybook explain list` names them), an account, a family of accounts, or a seller
    what: String,
    /// Only this seller's part of it
    #[arg(long)]
    seller: Option<SellerId>,
    /// Only this order's
    #[arg(long)]
    order: Option<OrderId>,
    /// Only this organizer's
    #[arg(long)]
    organizer: Option<String>,
    /// Only this product's
    #[arg(long)]
    product: Option<String>,
    /// In which book: `platform`, or a connected account
    #[arg(long)]
    book: Option<Book>,
    /// In which currency
    #[arg(long, default_value = "USD")]
    currency: Currency,
    /// Of a seller: pending, available, reserve, dispute-hold or receivable
    #[arg(long)]
    part: Option<String>,
    /// What had taken effect by the end of this day, or before this instant
    #[arg(long)]
    as_of: Option<Moment>,
    /// What took effect from this day or instant on
    #[arg(long)]
    from: Option<Moment>,
    /// What was known at this position of the log, at this instant, or at the end of this day
    #[arg(long)]
    known_at: Option<KnownAt>,
    /// Show at most the last so many lines
    #[arg(long, default_value_t = 20)]
    last: usize,
    /// Answer as JSON, with all lines
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    if args.what == "list" {
        let rows = FIGURES
            .iter()
            .map(|figure| vec![figure.name.to_owned(), figure.sentence.to_owned()])
            .collect();
        println!("{}", show::table(&["figure", "what it says"], &[], rows));
        return Ok(());
    }
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let zone = zone_of(&*log, tenant).await.map_err(Failure::unavailable)?;
    let known_at = match args.known_at {
        Some(known) => Some(known.position(&*log, zone).await.map_err(Failure::unavailable)?),
        None => None,
    };
    let narrowing = Narrowing {
        book: args.book.clone(),
        seller: args.seller,
        order: args.order,
        organizer: args.organizer.clone(),
        product: args.product.clone(),
        from: args.from.map(|from| from.begin(zone)),
        to: args.as_of.map(|as_of| as_of.end(zone)),
        known_at,
        ..Narrowing::default()
    };
    let mut question = question(&args, narrowing)?;
    if !args.json {
        question = question.latest(args.last.max(1), None);
    }
    let names = ["journal", "balance_series"];
    let reading = Reading::of(log, &names, &show::bar("reading")).await?;
    let engine = &reading.engine;
    let figures = Figures { log: &**engine.log(), views: &**engine.views(), tenant };
    let explained = explain_figure(figures, &question).await;
    reading.close().await;
    let explanation = explained.map_err(Failure::usage)?;
    if args.json {
        return show::json(&explanation);
    }
    tell(&explanation);
    Ok(())
}

fn question(args: &Args, narrowing: Narrowing) -> Outcome<Question> {
    if let Some(figure) = Figure::named(&args.what) {
        return Ok(Question::of(figure, narrowing, args.currency));
    }
    if let Ok(seller) = args.what.parse() {
        let figure = figure_of_part(args.part.as_deref()).map_err(Failure::usage)?;
        let narrowing = Narrowing { seller: Some(seller), ..narrowing };
        let question = Question::of(figure, narrowing, args.currency);
        return Ok(question.as_part(args.part.as_deref()));
    }
    Question::of_account(&args.what, narrowing, args.currency).map_err(|_| {
        let what = &args.what;
        Failure::usage(format!("\"{what}\" is no figure, account, family or seller"))
    })
}

fn tell(explanation: &Explanation) {
    let amount = |minor| Money::new(minor, explanation.currency).amount_text();
    let of = explanation.seller.map_or_else(String::new, |seller| format!(" of {seller}"));
    println!("{}{of}: {}", explanation.figure, explanation.amount);
    println!("{}", explanation.sentence);
    println!("known at position {}", explanation.known_at);
    if explanation.earlier.is_some() {
        let opening = amount(explanation.opening);
        println!("(earlier lines come to {opening}; --last shows more)");
    }
    let mut rows = Vec::new();
    for line in &explanation.lines {
        let objects = &line.objects;
        let stripe = [&objects.txn, &objects.stripe_object, &objects.charge];
        let stripe = stripe.into_iter().flatten().next().cloned().unwrap_or_default();
        rows.push(vec![
            line.position.to_string(),
            line.effective_at.clone(),
            line.nature.clone(),
            line.account.rsplit(':').next().unwrap_or_default().to_owned(),
            stripe,
            amount(line.minor),
            amount(line.running),
        ]);
    }
    let header = ["position", "effective", "what", "account", "stripe", "amount", "running"];
    println!("{}", show::table(&header, &[0, 5, 6], rows));
    if let Some(line) = explanation.lines.last() {
        println!("why the last line is there:");
        for step in &line.causes {
            let webhook =
                step.webhook.as_ref().map_or_else(String::new, |webhook| format!(" via {webhook}"));
            println!("  {:>7} {} by {}{webhook}", step.position, step.event_type, step.actor);
        }
    }
}
