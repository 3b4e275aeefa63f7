//! The month is adjusted by hand, closed, adjusted by late facts, opened, closed again and locked.

use aggregates::{
    adjustment::events::{AdjustmentEvent, AdjustmentLine, Content, Reason},
    fact::Fact,
    membership::events::{MembershipEvent, MembershipTerms, SoldBy},
    period::events::{Evidence, PeriodEvent, Revaluation},
    seller_account::events::{CreditBackReason, DebitReason, SellerAccountEvent, Split},
    tenant::{accounts::OwnAccount, events::TenantEvent},
    vocabulary::{Claim, Organizer, Side},
};
use kernel::{AdjustmentId, Currency, Money, SellerId, SubjectRef, Timestamp};

use super::{
    shelf::Shelf,
    story::{Story, Told, tenant, the_story_of_a_month},
};
use crate::{
    adjustments::{Adjustment, Adjustments},
    chart::CHART,
    chart_accounts::{ChartAccount, ChartAccounts},
    earnings::{DailyEarnings, Earnings},
    invariants::Checker,
    journal::{Journal, JournalLine},
    periods::{Period, Periods, Revaluation as RevaluationRow},
    seller_entries::{SellerEntries, SellerEntry},
};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// In the month that is closed, before it is closed.
fn within() -> Timestamp {
    instant("2026-04-20T10:00:00Z")
}

/// Where the open period begins.
fn through() -> Timestamp {
    instant("2026-04-30T22:00:00Z")
}

fn now() -> Timestamp {
    instant("2026-05-03T10:00:00Z")
}

fn smith() -> SellerId {
    SellerId::derived(&["smith"])
}

fn id(name: &str) -> AdjustmentId {
    AdjustmentId::derived(&[name])
}

fn line(account: &str, side: Side, minor: i64) -> AdjustmentLine {
    AdjustmentLine { account: Some(account.to_owned()), side, minor, seller: None }
}

fn of_smith(side: Side, minor: i64) -> AdjustmentLine {
    AdjustmentLine { account: None, side, minor, seller: Some(smith()) }
}

fn content(reason: Reason, lines: Vec<AdjustmentLine>) -> Content {
    Content {
        lines,
        currency: Currency::EUR,
        effective: within(),
        reason,
        memo: "why".to_owned(),
        evidence_hash: "0".repeat(64),
        reverses: None,
    }
}

fn propose(story: &mut Story, name: &str, content: &Content) {
    let (content, by, at) = (content.clone(), "key_1".into(), now());
    let event = AdjustmentEvent::Proposed { adjustment: id(name), content, by, at };
    story.tell(id(name), now(), Fact::Adjustment(event));
}

fn approve(story: &mut Story, name: &str, content: Content) {
    propose(story, name, &content);
    let event = AdjustmentEvent::Approved {
        adjustment: id(name),
        content,
        proposed_by: "key_1".into(),
        approved_by: "key_2".into(),
        at: now(),
    };
    story.tell(id(name), now(), Fact::Adjustment(event));
}

fn period(story: &mut Story, event: PeriodEvent) {
    story.tell("books", now(), Fact::Period(event));
}

fn closed() -> PeriodEvent {
    PeriodEvent::Closed {
        day: "2026-04-30".to_owned(),
        through: through(),
        time_zone: "Europe/Berlin".to_owned(),
        evidence: Evidence::default(),
        by: "key_1".into(),
        at: now(),
    }
}

fn accounts_are_opened(story: &mut Story) {
    for name in ["expenses:own:rent", "income:own:old"] {
        let account = OwnAccount {
            name: name.to_owned(),
            normal_side: Side::Debit,
            currency: Some(Currency::EUR),
            may_be_negative: false,
            must_return_to_zero: false,
            note: "a note".to_owned(),
        };
        let event = TenantEvent::AccountOpened { account, by: "key_1".into(), at: now() };
        story.tell(tenant(), now(), Fact::Tenant(event));
    }
    let (name, by, at) = ("income:own:old".to_owned(), "key_1".into(), now());
    story.tell(tenant(), now(), Fact::Tenant(TenantEvent::AccountClosed { name, by, at }));
}

/// Smith is owed 100.00 from before the first event, and pays 40.00 of rent out of it.
fn adjusted_before_closing(story: &mut Story) {
    let opening = vec![
        line("assets:bank:main", Side::Debit, 90_000),
        of_smith(Side::Credit, 10_000),
        line("equity:opening", Side::Credit, 80_000),
    ];
    approve(story, "opening", content(Reason::OpeningBalance, opening));
    let credited = SellerAccountEvent::CreditedBack {
        seller: smith(),
        claim: Claim::of_adjustment(id("opening"), smith()),
        currency: Currency::EUR,
        amount: 10_000,
        reason: CreditBackReason::Adjustment,
        organizer: Organizer::default(),
        order: None,
        receivable: 0,
        available: 10_000,
        occurred_at: within(),
        at: now(),
    };
    story.tell(smith(), now(), Fact::SellerAccount(credited));
    for name in ["rejected", "withdrawn"] {
        let pair = vec![
            line("expenses:goodwill", Side::Debit, 1),
            line("assets:bank:main", Side::Credit, 1),
        ];
        propose(story, name, &content(Reason::Goodwill, pair));
    }
    let (note, by, at) = ("not ours".to_owned(), "key_2".into(), now());
    let rejected = AdjustmentEvent::Rejected { note, by, at };
    story.tell(id("rejected"), now(), Fact::Adjustment(rejected));
    let withdrawn = AdjustmentEvent::Withdrawn { by: "key_1".into(), at: now() };
    story.tell(id("withdrawn"), now(), Fact::Adjustment(withdrawn));
}

/// Both the adjustment and the seller's answer were on their way when the month was closed.
fn late_facts(story: &mut Story) {
    let rent = vec![of_smith(Side::Debit, 4000), line("expenses:own:rent", Side::Credit, 4000)];
    approve(story, "rent", content(Reason::Other, rent));
    let debited = SellerAccountEvent::Debited {
        seller: smith(),
        claim: Claim::of_adjustment(id("rent"), smith()),
        currency: Currency::EUR,
        amount: 4000,
        reason: DebitReason::Adjustment,
        organizer: Organizer::default(),
        order: None,
        split: Split { available: 4000, ..Split::default() },
        occurred_at: within(),
        at: now(),
    };
    story.tell(smith(), now(), Fact::SellerAccount(debited));
}

fn somebody_becomes_a_member(story: &mut Story) {
    let terms = MembershipTerms {
        member: SubjectRef::derived(&["a member"]),
        reference: None,
        product: "gold".to_owned(),
        sold_by: SoldBy::Platform,
        price: Money::new(12_000, Currency::EUR),
        policy: 1,
    };
    let event = MembershipEvent::Started { membership: "mem_1".into(), terms, at: now() };
    story.tell("mem_1", now(), Fact::Membership(event));
}

pub(super) fn a_closed_month() -> Vec<Told> {
    let mut story = the_story_of_a_month();
    somebody_becomes_a_member(&mut story);
    accounts_are_opened(&mut story);
    adjusted_before_closing(&mut story);
    period(&mut story, closed());
    late_facts(&mut story);
    let (through, reason, by, at) = (through(), "a mistake".to_owned(), "key_1".into(), now());
    period(&mut story, PeriodEvent::ReopenRequested { through, reason, by, at });
    period(
        &mut story,
        PeriodEvent::Reopened {
            through,
            closed_through: None,
            reason: "a mistake".to_owned(),
            requested_by: "key_1".into(),
            approved_by: "key_2".into(),
            at,
        },
    );
    period(&mut story, closed());
    let closings = vec![through];
    period(&mut story, PeriodEvent::Locked { through, closings, by: "key_2".into(), at });
    let part = Revaluation { currency: Currency::EUR, minor: 25, rate: "1".to_owned(), value: 25 };
    period(
        &mut story,
        PeriodEvent::Revalued {
            functional: Currency::EUR,
            day: "2026-05-02".to_owned(),
            effective: instant("2026-05-02T21:59:59.999Z"),
            parts: vec![part],
            difference: 25,
            source: "ECB".to_owned(),
            by: "key_1".into(),
            at,
        },
    );
    story.told
}

#[test]
fn what_sellers_lines_put_on_claims_their_accounts_take_off_again() {
    let mut checker = Checker::new();
    for told in a_closed_month() {
        assert_eq!(checker.check(&told.occurrence()), []);
    }
    assert_eq!(checker.open_accounts(), []);
}

#[test]
fn what_was_late_is_dated_into_the_open_period_and_says_from_where() {
    let month = a_closed_month();
    let journal = Shelf::rebuilt(&Journal, &month);
    let mut late = 0;
    for line in journal.rows::<JournalLine>() {
        if let Some(prior) = line.prior_period {
            assert_eq!((line.effective_at, prior), (through(), within()), "{}", line.event_type);
            late += 1;
        }
    }
    assert_eq!(late, 4, "two lines of the adjustment, two of the seller's answer");
    let entries: Vec<SellerEntry> = Shelf::rebuilt(&SellerEntries, &month).rows();
    let smiths: Vec<_> = entries
        .iter()
        .filter(|entry| entry.seller == smith())
        .map(|entry| (entry.effective_at, entry.amount))
        .collect();
    assert_eq!(smiths, [(within(), 10_000), (through(), -4000)]);
    let earnings: Vec<DailyEarnings> = Shelf::rebuilt(&Earnings, &month).rows();
    let smiths: Vec<_> = earnings
        .iter()
        .filter(|day| day.seller == smith())
        .map(|day| (day.day.as_str(), day.adjustments, day.net))
        .collect();
    assert_eq!(smiths, [("2026-04-20", 10_000, 10_000), ("2026-05-01", -4000, -4000)]);
}

#[test]
fn adjustments_say_what_became_of_them() {
    let rows: Vec<Adjustment> = Shelf::rebuilt(&Adjustments, &a_closed_month()).rows();
    let found =
        |name: &str| rows.iter().find(|row| row.adjustment == id(name).to_string()).unwrap();
    assert_eq!(rows.len(), 4);
    let opening = found("opening");
    assert_eq!(
        (opening.status.as_str(), opening.minor, opening.reason.as_str()),
        ("approved", 90_000, "opening_balance")
    );
    assert_eq!(opening.decided_by.as_deref(), Some("key_2"));
    let rejected = found("rejected");
    assert_eq!(
        (rejected.status.as_str(), rejected.note.as_deref()),
        ("rejected", Some("not ours"))
    );
    assert_eq!(found("withdrawn").status, "withdrawn");
}

#[test]
fn periods_and_revaluations_are_listed() {
    let shelf = Shelf::rebuilt(&Periods, &a_closed_month());
    let rows: Vec<Period> = shelf.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].day.as_str(), rows[0].status.as_str()), ("2026-04-30", "locked"));
    assert_eq!(rows[0].locked_by.as_deref(), Some("key_2"));
    let rows: Vec<RevaluationRow> = shelf.rows();
    assert_eq!((rows.len(), rows[0].difference), (1, 25));
}

#[test]
fn the_chart_lists_every_family_and_the_tenants_own_accounts() {
    let rows: Vec<ChartAccount> = Shelf::rebuilt(&ChartAccounts, &a_closed_month()).rows();
    assert_eq!(rows.len(), CHART.len() + 2);
    let found = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    let rent = found("expenses:own:rent");
    assert_eq!(
        (rent.origin.as_str(), rent.status.as_str(), rent.by_hand.as_str()),
        ("own", "open", "yes")
    );
    assert_eq!(rent.currencies, "EUR");
    let old = found("income:own:old");
    assert_eq!((old.status.as_str(), old.by_hand.as_str()), ("closed", "no"));
    assert_eq!(found("assets:stripe:balance").by_hand, "no");
    assert_eq!(found("assets:bank:*").by_hand, "yes");
}
