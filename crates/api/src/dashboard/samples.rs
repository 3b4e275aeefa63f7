//! Every page with made-up data: what the tests read, and what people look at in a browser.

use chrono_tz::Tz;
use kernel::{Currency, Timestamp};

use super::{
    adjustments::{self, AdjustmentsPage},
    chart::{self, DayBars},
    periods::{self, PeriodsPage},
    shown::{Amount, Due, Reference, Status, When},
    views::*,
};

/// A title as an attacker would write it.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\" onclick=\"alert(2)\" style='x'";

const SELLER: &str = "/dashboard/sellers";
const ORDER: &str = "/dashboard/orders";

fn now() -> Timestamp {
    "2026-03-31T09:00:00Z".parse().unwrap()
}

fn when(days: i64) -> When {
    When::new(now().plus_days(days), Tz::Europe__Berlin)
}

fn usd(minor: i64) -> Amount {
    Amount::of(minor, Currency::USD)
}

fn seller(name: &str) -> Reference {
    Reference::to_page(kernel::SellerId::derived(&[name]), SELLER).called(Some(name))
}

fn order(name: &str) -> Reference {
    Reference::to_page(kernel::OrderId::derived(&[name]), ORDER).called(Some(name))
}

fn frame(title: &str, current: &str) -> Frame {
    let pages = [
        ("Overview", "/dashboard"),
        ("Sellers", "/dashboard/sellers"),
        ("Orders", "/dashboard/orders"),
        ("Memberships", "/dashboard/memberships"),
        ("Refunds", "/dashboard/refunds"),
        ("Disputes", "/dashboard/disputes"),
        ("Payouts", "/dashboard/payouts"),
        ("Adjustments", "/dashboard/adjustments"),
        ("Periods", "/dashboard/periods"),
        ("Work items", "/dashboard/work-items"),
        ("Alarms", "/dashboard/alarms"),
        ("Stripe events", "/dashboard/webhooks"),
    ];
    Frame {
        title: title.to_owned(),
        tenant: "Riverbend Makers".to_owned(),
        sandbox: true,
        role: "finance ops".to_owned(),
        nav: pages
            .into_iter()
            .map(|(label, href)| NavItem { label, href: href.to_owned(), current: href == current })
            .collect(),
        csrf: "c5f1".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        notice: (current == "/dashboard/refunds").then_some("The refund was approved."),
    }
}

fn choices(labels: &[&str], chosen: usize) -> Vec<Choice> {
    labels
        .iter()
        .enumerate()
        .map(|(n, label)| Choice {
            label: (*label).to_owned(),
            href: format!("?choice={label}"),
            current: n == chosen,
        })
        .collect()
}

fn earnings_row(label: &str, gross: i64, lost: i64) -> EarningsRow {
    EarningsRow {
        label: label.to_owned(),
        gross: usd(gross),
        fees: usd(gross / 10),
        refunds: usd(lost),
        disputes: usd(lost / 3),
        adjustments: usd(0),
        net: usd(gross - gross / 10 - lost - lost / 3),
    }
}

fn earnings() -> Earnings {
    let days: Vec<EarningsRow> = (1..=31_i64)
        .map(|day| {
            let gross = 40_000 + (day * 37 % 11) * 9500 + (day * 53 % 7) * 4000;
            let lost = if day % 9 == 4 { 140_000 } else { (day * 29 % 5) * 2300 };
            earnings_row(&format!("2026-03-{day:02}"), gross, lost)
        })
        .collect();
    let bars: Vec<DayBars> = days
        .iter()
        .map(|row| DayBars {
            day: row.label.clone(),
            gross: row.gross.0.minor(),
            net: row.net.0.minor(),
        })
        .collect();
    let sum = |part: fn(&EarningsRow) -> Amount| days.iter().map(|row| part(row).0.minor()).sum();
    Earnings {
        currency: "USD".to_owned(),
        currencies: choices(&["USD", "EUR", "JPY", "KWD"], 0),
        periods: choices(&["7 days", "30 days", "90 days", "All time"], 1),
        period: "1 Mar 2026 to 31 Mar 2026".to_owned(),
        pictures: chart::earnings(&bars, Currency::USD),
        total: earnings_row("Together", sum(|row| row.gross), sum(|row| row.refunds)),
        days,
    }
}

fn orders() -> Vec<OrderRow> {
    [
        ("R-10421", "confirmed", "paid", 5413, 0),
        ("R-10420", "completed", "partially_refunded", 124_000, 20_000),
        ("R-10419", "placed", "processing", 8990, 0),
        ("R-10418", "confirmed", "charged_back", 31_000, 0),
        ("R-10417", "expired", "awaiting", 1200, 0),
    ]
    .into_iter()
    .zip(0_i64..)
    .map(|((name, status, payment, total, refunded), age)| OrderRow {
        order: order(name),
        placed: when(-age),
        status: Status::of(status),
        payment: Status::of(payment),
        lines: 2,
        total: usd(total),
        refunded: usd(refunded),
    })
    .collect()
}

fn refunds() -> Vec<RefundRow> {
    [
        ("requested", "The glaze has a crack", true),
        ("succeeded", "", false),
        ("failed", HOSTILE, false),
    ]
    .into_iter()
    .zip(1_i64..)
    .map(|((status, reason, open), age)| RefundRow {
        refund: Reference::plain(kernel::RefundId::derived(&[status])),
        order: Some(order("R-10420")),
        seller: Some(seller("Kiln & Clay")),
        requested: when(-age),
        amount: usd(10_000 * age),
        status: Status::of(status),
        reason: reason.to_owned(),
        decide_by: open.then(|| Due { at: when(2), now: now() }),
        decide: open.then(|| (kernel::RefundId::derived(&[status]).to_string(), "once".to_owned())),
    })
    .collect()
}

fn disputes() -> Vec<DisputeRow> {
    [("needs_response", Some(1)), ("under_review", None), ("won", None), ("lost", None)]
        .into_iter()
        .zip(3_i64..)
        .map(|((status, due), age)| DisputeRow {
            dispute: Reference::plain(format!("dp_1Q{age}fSample")),
            order: Some(order("R-10418")),
            opened: when(-age),
            amount: usd(31_000),
            status: Status::of(status),
            reason: "product_not_received".to_owned(),
            due: due.map(|days| Due { at: when(days), now: now() }),
            assignee: due.map(|_| "finance ops".to_owned()),
        })
        .collect()
}

fn payouts() -> Vec<PayoutRow> {
    [
        ("paid", "arrived 28 Mar"),
        ("transfer_created", "expected 2 Apr"),
        ("failed", "account_closed"),
    ]
    .into_iter()
    .zip(2_i64..)
    .map(|((status, note), age)| PayoutRow {
        payout: Reference::plain(kernel::PayoutId::derived(&[status])),
        seller: Some(seller("Kiln & Clay")),
        requested: when(-age),
        amount: Some(usd(245_000)),
        status: Status::of(status),
        note: note.to_owned(),
    })
    .collect()
}

fn memberships() -> Vec<MembershipRow> {
    [("active", Some("Kiln & Clay")), ("ended", None)]
        .into_iter()
        .map(|(status, by)| MembershipRow {
            membership: Reference::plain(format!("mem_{status}")).called(Some(HOSTILE)),
            product: "gold".to_owned(),
            seller: by.map(seller),
            status: Status::of(status),
            until: Some("1 Jan 2027".to_owned()),
            paid: usd(12_000),
            recognized: usd(5_951),
            deferred: usd(6_049),
            mrr: usd(1_000),
        })
        .collect()
}

fn work_items() -> Vec<WorkItemRow> {
    [
        ("unallocated", "A charge that nobody ordered", Some(12_000)),
        ("quarantined", "charge.refund.updated could not be read", None),
        ("open_clearing", "Stripe has not confirmed this transfer", Some(-8810)),
    ]
    .into_iter()
    .map(|(kind, detail, amount)| WorkItemRow {
        kind: Status::of(kind),
        about: Reference::plain("ch_3QSampleSample"),
        detail: detail.to_owned(),
        amount: amount.map(usd),
        since: when(-4),
        due: None,
        explain: "/dashboard/events/1".to_owned(),
    })
    .collect()
}

fn balances() -> Vec<Balances> {
    let card = |label, minor, hint| Card {
        label,
        amount: usd(minor),
        hint,
        explain: Some("/dashboard/explain?account=pending".to_owned()),
    };
    vec![
        Balances {
            currency: "USD".to_owned(),
            total: usd(1_284_055),
            cards: vec![
                card("Pending", 421_030, "Earned, waiting for release"),
                card("Available", 832_025, "May be paid out"),
                card("Reserve", 50_000, "Kept back for a time"),
                card("Dispute hold", 31_000, "Kept back for open disputes"),
                card("Owed", -50_000, "To be netted with the next releases"),
            ],
            payout: Some(("8320.25".to_owned(), "once".to_owned())),
        },
        Balances {
            currency: "JPY".to_owned(),
            total: Amount::of(240_000, "JPY".parse().unwrap()),
            cards: vec![Card {
                label: "Pending",
                amount: Amount::of(240_000, "JPY".parse().unwrap()),
                hint: "Earned, waiting for release",
                explain: None,
            }],
            payout: None,
        },
    ]
}

fn shipments() -> Vec<ShipmentRow> {
    vec![ShipmentRow {
        name: "S-1".to_owned(),
        carrier: "Parcel Post".to_owned(),
        tracking: "PP123456789".to_owned(),
        status: Status::of("shipped"),
        shipped: Some(when(-3)),
    }]
}

fn totals() -> Vec<Figure> {
    [("Goods", 120_000), ("Discount", -5000), ("Shipping", 4000), ("Tax", 5000), ("Total", 124_000)]
        .into_iter()
        .map(|(label, minor)| Figure { label, amount: Some(usd(minor)) })
        .collect()
}

fn overview() -> OverviewPage {
    let trial = |book: &str, currency: &str, minor: i64| {
        let currency: Currency = currency.parse().unwrap();
        let of = |minor| Amount::of(minor, currency);
        TrialRow {
            book: book.to_owned(),
            currency: currency.to_string(),
            assets: of(minor),
            liabilities: of(minor - 200),
            equity: of(0),
            income: of(500),
            expenses: of(300),
            difference: of(0),
        }
    };
    OverviewPage {
        frame: frame("Overview", "/dashboard"),
        trial: Some(vec![
            trial("Platform", "USD", 18_250_310),
            trial("Platform", "EUR", 4_120_000),
            trial("Platform", "JPY", 9_120_000),
            trial("Connected accounts", "USD", 3_210_000),
        ]),
        earnings: Some(earnings()),
        top_sellers: ["Kiln & Clay", "North Loom", "Paper Lantern Press", HOSTILE]
            .into_iter()
            .zip(1_i64..)
            .map(|(name, n)| (seller(name), usd(900_000 / n)))
            .collect(),
        work_items: Some(work_items()),
        orders: orders(),
        refunds: refunds(),
        disputes: disputes(),
        payouts: payouts(),
        progress: Progress { head: 48_211, behind: 3, stopped: vec![] },
    }
}

fn sellers_page() -> SellersPage {
    let money = |n: i64| SellerMoney {
        net: usd(n * 5),
        pending: usd(n * 2),
        available: usd(n),
        held: usd(n / 3),
        owed: usd(0),
    };
    SellersPage {
        frame: frame("Sellers", "/dashboard/sellers"),
        sellers: ["Kiln & Clay", "North Loom", HOSTILE]
            .into_iter()
            .map(|name| SellerRow {
                seller: seller(name),
                organizer: Some(Reference::to_page("spring-fair", "/dashboard/organizers")),
                status: Status::of("active"),
                balances: vec![money(120_000), money(40_000)],
            })
            .collect(),
        next: Some("?cursor=x".to_owned()),
        with_money: true,
    }
}

fn seller_page() -> SellerPage {
    let entries = [("sale", 4500), ("refund", -4000), ("chargeback", -31_000), ("release", 0)]
        .into_iter()
        .zip(0_i64..)
        .map(|((nature, minor), age)| EntryRow {
            when: when(-age),
            nature: Status::of(nature),
            about: Some(order("R-10420")),
            product: "mug-blue".to_owned(),
            amount: usd(minor),
            running: usd(1_284_055 - age * 1000),
            explain: "/dashboard/events/48000".to_owned(),
        })
        .collect();
    SellerPage {
        frame: frame("Kiln & Clay", "/dashboard/sellers"),
        id: kernel::SellerId::derived(&["a"]).to_string(),
        name: "Kiln & Clay".to_owned(),
        status: Status::of("active"),
        organizer: Some(Reference::to_page("spring-fair", "/dashboard/organizers")),
        money: Some(SellerPageMoney { balances: balances(), earnings: earnings(), entries }),
        orders: orders(),
        refunds: refunds(),
        disputes: disputes(),
        payouts: payouts(),
    }
}

fn order_page() -> OrderPage {
    let line = |title: &str| LineRow {
        title: title.to_owned(),
        seller: seller("Kiln & Clay"),
        quantity: 2,
        unit_price: usd(30_000),
        discount: usd(2500),
        shipping: usd(2000),
        tax: usd(2500),
        total: usd(62_000),
        fee: usd(6000),
        seller_net: usd(56_000),
        refunded: usd(10_000),
        fulfilment: Status::of("shipped"),
    };
    let timeline = ["order.placed", "payment.captured", "order.paid", "order.lines_shipped"]
        .into_iter()
        .zip(0_i64..)
        .map(|(what, n)| TimelineItem {
            when: when(n - 5),
            what: what.to_owned(),
            summary: String::new(),
            who: "stripe".to_owned(),
            webhook: Some("evt_1QSample".to_owned()),
            explain: "/dashboard/events/12".to_owned(),
        })
        .collect();
    OrderPage {
        frame: frame("Order R-10420", "/dashboard/orders"),
        id: kernel::OrderId::derived(&["R-10420"]).to_string(),
        name: "R-10420".to_owned(),
        status: Status::of("confirmed"),
        payment: Status::of("partially_refunded"),
        buyer: "guest".to_owned(),
        placed: when(-5),
        paid: Some(when(-5)),
        charge: Some("ch_3QSampleSample".to_owned()),
        totals: totals(),
        lines: vec![line("Blue stoneware mug"), line(HOSTILE)],
        shipments: shipments(),
        refunds: refunds(),
        reconciliation: Some(
            [
                ("Captured", Some(124_000)),
                ("Sellers", Some(112_000)),
                ("Commission", Some(12_000)),
                ("Tax", Some(5000)),
                ("Discount", Some(5000)),
                ("Stripe's fee", None),
                ("Difference", Some(0)),
            ]
            .into_iter()
            .map(|(label, minor)| Figure { label, amount: minor.map(usd) })
            .collect(),
        ),
        timeline: Some(timeline),
    }
}

fn explain_page() -> ExplainPage {
    ExplainPage {
        frame: frame("Available", "/dashboard/sellers"),
        figure: "Available".to_owned(),
        account: "liabilities:seller:sel_0123:available".to_owned(),
        of: seller("Kiln & Clay"),
        choices: choices(&["All", "Pending", "Available", "Reserve"], 2),
        amount: usd(832_025),
        lines: (0..6_i64)
            .map(|n| FigureLine {
                position: 48_000 - n.unsigned_abs() * 17,
                when: when(-n),
                event: "seller_account.released".to_owned(),
                about: Some(order("R-10420")),
                amount: usd(45_000 - n * 30_000),
                running: usd(832_025 - n * 45_000),
                explain: "/dashboard/events/48000".to_owned(),
            })
            .collect(),
        earlier: Some(usd(500_000)),
        older: Some("?before=47000".to_owned()),
    }
}

fn event_page() -> EventPage {
    let line = |account: &str, minor: i64| JournalRow {
        entry: 1,
        book: "Platform".to_owned(),
        account: account.to_owned(),
        debit: (minor > 0).then(|| usd(minor)),
        credit: (minor < 0).then(|| usd(-minor)),
    };
    EventPage {
        frame: frame("Event 48000", "/dashboard"),
        position: 48_000,
        event_id: "0197a3f2-1111-7000-8000-000000000000".to_owned(),
        lines: vec![
            line("assets:clearing:internal:claim:ord_0197a3f211117000800000000000beef:0", 4500),
            line("liabilities:seller:sel_0197a3f211117000800000000000beef:pending", -4500),
        ],
        causes: ["seller_account.credited", "order.paid", "payment.captured"]
            .into_iter()
            .zip(0..3)
            .map(|(what, n)| CauseRow {
                position: 48_000 - n,
                what: what.to_owned(),
                stream: "order-ord_0197a3f2".to_owned(),
                when: when(-1),
                who: "stripe".to_owned(),
                request: None,
                webhook: (n == 2).then(|| "evt_1QSample".to_owned()),
                href: "/dashboard/events/47999".to_owned(),
            })
            .collect(),
        payload: Some("{\"title\":\"<script>\"}".to_owned()),
    }
}

fn guest_page() -> GuestOrderPage {
    let line = |line: u32, title: &str, refundable: Option<i64>| GuestLine {
        line,
        title: title.to_owned(),
        quantity: 1,
        total: usd(62_000),
        refunded: usd(if line == 1 { 10_000 } else { 0 }),
        fulfilment: Status::of("shipped"),
        refundable: refundable.map(usd),
    };
    GuestOrderPage {
        shop: "Riverbend Makers".to_owned(),
        id: kernel::OrderId::derived(&["R-10420"]).to_string(),
        name: "R-10420".to_owned(),
        status: Status::of("confirmed"),
        payment: Status::of("paid"),
        placed: when(-5),
        totals: totals(),
        lines: vec![line(0, "Blue stoneware mug", Some(62_000)), line(1, HOSTILE, None)],
        shipments: shipments(),
        refunds: refunds(),
        token: "token".to_owned(),
        once: "once".to_owned(),
        notice: Some("We have asked for your refund."),
        zone: "Europe/Berlin".to_owned(),
    }
}

/// All pages, rendered, by name.
pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut pages = single_pages();
    pages.append(&mut list_pages());
    pages
}

fn single_pages() -> Vec<(&'static str, String)> {
    let organizer = OrganizerPage {
        frame: frame("spring-fair", "/dashboard/sellers"),
        name: "spring-fair".to_owned(),
        earnings: earnings(),
        sellers: vec![(seller("Kiln & Clay"), earnings_row("", 900_000, 20_000))],
    };
    let problem = ProblemPage {
        status: 409,
        title: "Already decided".to_owned(),
        detail: HOSTILE.to_owned(),
        code: "refund.already_decided".to_owned(),
        back: "/dashboard/refunds".to_owned(),
    };
    let failure = Some("This key is not valid. Check that you copied all of it.".to_owned());
    vec![
        ("overview", rendered(&overview())),
        ("sellers", rendered(&sellers_page())),
        ("seller", rendered(&seller_page())),
        ("organizer", rendered(&organizer)),
        ("order", rendered(&order_page())),
        ("explain", rendered(&explain_page())),
        ("event", rendered(&event_page())),
        ("login", rendered(&LoginPage { failure })),
        ("problem", rendered(&problem)),
        ("guest_order", rendered(&guest_page())),
        ("adjustments", rendered(&adjustments_page())),
        ("periods", rendered(&periods_page())),
    ]
}

fn adjustments_page() -> AdjustmentsPage {
    let line = |account: &str, debit, credit| adjustments::LineRow {
        account: account.to_owned(),
        debit,
        credit,
    };
    let row = |status: &str, decide, withdraw| adjustments::AdjustmentRow {
        adjustment: Reference::plain(kernel::AdjustmentId::derived(&[status])),
        reason: Status::of("bank_movement"),
        status: Status::of(status),
        effective: when(-3),
        proposed_by: Reference::plain("key_1"),
        memo: HOSTILE.to_owned(),
        amount: usd(3040),
        lines: vec![
            line("assets:bank:main", Some(usd(3040)), None),
            line("sel_1", None, Some(usd(3040))),
        ],
        decide,
        withdraw,
    };
    let words = |id: &str| Some((id.to_owned(), "w1".to_owned()));
    AdjustmentsPage {
        frame: frame("Adjustments", "/dashboard/adjustments"),
        paging: Paging { filters: choices(&["All", "proposed"], 0), next: None },
        adjustments: vec![
            row("proposed", words("adj_1"), None),
            row("withdrawn", None, None),
            row("approved", None, words("adj_3")),
        ],
        proposal: Some(adjustments::Proposal {
            once: "w2".to_owned(),
            reasons: vec![("other".to_owned(), "other".to_owned())],
            lines: vec![1, 2],
            today: "2026-03-31".to_owned(),
        }),
    }
}

fn periods_page() -> PeriodsPage {
    PeriodsPage {
        frame: frame("Periods", "/dashboard/periods"),
        periods: vec![periods::PeriodRow {
            day: "2026-02-28".to_owned(),
            status: Status::of("reopening"),
            closed: when(-30),
            by: Reference::plain("key_1"),
            position: 4711,
            totals: vec!["platform: 103.25 USD".to_owned(), "acct_1: 40.00 USD".to_owned()],
            note: HOSTILE.to_owned(),
        }],
        revaluations: vec![periods::RevaluationRow {
            day: "2026-02-28".to_owned(),
            source: "ECB".to_owned(),
            result: "loss",
            amount: usd(25),
            when: when(-29),
        }],
        closing: Some(periods::Closing {
            close: "w1".to_owned(),
            undo: Some(("w2".to_owned(), "w3".to_owned())),
            yesterday: "2026-03-30".to_owned(),
        }),
    }
}

fn list_pages() -> Vec<(&'static str, String)> {
    let paging =
        || Paging { filters: choices(&["All", "Open"], 0), next: Some("?cursor=x".to_owned()) };
    let part = |title, path| (frame(title, path), paging());
    let (frame, paging) = part("Orders", "/dashboard/orders");
    let orders = rendered(&OrdersPage { frame, paging, orders: orders() });
    let (frame, paging) = part("Refunds", "/dashboard/refunds");
    let refunds = rendered(&RefundsPage { frame, paging, refunds: refunds() });
    let (frame, paging) = part("Disputes", "/dashboard/disputes");
    let disputes = rendered(&DisputesPage { frame, paging, disputes: disputes() });
    let (frame, paging) = part("Payouts", "/dashboard/payouts");
    let payouts = rendered(&PayoutsPage { frame, paging, payouts: payouts() });
    let (frame, paging) = part("Memberships", "/dashboard/memberships");
    let memberships = rendered(&MembershipsPage { frame, paging, memberships: memberships() });
    let (frame, paging) = part("Work items", "/dashboard/work-items");
    let work_items = rendered(&WorkItemsPage { frame, paging, work_items: work_items() });
    let (frame, paging) = part("Alarms", "/dashboard/alarms");
    let alarms = rendered(&alarms_page(frame, paging));
    let (frame, paging) = part("Stripe events", "/dashboard/webhooks");
    let webhooks = vec![WebhookRow {
        event: Reference::plain("evt_1QSampleSampleSampleSample"),
        kind: "charge.succeeded".to_owned(),
        endpoint: "platform".to_owned(),
        received: when(-1),
        status: Status::of("quarantined"),
        note: HOSTILE.to_owned(),
    }];
    let webhooks = rendered(&WebhooksPage { frame, paging, webhooks });
    vec![
        ("orders", orders),
        ("refunds", refunds),
        ("disputes", disputes),
        ("payouts", payouts),
        ("memberships", memberships),
        ("work_items", work_items),
        ("alarms", alarms),
        ("webhooks", webhooks),
    ]
}

fn alarms_page(frame: Frame, paging: Paging) -> AlarmsPage {
    let event = |position: &str| Choice {
        label: position.to_owned(),
        href: format!("/dashboard/events/{position}"),
        current: false,
    };
    let alarms = vec![AlarmRow {
        invariant: "I6".to_owned(),
        status: Status::of("violated"),
        about: Reference::plain("liabilities:refunds-payable USD"),
        what: HOSTILE.to_owned(),
        amount: Some(usd(-500)),
        since: when(-1),
        events: vec![event("4711"), event("4712")],
        more: 3,
        cleared: None,
    }];
    let standing = |name: &str, word: &str, open| InvariantRow {
        name: name.to_owned(),
        sentence: "what is owed is never negative",
        verdict: Status::of(word),
        open,
        href: "/dashboard/alarms?invariant=I6".to_owned(),
    };
    let invariants = vec![standing("I5", "holds", 0), standing("I6", "violated", 1)];
    AlarmsPage { frame, paging, invariants, alarms }
}

fn rendered(template: &impl askama::Template) -> String {
    template.render().unwrap()
}
