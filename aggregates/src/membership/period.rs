//! How a price is spread over the days of a period, exactly: by the floor of the cumulative share.

use serde::{Deserialize, Serialize};

/// What of an amount is income after how many of so many days.
///
/// Through day `d` of `n`, floor(amount * d / n) is income; the last day takes all that is left, so
/// that nothing is ever lost or made by rounding. When some of what is not rendered goes back, the
/// rest is spread over the days that are left by the same rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Schedule {
    days: u32,
    through: u32,
    recognized: i64,
    /// Where the current rule began: after how many days, with how much recognised.
    from: u32,
    from_recognized: i64,
    /// What is spread over the days after that.
    rest: i64,
}

impl Schedule {
    pub(super) const fn new(amount: i64, days: u32) -> Self {
        Self { days, through: 0, recognized: 0, from: 0, from_recognized: 0, rest: amount }
    }

    /// How many days are recognised.
    pub(super) const fn through(&self) -> u32 {
        self.through
    }

    /// What is recognised.
    pub(super) const fn recognized(&self) -> i64 {
        self.recognized
    }

    /// What will be recognised after so many days.
    pub(super) fn after(&self, day: u32) -> i64 {
        let day = day.min(self.days);
        if day <= self.from {
            return self.from_recognized;
        }
        let (passed, left) = (i128::from(day - self.from), i128::from(self.days - self.from));
        let share = i128::from(self.rest) * passed / left;
        // A share of a 64-bit amount fits into 64 bits.
        self.from_recognized.saturating_add(i64::try_from(share).unwrap_or(self.rest))
    }

    /// What each day after those that are recognised is worth, up to this many days: `(days, amount)`.
    pub(super) fn daily(&self, through: u32) -> impl Iterator<Item = (u32, i64)> {
        let schedule = *self;
        (self.through + 1..=through.min(self.days))
            .map(move |day| (day, schedule.after(day) - schedule.after(day - 1)))
    }

    /// So many days are recognised, and so much.
    pub(super) fn advance(&mut self, through: u32, recognized: i64) {
        self.through = through.max(self.through);
        self.recognized = recognized;
    }

    /// So much of what is not recognised goes away; the rest is spread over the days that are left.
    pub(super) const fn take(&mut self, amount: i64) {
        let rest = self.from_recognized + self.rest - self.recognized - amount;
        self.from = self.through;
        self.from_recognized = self.recognized;
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_day_of_a_year_of_120_is_32_cents() {
        let year = Schedule::new(12_000, 365);
        assert_eq!(year.after(1), 32);
        assert_eq!(year.after(31), 1_019);
        assert_eq!(year.after(364), 11_967);
        assert_eq!(year.after(365), 12_000);
    }

    #[test]
    fn an_amount_smaller_than_its_days_is_spread_in_whole_units() {
        let schedule = Schedule::new(3, 7);
        let days: Vec<i64> = schedule.daily(7).map(|(_, amount)| amount).collect();
        assert_eq!(days, [0, 0, 1, 0, 1, 0, 1]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_days_sum_to_the_whole(
            amount in 0..10_000_000_i64,
            days in 1..800_u32,
            cuts in proptest::collection::vec((1..200_u32, 0..2_000_000_i64), 0..12),
        ) {
            let mut schedule = Schedule::new(amount, days);
            let (mut sum, mut taken) = (0, 0);
            for (step, take) in cuts {
                let through = (schedule.through() + step).min(days);
                for (_, amount) in schedule.daily(through) {
                    prop_assert!(amount >= 0);
                    sum += amount;
                }
                schedule.advance(through, sum);
                let take = take.min(amount - taken - sum);
                schedule.take(take);
                taken += take;
                prop_assert!(sum + taken <= amount);
            }
            sum += schedule.daily(days).map(|(_, amount)| amount).sum::<i64>();
            // Once every day is recognised nothing is left to be spread, so all that is left went.
            prop_assert_eq!(sum + taken, amount);
        }
    }
}
