//! Forty sellers, a few more who only join and leave, and what goes wrong with their accounts.

use super::{Action, Operation, Paid, Plan, TICKS_A_DAY};
use crate::plan::{AccountStanding, Behaviour, PayoutPlan, PayoutSchedule, Rule, When};
use crate::scenario::SellerSpec;

/// Sellers who sell.
const TRADERS: usize = 40;
/// Sellers who join and leave, in a whole month.
const LEAVERS: usize = 6;
/// The first Monday on which every seller has something to be paid: 9 March.
const FIRST_PAYDAY: usize = 8 * TICKS_A_DAY;

/// Sellers whose payout of that day fails after it was paid; on arrival; and so that the transfer is
/// fetched back.
const LATE: [usize; 3] = [0, 22, 32];
const FAILING: [usize; 3] = [10, 25, 34];
const FETCHED: [usize; 6] = [7, 8, 9, 21, 23, 35];

const NAMES: [&str; TRADERS] = [
    "Alder & Ash Woodwork",
    "Blue Kettle Ceramics",
    "Copper Lantern Press",
    "Driftline Surf Prints",
    "Elmgrove Honey",
    "Fernhill Candles",
    "Granite Peak Outfitters",
    "Harbour Lane Prints",
    "Inkwell Academy",
    "Juniper Knitwear",
    "Kiteforge Games",
    "Lumen Stained Glass",
    "Meadowlark Audio",
    "North Quay Leather",
    "Old Mill Coffee",
    "Pinecrest Puzzles",
    "Quillfeather Stationery",
    "Redstone Vinyl",
    "Silberbach Uhren",
    "Tannenhof Spielzeug",
    "Ufer Studio",
    "Vogelsang Seifen",
    "Wiesental Mode",
    "Atelier Lavande",
    "Boutique Mirabelle",
    "Cave des Ormes",
    "Dolce Ricamo",
    "Ester & Olmo",
    "Farolito Taller",
    "Gruta Azul",
    "Hoshizora Paper",
    "Kawabe Tea",
    "Minato Denim",
    "Sakuragi Knives",
    "Tsukimi Ceramics",
    "Yamabuki Music",
    "Dar Al Noor Oud",
    "Falaj Textiles",
    "Gulf Pearl Sweets",
    "Sadu House",
];

pub(super) fn all() -> Vec<SellerSpec> {
    let trader = |(place, name): (usize, &&str)| {
        let (country, currency) = match place {
            0..18 => ("US", "usd"),
            18..30 => (["DE", "FR", "IT", "ES"][(place - 18) / 3], "eur"),
            30..36 => ("JP", "jpy"),
            _ => ("KW", "kwd"),
        };
        let mut currencies = vec![currency.to_owned()];
        if (18..21).contains(&place) {
            currencies.push("usd".to_owned());
        }
        SellerSpec {
            key: key(place),
            name: (*name).to_owned(),
            country: country.to_owned(),
            currencies,
            automatic: [5, 6, 24, 31].contains(&place),
            sells: true,
        }
    };
    NAMES.iter().enumerate().map(trader).collect()
}

pub(super) fn key(place: usize) -> String {
    format!("seller-{:02}", place + 1)
}

impl Plan {
    /// Everybody joins at the first instant of the month.
    pub(super) fn join_sellers(&mut self) {
        for place in 0..self.scale.of(LEAVERS) {
            self.sellers.push(SellerSpec {
                key: format!("leaver-{:02}", place + 1),
                name: format!("Passing Trade {:02}", place + 1),
                country: "US".into(),
                currencies: vec!["usd".into()],
                automatic: false,
                sells: false,
            });
        }
        for seller in self.sellers.clone() {
            let seller = seller.key;
            self.ours(format!("join/{seller}"), 0, Action::RegisterSeller { seller });
        }
    }

    pub(super) fn disturb_sellers(&mut self) {
        self.restrict_and_relieve();
        self.leave();
        self.fail_payouts();
        let automatic: Vec<String> =
            self.sellers.iter().filter(|s| s.automatic).map(|s| s.key.clone()).collect();
        for seller in automatic {
            let schedule = Operation::SetPayoutSchedule {
                account: Some(self.account(&seller)),
                schedule: PayoutSchedule::Daily,
            };
            self.stripe(format!("schedule/{seller}"), 0, 600, schedule);
        }
    }

    /// Stripe wants to know more of some, for two days.
    fn restrict_and_relieve(&mut self) {
        let restricted = [2, 27, 29, 33, 38, 15];
        for place in restricted.into_iter().take(self.scale.of(restricted.len())) {
            let seller = key(place);
            let first = 17 * TICKS_A_DAY + place % TICKS_A_DAY;
            let last = first + 2 * TICKS_A_DAY;
            self.away.push((seller.clone(), first, last + 1));
            let account = self.account(&seller);
            for (name, tick, standing) in [
                (
                    "restrict",
                    first,
                    AccountStanding::Restricted { reason: "requirements.past_due".into() },
                ),
                ("relieve", last, AccountStanding::Ready),
            ] {
                let change = Operation::SetStanding { account: account.clone(), standing };
                self.stripe(format!("{name}/{seller}"), tick, 900, change);
            }
        }
    }

    fn leave(&mut self) {
        for place in 0..self.scale.of(LEAVERS) {
            let seller = format!("leaver-{:02}", place + 1);
            let account = self.account(&seller);
            let tick = 3 * TICKS_A_DAY + 5 * place;
            let refuse = Operation::FailExternalAccount { account: account.clone() };
            self.stripe(format!("bank-refused/{seller}"), tick, 1_200, refuse);
            let remove = Operation::RemoveExternalAccount { account: account.clone() };
            self.stripe(format!("bank-removed/{seller}"), tick + 3, 1_200, remove);
            let leave = Operation::DeauthorizeAccount { account };
            self.stripe(format!("leave/{seller}"), tick + 6, 1_200, leave);
        }
    }

    /// Payouts of 9 March that fail: some on arrival, some after they were paid. The account gets a
    /// new bank account and the payout is tried again, or the transfer is fetched back.
    fn fail_payouts(&mut self) {
        let failing = PayoutPlan::Failed { code: "no_account".into() };
        self.bad_payday(&LATE, "late", &PayoutPlan::paid_then_failed(), 5, true);
        self.bad_payday(&FAILING, "failing", &failing, 3, true);
        self.bad_payday(&FETCHED, "fetched", &failing, 3, false);
    }

    /// Whether an order feeds a payout of 9 March that is to fail.
    pub(super) fn pays_the_bad_payday(&self, paid: &Paid) -> bool {
        [&LATE[..], &FAILING, &FETCHED].into_iter().any(|places| {
            let failing = places.iter().take(self.scale.of(places.len()));
            failing.into_iter().any(|place| paid.placed.key == format!("first/{}", key(*place)))
        })
    }

    fn bad_payday(
        &mut self,
        places: &[usize],
        name: &str,
        plan: &PayoutPlan,
        fails_after_days: usize,
        retried: bool,
    ) {
        for place in places.iter().take(self.scale.of(places.len())) {
            let seller = key(*place);
            let account = self.account(&seller);
            let rule = Rule {
                when: When::Account(account.clone()),
                then: Behaviour::Payout(plan.clone()),
                times: Some(1),
            };
            let rule = Operation::AddRule(rule);
            self.stripe(format!("payday-{name}/{seller}"), FIRST_PAYDAY - 3, 60, rule);
            // Made on Monday, it arrives on Wednesday at midnight, the start of this tick.
            let fails = FIRST_PAYDAY + (fails_after_days - 1) * TICKS_A_DAY;
            self.away.push((seller.clone(), fails - 2, fails + 2 * TICKS_A_DAY));
            if retried {
                let retry = Action::RetryPayout { seller: seller.clone() };
                self.ours(format!("retry-payout/{seller}"), fails + TICKS_A_DAY + 2, retry);
            } else {
                let reverse = Action::ReversePayout { seller: seller.clone() };
                self.ours(format!("reverse-payout/{seller}"), fails + 2, reverse);
            }
            let replace = Operation::ReplaceExternalAccount { account };
            self.stripe(format!("new-bank/{seller}"), fails + TICKS_A_DAY, 1_800, replace);
        }
    }
}
