//! Whatever happens to a membership, what was billed is deferred, recognised or given back (I8).

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Wait(u8),
    Recognise,
    Pay { days: u8, minor: u32, tax: u8 },
    Change { days: u8, minor: u32 },
    Refund(u8),
    Revert(u8),
    Cancel(u8),
    Reverse,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Wait),
        4 => Just(Step::Recognise),
        3 => (any::<u8>(), 0..5_000_000_u32, any::<u8>())
            .prop_map(|(days, minor, tax)| Step::Pay { days, minor, tax }),
        1 => (any::<u8>(), 0..100_000_u32).prop_map(|(days, minor)| Step::Change { days, minor }),
        2 => any::<u8>().prop_map(Step::Refund),
        1 => any::<u8>().prop_map(Step::Revert),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => Just(Step::Reverse),
    ]
}

/// What stands in the books by the events alone.
#[derive(Debug, Default)]
struct Books {
    billed: i64,
    deferred: i64,
    recognized: i64,
    refunded: i64,
    cash_in: i64,
    cash_out: i64,
    tax: i64,
}

impl Books {
    fn post(&mut self, event: &MembershipEvent) {
        match event {
            MembershipEvent::PeriodPaid { terms, paid, deferred, carried, .. } => {
                self.billed += deferred - carried;
                self.deferred += deferred - carried;
                self.cash_in += paid.minor();
                self.tax += terms.tax;
            }
            MembershipEvent::RevenueRecognized { days, .. } => {
                let sum: i64 = days.iter().map(|day| day.amount).sum();
                self.deferred -= sum;
                self.recognized += sum;
            }
            MembershipEvent::PeriodRefunded { given_back, amount, .. }
            | MembershipEvent::CaptureReversed { given_back, amount, .. } => {
                assert_eq!(
                    amount.minor(),
                    given_back.tax + given_back.deferred + given_back.income + given_back.seller
                );
                self.deferred -= given_back.deferred;
                self.recognized -= given_back.income;
                self.refunded += given_back.deferred + given_back.income;
                self.tax -= given_back.tax;
                self.cash_out += amount.minor();
            }
            MembershipEvent::RefundReverted { given_back, amount, .. } => {
                self.recognized += given_back.deferred + given_back.income;
                self.refunded -= given_back.deferred + given_back.income;
                self.tax += given_back.tax;
                self.cash_out -= amount.minor();
            }
            MembershipEvent::PeriodCancelled { forfeited, .. } => {
                self.deferred -= forfeited;
                self.recognized += forfeited;
            }
            _ => {}
        }
    }

    fn hold(&self, membership: &Membership) {
        assert_eq!(self.deferred + self.recognized + self.refunded, self.billed, "I8: {self:?}");
        assert!(self.deferred >= 0 && self.tax >= 0, "I6: {self:?}");
        assert!(self.cash_out <= self.cash_in, "no more goes back than came: {self:?}");
        let periods = membership.periods();
        let deferred: i64 = periods.iter().map(|period| period.deferred()).sum();
        assert_eq!(deferred, self.deferred, "the aggregate and its events agree: {self:?}");
        assert!(periods.iter().all(|period| period.deferred() >= 0), "I8: {self:?}");
    }
}

struct World {
    membership: Membership,
    books: Books,
    today: NaiveDate,
    next: NaiveDate,
    number: usize,
}

impl World {
    fn now(&self) -> Timestamp {
        noon(&self.today.to_string())
    }

    fn send(&mut self, command: MembershipCommand) {
        // A refusal changes nothing.
        let Ok(events) = decide(&self.membership, command, self.now()) else { return };
        for event in events {
            self.books.post(&event);
            self.membership.evolve(event);
        }
        self.books.hold(&self.membership);
    }

    fn pay(
        &mut self,
        (start, days): (NaiveDate, u8),
        (minor, tax): (u32, i64),
        replaces: Option<PeriodRef>,
    ) {
        self.number += 1;
        let end = start + chrono::Days::new(u64::from(days) + 1);
        let mut period = terms(&format!("p{}", self.number), &start.to_string(), &end.to_string());
        period.tax = tax.min(i64::from(minor));
        period.replaces = replaces;
        let sold = PaidPeriod { occurred_at: self.now(), ..paid(period, i64::from(minor)) };
        self.send(MembershipCommand::RecordPaidPeriod(Box::new(sold)));
        let ends = self.membership.periods().iter().map(|period| period.terms.end);
        self.next = ends.max().unwrap_or(self.next);
    }

    fn refund(&self) -> RefundId {
        RefundId::derived(&[&self.number.to_string()])
    }

    fn take(&mut self, step: Step) {
        let (reason, by) = (words(), person());
        let last = self.membership.periods().last().map(|period| period.terms.period.clone());
        match step {
            Step::Wait(days) => self.today = self.today + chrono::Days::new(u64::from(days)),
            Step::Recognise => {
                let yesterday = self.today.pred_opt().unwrap();
                for period in self.membership.clone().periods() {
                    let day =
                        yesterday.clamp(period.terms.start, period.terms.end.pred_opt().unwrap());
                    let period = period.terms.period.clone();
                    self.send(MembershipCommand::RecogniseThrough { period, day });
                }
            }
            Step::Pay { days, minor, tax } => {
                let start = self.next.max(self.today);
                self.pay((start, days), (minor, i64::from(tax)), None);
            }
            Step::Change { days, minor } => self.pay((self.today, days), (minor, 0), last),
            Step::Refund(percent) => {
                self.number += 1;
                let (Some(period), refund) = (last, self.refund()) else { return };
                let left = self.membership.period(&period).unwrap().refundable();
                let amount = Some(usd(left * i64::from(percent) / 200));
                self.send(MembershipCommand::RefundPeriod { refund, period, amount, reason, by });
            }
            Step::Revert(number) => {
                let refund = RefundId::derived(&[&(usize::from(number) % 12).to_string()]);
                self.send(MembershipCommand::RevertRefund { refund });
            }
            Step::Cancel(how) => {
                self.number += 1;
                let refund = match how % 3 {
                    0 => CancelRefund::Nothing,
                    1 => CancelRefund::ProRata(self.refund()),
                    _ => CancelRefund::Amount(self.refund(), usd(i64::from(how) * 40)),
                };
                let period = last.filter(|_| how > 60);
                self.send(MembershipCommand::Cancel { period, refund, reason, by });
            }
            Step::Reverse => {
                let charge =
                    self.membership.periods().last().and_then(|period| period.charge.clone());
                let Some(charge) = charge else { return };
                let (amount, occurred_at) = (usd(5_000_000), self.now());
                self.send(MembershipCommand::ReverseCapture { charge, amount, occurred_at });
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_billed_is_deferred_recognised_or_given_back(
        steps in proptest::collection::vec(step(), 1..40),
        seller in 0..3_u8,
    ) {
        let today = day("2026-01-01");
        let mut world = World {
            membership: Membership::default(),
            books: Books::default(),
            today,
            next: today,
            number: 0,
        };
        world.send(start(match seller {
            0 => platform(),
            1 => agent(CommissionIncome::AtOnce),
            _ => agent(CommissionIncome::Deferred),
        }).1);
        for step in steps {
            world.take(step);
        }
        // Once every day is over, nothing is owed any more.
        world.today = day("2060-01-01");
        world.take(Step::Recognise);
        prop_assert_eq!(world.books.deferred, 0);
    }

    #[test]
    fn the_days_sum_to_the_whole_whenever_anybody_looks(
        minor in 1..10_000_000_i64,
        looks in proptest::collection::vec(1..60_u64, 1..30),
    ) {
        let year = paid(terms("2026", "2026-01-01", "2027-01-01"), minor);
        let (mut membership, _) = lived(vec![start(platform()), record(year.clone())]);
        let mut days = Vec::new();
        let mut today = day("2026-01-01");
        let end = day("2027-01-01");
        for look in looks.into_iter().chain([400]) {
            today = (today + chrono::Days::new(look)).min(end);
            let last = today.pred_opt().unwrap().to_string();
            let (_, command) = recognise(noon(&today.to_string()), &last);
            for event in decide(&membership, command, noon(&today.to_string())).unwrap() {
                if let MembershipEvent::RevenueRecognized { days: some, .. } = &event {
                    days.extend(some.clone());
                }
                membership.evolve(event);
            }
        }
        // The same days as if somebody had looked once, after the end.
        let (_, at_once) =
            lived(vec![start(platform()), record(year), recognise(noon("2027-01-01"), "2026-12-31")]);
        let MembershipEvent::RevenueRecognized { days: expected, .. } = &at_once[2] else {
            panic!("{at_once:?}")
        };
        prop_assert_eq!(&days, expected);
        prop_assert_eq!(days.iter().map(|day| day.amount).sum::<i64>(), minor);
    }
}
