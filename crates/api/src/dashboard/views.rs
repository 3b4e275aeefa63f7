//! What each page shows, and nothing more: the templates know these structs and no read model.

use askama::Template;

use super::shown::{Amount, Due, Reference, Status, When};

/// What stands around every page of somebody who has logged in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    /// The page's own name.
    pub(crate) title: String,
    /// Whose books these are.
    pub(crate) tenant: String,
    /// Whether it is a sandbox.
    pub(crate) sandbox: bool,
    /// In which role the reader is here.
    pub(crate) role: String,
    /// Where else he may go.
    pub(crate) nav: Vec<NavItem>,
    /// What his forms must repeat.
    pub(crate) csrf: String,
    /// In which time zone instants are shown.
    pub(crate) zone: String,
    /// What he has just done.
    pub(crate) notice: Option<&'static str>,
}

/// A way to another page.
#[derive(Debug, Clone)]
pub(crate) struct NavItem {
    /// Its name.
    pub(crate) label: &'static str,
    /// Its address.
    pub(crate) href: String,
    /// Whether the reader is there.
    pub(crate) current: bool,
}

/// One of several things to choose from by a link.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What it is called.
    pub(crate) label: String,
    /// The address that chooses it.
    pub(crate) href: String,
    /// Whether it is chosen.
    pub(crate) current: bool,
}

/// An order in a list.
#[derive(Debug, Clone)]
pub(crate) struct OrderRow {
    /// The order.
    pub(crate) order: Reference,
    /// When it was placed.
    pub(crate) placed: When,
    /// Where it stands.
    pub(crate) status: Status,
    /// Where its money stands.
    pub(crate) payment: Status,
    /// How many lines it has.
    pub(crate) lines: u32,
    /// What the buyer pays.
    pub(crate) total: Amount,
    /// What went back to the buyer.
    pub(crate) refunded: Amount,
}

/// A refund in a list.
#[derive(Debug, Clone)]
pub(crate) struct RefundRow {
    /// The refund.
    pub(crate) refund: Reference,
    /// Its order, if it has one.
    pub(crate) order: Option<Reference>,
    /// The seller of what is refunded.
    pub(crate) seller: Option<Reference>,
    /// When it was asked for.
    pub(crate) requested: When,
    /// How much.
    pub(crate) amount: Amount,
    /// Where it stands.
    pub(crate) status: Status,
    /// Why, in the words of who asked.
    pub(crate) reason: String,
    /// By when it should be decided, while it is not.
    pub(crate) decide_by: Option<Due>,
    /// The id and a word for one use, for the forms that decide it; `None` if the reader may not.
    pub(crate) decide: Option<(String, String)>,
}

/// A dispute in a list.
#[derive(Debug, Clone)]
pub(crate) struct DisputeRow {
    /// The dispute.
    pub(crate) dispute: Reference,
    /// The disputed order, if it is known.
    pub(crate) order: Option<Reference>,
    /// When it was opened.
    pub(crate) opened: When,
    /// How much.
    pub(crate) amount: Amount,
    /// Where it stands.
    pub(crate) status: Status,
    /// The bank's reason.
    pub(crate) reason: String,
    /// By when evidence is due, while it is.
    pub(crate) due: Option<Due>,
    /// Who works on it.
    pub(crate) assignee: Option<String>,
}

/// A payout in a list.
#[derive(Debug, Clone)]
pub(crate) struct PayoutRow {
    /// The payout.
    pub(crate) payout: Reference,
    /// To whom; `None` is the platform itself.
    pub(crate) seller: Option<Reference>,
    /// When it was asked for.
    pub(crate) requested: When,
    /// How much; not known before "all that is available" is counted.
    pub(crate) amount: Option<Amount>,
    /// Where it stands.
    pub(crate) status: Status,
    /// When it should arrive, or why it did not.
    pub(crate) note: String,
}

/// A membership in a list.
#[derive(Debug, Clone)]
pub(crate) struct MembershipRow {
    /// The membership.
    pub(crate) membership: Reference,
    /// The tier or product.
    pub(crate) product: String,
    /// Who sells it; `None` is the platform itself.
    pub(crate) seller: Option<Reference>,
    /// Where it stands.
    pub(crate) status: Status,
    /// The day on which its paid days are over.
    pub(crate) until: Option<String>,
    /// All that was paid for it.
    pub(crate) paid: Amount,
    /// What of that is income.
    pub(crate) recognized: Amount,
    /// What of that is not rendered yet.
    pub(crate) deferred: Amount,
    /// What it brings in a month.
    pub(crate) mrr: Amount,
}

/// Something that waits for a person.
#[derive(Debug, Clone)]
pub(crate) struct WorkItemRow {
    /// What kind of thing.
    pub(crate) kind: Status,
    /// What it is about.
    pub(crate) about: Reference,
    /// What there is to know.
    pub(crate) detail: String,
    /// How much money waits, if any.
    pub(crate) amount: Option<Amount>,
    /// Since when.
    pub(crate) since: When,
    /// By when it should be done, where there is a date.
    pub(crate) due: Option<Due>,
    /// The event that opened it.
    pub(crate) explain: String,
}

/// A line of a seller's statement.
#[derive(Debug, Clone)]
pub(crate) struct EntryRow {
    /// When it took effect.
    pub(crate) when: When,
    /// What it was: sale, refund, payout, ...
    pub(crate) nature: Status,
    /// What it is about.
    pub(crate) about: Option<Reference>,
    /// What was sold, where that is known.
    pub(crate) product: String,
    /// By how much the seller is better off.
    pub(crate) amount: Amount,
    /// His total after it.
    pub(crate) running: Amount,
    /// Where it is explained.
    pub(crate) explain: String,
}

/// One of a seller's balances.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    /// Its name.
    pub(crate) label: &'static str,
    /// How much.
    pub(crate) amount: Amount,
    /// What it means.
    pub(crate) hint: &'static str,
    /// Where it is explained.
    pub(crate) explain: Option<String>,
}

/// A seller's balances in one currency.
#[derive(Debug, Clone)]
pub(crate) struct Balances {
    /// The currency's code.
    pub(crate) currency: String,
    /// The total.
    pub(crate) total: Amount,
    /// Its parts.
    pub(crate) cards: Vec<Card>,
    /// The form that asks for a payout: what is available, and a word for one use.
    pub(crate) payout: Option<(String, String)>,
}

/// One day's earnings, or their sum.
#[derive(Debug, Clone)]
pub(crate) struct EarningsRow {
    /// The day, or what is summed.
    pub(crate) label: String,
    /// Sold.
    pub(crate) gross: Amount,
    /// Commission.
    pub(crate) fees: Amount,
    /// Refunded.
    pub(crate) refunds: Amount,
    /// Lost in disputes.
    pub(crate) disputes: Amount,
    /// Other corrections.
    pub(crate) adjustments: Amount,
    /// What stayed.
    pub(crate) net: Amount,
}

/// Earnings by day, as a picture and as a table.
#[derive(Debug, Clone)]
pub(crate) struct Earnings {
    /// Which currency.
    pub(crate) currency: String,
    /// The currencies to choose from.
    pub(crate) currencies: Vec<Choice>,
    /// The periods to choose from.
    pub(crate) periods: Vec<Choice>,
    /// The chosen period in words.
    pub(crate) period: String,
    /// The pictures: wide and narrow.
    pub(crate) pictures: Option<(String, String)>,
    /// The days.
    pub(crate) days: Vec<EarningsRow>,
    /// Their sum.
    pub(crate) total: EarningsRow,
}

/// A seller in a list.
#[derive(Debug, Clone)]
pub(crate) struct SellerRow {
    /// The seller.
    pub(crate) seller: Reference,
    /// Who organizes it.
    pub(crate) organizer: Option<Reference>,
    /// Whether he can be paid.
    pub(crate) status: Status,
    /// His balances, one row per currency.
    pub(crate) balances: Vec<SellerMoney>,
}

/// A seller's money in one currency, in a list.
#[derive(Debug, Clone)]
pub(crate) struct SellerMoney {
    /// Earned to date.
    pub(crate) net: Amount,
    /// Waiting.
    pub(crate) pending: Amount,
    /// May be paid out.
    pub(crate) available: Amount,
    /// Kept back: reserve and dispute hold.
    pub(crate) held: Amount,
    /// Owed by him.
    pub(crate) owed: Amount,
}

/// The books of one currency in five figures.
#[derive(Debug, Clone)]
pub(crate) struct TrialRow {
    /// Whose books.
    pub(crate) book: String,
    /// The currency's code.
    pub(crate) currency: String,
    /// Debits less credits.
    pub(crate) assets: Amount,
    /// Credits less debits.
    pub(crate) liabilities: Amount,
    /// Credits less debits.
    pub(crate) equity: Amount,
    /// Credits less debits.
    pub(crate) income: Amount,
    /// Debits less credits.
    pub(crate) expenses: Amount,
    /// Debits less credits over all accounts: never anything but 0.
    pub(crate) difference: Amount,
}

/// How far the read models have come.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The last position of the log.
    pub(crate) head: u64,
    /// How many events the slowest read model still has to read.
    pub(crate) behind: u64,
    /// Which ones stand still, and why.
    pub(crate) stopped: Vec<(String, String)>,
}

/// The platform at a glance.
#[derive(Debug, Template)]
#[template(path = "pages/overview.html")]
pub(crate) struct OverviewPage {
    pub(crate) frame: Frame,
    pub(crate) trial: Option<Vec<TrialRow>>,
    pub(crate) earnings: Option<Earnings>,
    pub(crate) top_sellers: Vec<(Reference, Amount)>,
    pub(crate) work_items: Option<Vec<WorkItemRow>>,
    pub(crate) orders: Vec<OrderRow>,
    pub(crate) refunds: Vec<RefundRow>,
    pub(crate) disputes: Vec<DisputeRow>,
    pub(crate) payouts: Vec<PayoutRow>,
    pub(crate) progress: Progress,
}

/// All sellers.
#[derive(Debug, Template)]
#[template(path = "pages/sellers.html")]
pub(crate) struct SellersPage {
    pub(crate) frame: Frame,
    pub(crate) sellers: Vec<SellerRow>,
    pub(crate) next: Option<String>,
    pub(crate) with_money: bool,
}

/// One seller; his own home.
#[derive(Debug, Template)]
#[template(path = "pages/seller.html")]
pub(crate) struct SellerPage {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) organizer: Option<Reference>,
    pub(crate) money: Option<SellerPageMoney>,
    pub(crate) orders: Vec<OrderRow>,
    pub(crate) refunds: Vec<RefundRow>,
    pub(crate) disputes: Vec<DisputeRow>,
    pub(crate) payouts: Vec<PayoutRow>,
}

/// What a seller's page says about his money, to those who may see it.
#[derive(Debug, Clone)]
pub(crate) struct SellerPageMoney {
    pub(crate) balances: Vec<Balances>,
    pub(crate) earnings: Earnings,
    pub(crate) entries: Vec<EntryRow>,
}

/// What one organizer's sellers earned.
#[derive(Debug, Template)]
#[template(path = "pages/organizer.html")]
pub(crate) struct OrganizerPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) earnings: Earnings,
    pub(crate) sellers: Vec<(Reference, EarningsRow)>,
}

/// A line of an order.
#[derive(Debug, Clone)]
pub(crate) struct LineRow {
    /// What the buyer read.
    pub(crate) title: String,
    /// Whose goods.
    pub(crate) seller: Reference,
    /// How many.
    pub(crate) quantity: u32,
    /// Each.
    pub(crate) unit_price: Amount,
    /// Its share of the discount.
    pub(crate) discount: Amount,
    /// Its share of shipping.
    pub(crate) shipping: Amount,
    /// Its share of tax.
    pub(crate) tax: Amount,
    /// What the buyer pays.
    pub(crate) total: Amount,
    /// Commission.
    pub(crate) fee: Amount,
    /// What the seller gets.
    pub(crate) seller_net: Amount,
    /// What went back.
    pub(crate) refunded: Amount,
    /// Where the goods are.
    pub(crate) fulfilment: Status,
}

/// A shipment.
#[derive(Debug, Clone)]
pub(crate) struct ShipmentRow {
    /// The storefront's name of it.
    pub(crate) name: String,
    /// Who carries it.
    pub(crate) carrier: String,
    /// The tracking number.
    pub(crate) tracking: String,
    /// Whether it arrived.
    pub(crate) status: Status,
    /// When it was handed over.
    pub(crate) shipped: Option<When>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct TimelineItem {
    /// When it was recorded.
    pub(crate) when: When,
    /// What, such as `order.paid`.
    pub(crate) what: String,
    /// What it says, in short.
    pub(crate) summary: String,
    /// Who brought it about.
    pub(crate) who: String,
    /// The Stripe event that brought the news.
    pub(crate) webhook: Option<String>,
    /// Where it is explained.
    pub(crate) explain: String,
}

/// A name and an amount.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Its name.
    pub(crate) label: &'static str,
    /// How much.
    pub(crate) amount: Option<Amount>,
}

/// One order.
#[derive(Debug, Template)]
#[template(path = "pages/order.html")]
pub(crate) struct OrderPage {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) payment: Status,
    pub(crate) buyer: String,
    pub(crate) placed: When,
    pub(crate) paid: Option<When>,
    pub(crate) charge: Option<String>,
    pub(crate) totals: Vec<Figure>,
    pub(crate) lines: Vec<LineRow>,
    pub(crate) shipments: Vec<ShipmentRow>,
    pub(crate) refunds: Vec<RefundRow>,
    pub(crate) reconciliation: Option<Vec<Figure>>,
    pub(crate) timeline: Option<Vec<TimelineItem>>,
}

/// A list with filters and a way to the next page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paging {
    /// Which part of the list.
    pub(crate) filters: Vec<Choice>,
    /// The address of the next page.
    pub(crate) next: Option<String>,
}

/// Orders.
#[derive(Debug, Template)]
#[template(path = "pages/orders.html")]
pub(crate) struct OrdersPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) orders: Vec<OrderRow>,
}

/// Refunds.
#[derive(Debug, Template)]
#[template(path = "pages/refunds.html")]
pub(crate) struct RefundsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) refunds: Vec<RefundRow>,
}

/// Disputes, the most urgent first.
#[derive(Debug, Template)]
#[template(path = "pages/disputes.html")]
pub(crate) struct DisputesPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) disputes: Vec<DisputeRow>,
}

/// Memberships.
#[derive(Debug, Template)]
#[template(path = "pages/memberships.html")]
pub(crate) struct MembershipsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) memberships: Vec<MembershipRow>,
}

/// Payouts.
#[derive(Debug, Template)]
#[template(path = "pages/payouts.html")]
pub(crate) struct PayoutsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) payouts: Vec<PayoutRow>,
}

/// Work items.
#[derive(Debug, Template)]
#[template(path = "pages/work_items.html")]
pub(crate) struct WorkItemsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) work_items: Vec<WorkItemRow>,
}

/// An invariant, and how it stands.
#[derive(Debug, Clone)]
pub(crate) struct InvariantRow {
    /// Its name, such as `I6`.
    pub(crate) name: String,
    /// What it says.
    pub(crate) sentence: &'static str,
    /// Whether it holds; or who else watches it.
    pub(crate) verdict: Status,
    /// How many alarms about it are open.
    pub(crate) open: u64,
    /// Where these are.
    pub(crate) href: String,
}

/// Something that must never be, and is or was.
#[derive(Debug, Clone)]
pub(crate) struct AlarmRow {
    /// The invariant that is broken.
    pub(crate) invariant: String,
    /// Whether it still is.
    pub(crate) status: Status,
    /// What it is about.
    pub(crate) about: Reference,
    /// What is wrong, with the figures.
    pub(crate) what: String,
    /// By how much, where that is money.
    pub(crate) amount: Option<Amount>,
    /// Since when.
    pub(crate) since: When,
    /// The first events that broke it, with their pages.
    pub(crate) events: Vec<Choice>,
    /// How many there are beyond these.
    pub(crate) more: u32,
    /// The event that cleared it.
    pub(crate) cleared: Option<String>,
}

/// What must always hold.
#[derive(Debug, Template)]
#[template(path = "pages/alarms.html")]
pub(crate) struct AlarmsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) invariants: Vec<InvariantRow>,
    pub(crate) alarms: Vec<AlarmRow>,
}

/// A Stripe event in a list.
#[derive(Debug, Clone)]
pub(crate) struct WebhookRow {
    /// The Stripe event.
    pub(crate) event: Reference,
    /// Its type, such as `charge.succeeded`.
    pub(crate) kind: String,
    /// Through which endpoint it came.
    pub(crate) endpoint: String,
    /// When it came.
    pub(crate) received: When,
    /// What became of it.
    pub(crate) status: Status,
    /// Why it could not be used, if so.
    pub(crate) note: String,
}

/// Stripe's events.
#[derive(Debug, Template)]
#[template(path = "pages/webhooks.html")]
pub(crate) struct WebhooksPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) webhooks: Vec<WebhookRow>,
}

/// A line that a figure is the sum of.
#[derive(Debug, Clone)]
pub(crate) struct FigureLine {
    /// Where it stands in the log.
    pub(crate) position: u64,
    /// When it took effect.
    pub(crate) when: When,
    /// The event that posted it.
    pub(crate) event: String,
    /// What it is about.
    pub(crate) about: Option<Reference>,
    /// How much.
    pub(crate) amount: Amount,
    /// The sum so far.
    pub(crate) running: Amount,
    /// Where the event is explained.
    pub(crate) explain: String,
}

/// Where a figure comes from.
#[derive(Debug, Template)]
#[template(path = "pages/explain.html")]
pub(crate) struct ExplainPage {
    pub(crate) frame: Frame,
    pub(crate) figure: String,
    pub(crate) account: String,
    pub(crate) of: Reference,
    pub(crate) choices: Vec<Choice>,
    pub(crate) amount: Amount,
    pub(crate) lines: Vec<FigureLine>,
    pub(crate) earlier: Option<Amount>,
    pub(crate) older: Option<String>,
}

/// A line of the journal.
#[derive(Debug, Clone)]
pub(crate) struct JournalRow {
    /// Which of the event's entries, from 1.
    pub(crate) entry: u32,
    /// Whose books.
    pub(crate) book: String,
    /// The account.
    pub(crate) account: String,
    /// On the left.
    pub(crate) debit: Option<Amount>,
    /// On the right.
    pub(crate) credit: Option<Amount>,
}

/// One event on the way from a first cause to this one.
#[derive(Debug, Clone)]
pub(crate) struct CauseRow {
    /// Where it stands in the log.
    pub(crate) position: u64,
    /// What happened.
    pub(crate) what: String,
    /// To what.
    pub(crate) stream: String,
    /// When it was recorded.
    pub(crate) when: When,
    /// Who brought it about.
    pub(crate) who: String,
    /// In which request.
    pub(crate) request: Option<String>,
    /// The Stripe event that brought the news.
    pub(crate) webhook: Option<String>,
    /// Its own page.
    pub(crate) href: String,
}

/// One event: what it posted, and the chain of causes that led to it.
#[derive(Debug, Template)]
#[template(path = "pages/event.html")]
pub(crate) struct EventPage {
    pub(crate) frame: Frame,
    pub(crate) position: u64,
    pub(crate) event_id: String,
    pub(crate) lines: Vec<JournalRow>,
    pub(crate) causes: Vec<CauseRow>,
    pub(crate) payload: Option<String>,
}

/// The way in.
#[derive(Debug, Template)]
#[template(path = "pages/login.html")]
pub(crate) struct LoginPage {
    /// Why the last attempt failed.
    pub(crate) failure: Option<String>,
}

/// A question of a form.
#[derive(Debug, Clone)]
pub(crate) struct FormField {
    /// Its name.
    pub(crate) name: &'static str,
    /// What is asked.
    pub(crate) label: &'static str,
    /// What an answer looks like.
    pub(crate) hint: &'static str,
    /// Whether it must be answered.
    pub(crate) required: bool,
    /// What was answered before.
    pub(crate) value: String,
}

/// A report in the list.
#[derive(Debug, Clone)]
pub(crate) struct ReportEntry {
    /// What it is called.
    pub(crate) title: &'static str,
    /// What it answers.
    pub(crate) summary: &'static str,
    /// Its page.
    pub(crate) here: String,
    /// Whether it can be shown without being told anything.
    pub(crate) direct: bool,
    /// What its form asks.
    pub(crate) fields: Vec<FormField>,
}

/// All reports.
#[derive(Debug, Template)]
#[template(path = "pages/reports.html")]
pub(crate) struct ReportsPage {
    pub(crate) frame: Frame,
    pub(crate) entries: Vec<ReportEntry>,
}

/// One report.
#[derive(Debug, Template)]
#[template(path = "pages/report.html")]
pub(crate) struct ReportPage {
    pub(crate) frame: Frame,
    pub(crate) here: String,
    pub(crate) forms: Vec<Choice>,
    pub(crate) fields: Vec<FormField>,
    pub(crate) sheet: crate::paper::Sheet,
}

/// Something went wrong.
#[derive(Debug, Template)]
#[template(path = "pages/problem.html")]
pub(crate) struct ProblemPage {
    pub(crate) status: u16,
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) code: String,
    pub(crate) back: String,
}

/// A line of a guest's order.
#[derive(Debug, Clone)]
pub(crate) struct GuestLine {
    /// Its number, from 0.
    pub(crate) line: u32,
    /// What the guest bought.
    pub(crate) title: String,
    /// How many.
    pub(crate) quantity: u32,
    /// What he paid for it.
    pub(crate) total: Amount,
    /// What went back to him.
    pub(crate) refunded: Amount,
    /// Where the goods are.
    pub(crate) fulfilment: Status,
    /// What he may still ask back, if anything.
    pub(crate) refundable: Option<Amount>,
}

/// A guest's own order.
#[derive(Debug, Template)]
#[template(path = "pages/guest_order.html")]
pub(crate) struct GuestOrderPage {
    pub(crate) shop: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) payment: Status,
    pub(crate) placed: When,
    pub(crate) totals: Vec<Figure>,
    pub(crate) lines: Vec<GuestLine>,
    pub(crate) shipments: Vec<ShipmentRow>,
    pub(crate) refunds: Vec<RefundRow>,
    pub(crate) token: String,
    pub(crate) once: String,
    pub(crate) notice: Option<&'static str>,
    pub(crate) zone: String,
}
