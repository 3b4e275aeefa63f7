//! Entries are dated alike, wherever reading begins.

use aggregates::{
    period::{Period, STREAM, commands::PeriodCommand, events::Evidence},
    seller_account::SellerAccount,
};
use chrono_tz::Tz;
use kernel::Timestamp;

use super::*;
use crate::testing::{House, NOON, credit};

/// Two credits of 1 March, one before and one after the day was closed, one after it was opened again
/// and one after it was closed once more.
async fn house() -> House {
    let house = House::new().await;
    let seller = house.seller("Wanda").await;
    house.clock.set(Timestamp::from_millis(NOON).plus_days(2));
    let close = || PeriodCommand::Close {
        day: "2026-03-01".parse().unwrap(),
        zone: Tz::UTC,
        evidence: Evidence::default(),
        by: "key_1".into(),
    };
    let reopen = |by: &str| PeriodCommand::Reopen { reason: "why".to_owned(), by: by.into() };
    let steps = [vec![], vec![close()], vec![reopen("key_1"), reopen("key_2")], vec![close()]];
    for (number, commands) in steps.into_iter().enumerate() {
        for (step, command) in commands.into_iter().enumerate() {
            house.send::<Period>(STREAM, command, &format!("p{number}{step}")).await.unwrap();
        }
        let claim = format!("c{number}");
        let id = seller.to_string();
        house.send::<SellerAccount>(&id, credit(&claim, 5), &claim).await.unwrap();
    }
    house
}

fn effective(events: &[Decoded]) -> Vec<(u64, Timestamp, Option<Timestamp>)> {
    let mut found = Vec::new();
    for event in events {
        for entry in event.entries.as_ref().unwrap() {
            found.push((event.recorded.position.0, entry.effective(), entry.prior_period()));
        }
    }
    found
}

#[tokio::test]
async fn entries_are_dated_alike_wherever_reading_begins() {
    let house = house().await;
    let log = house.dyn_log();
    let (all, head) =
        read(&*log, &mut Dating::default(), Position::START, usize::MAX).await.unwrap();
    let noon = Timestamp::from_millis(NOON);
    let through: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let expected: Vec<_> = effective(&all).iter().map(|(_, at, prior)| (*at, *prior)).collect();
    assert_eq!(
        expected,
        [(noon, None), (through, Some(noon)), (noon, None), (through, Some(noon))]
    );
    for from in 0..head.0 {
        // One reader that begins there, in steps of every size, and then once more from an earlier
        // place, as it does when a read model is rebuilt.
        for limit in [1, 2, 3, usize::MAX] {
            let mut dating = Dating::default();
            for begin in [from, from / 2, 0, from] {
                let mut after = Position(begin);
                let mut found = Vec::new();
                while after < head {
                    let (page, _) = read(&*log, &mut dating, after, limit).await.unwrap();
                    found.append(&mut effective(&page));
                    after = page.last().unwrap().recorded.position;
                }
                let mut wanted = effective(&all);
                wanted.retain(|(position, ..)| *position > begin);
                assert_eq!(found, wanted, "from {begin} by {limit}");
            }
        }
    }
}

#[tokio::test]
async fn a_reader_that_left_events_out_asks_again() {
    let house = house().await;
    let log = house.dyn_log();
    let (all, head) =
        read(&*log, &mut Dating::default(), Position::START, usize::MAX).await.unwrap();
    let mut dating = Dating::default();
    // It reads the beginning, another process goes on, and then it is its turn again.
    read(&*log, &mut dating, Position::START, 3).await.unwrap();
    let (last, _) = read(&*log, &mut dating, Position(head.0 - 1), 5).await.unwrap();
    assert_eq!(effective(&last), effective(&all[all.len() - 1..]));
}
