//! What is done about a seller who owes.

use super::*;

#[test]
fn owing_is_reminded_of_after_90_days_and_proposed_for_write_off_after_180() {
    let history = after(vec![debit("r", 300, None)]);
    let remind = Command::RemindRecovery { currency: USD };
    let propose = Command::ProposeWriteOff { currency: USD };
    let reminded = Event::RecoveryReminded { currency: USD, amount: 300, at: at(90 * DAY) };
    let proposed = Event::WriteOffProposed { currency: USD, amount: 300, at: at(180 * DAY) };
    for (days, command, event) in [(90, remind, reminded), (180, propose, proposed)] {
        let due = at(days * DAY);
        seller_at(history.clone(), at(days * DAY - 1))
            .when(command.clone())
            .then_expect_error(Refusal::TooEarly { due });
        seller_at(history.clone(), due)
            .when(command.clone())
            .then_expect_events(vec![event.clone()]);
        seller_at(and(history.clone(), vec![event]), due)
            .when(command.clone())
            .then_expect_events(vec![]);
        seller_at(ready(), due).when(command.clone()).then_expect_events(vec![]);
        // He paid, and owes anew: the days are counted from then.
        let anew = after_at(vec![
            (0, debit("r", 300, None)),
            (10, credit_back("b", 300)),
            (20, debit("r2", 300, None)),
        ]);
        seller_at(anew, due)
            .when(command)
            .then_expect_error(Refusal::TooEarly { due: at(days * DAY + 20) });
    }
}

#[test]
fn giving_up_what_is_owed_takes_two_people() {
    let history = after(vec![debit("r", 300, None)]);
    seller(history.clone()).when(write_off("ann")).then_expect_events(vec![requested(300)]);
    let asked = and(history, vec![requested(300)]);
    seller(asked.clone())
        .when(write_off("ann"))
        .then_expect_error(Refusal::NeedsSecondApprover { first: "ann".to_owned() });
    let events = vec![written_off(300), closed()];
    seller(asked.clone()).when(write_off("bob")).then_expect_events(events.clone());
    let over = and(asked, events);
    assert_eq!(position(over.clone()).receivable(), 0);
    seller(over).when(write_off("bob")).then_expect_error(Refusal::NothingOwed { currency: USD });
    seller(ready())
        .when(write_off("ann"))
        .then_expect_error(Refusal::NothingOwed { currency: USD });
}

#[test]
fn no_more_is_given_up_than_was_proposed_or_is_still_owed() {
    let more = after(vec![debit("r", 300, None), write_off("ann"), debit("r2", 50, None)]);
    seller(more.clone()).when(write_off("bob")).then_expect_events(vec![written_off(300)]);
    let rest = and(more, vec![written_off(300)]);
    seller(rest).when(write_off("ann")).then_expect_events(vec![requested(50)]);
    let less = after(vec![debit("r", 300, None), write_off("ann"), credit_back("b", 100)]);
    seller(less).when(write_off("bob")).then_expect_events(vec![written_off(200), closed()]);
    // A proposal is forgotten with the debt it was about.
    let paid = after(vec![
        debit("r", 300, None),
        write_off("ann"),
        credit_back("b", 300),
        debit("r2", 50, None),
    ]);
    seller(paid).when(write_off("ann")).then_expect_events(vec![requested(50)]);
}

fn requested(amount: i64) -> Event {
    Event::WriteOffRequested {
        currency: USD,
        amount,
        reason: "closed shop".to_owned(),
        by: ann(),
        at: at(0),
    }
}

fn written_off(amount: i64) -> Event {
    Event::WrittenOff {
        seller: id(),
        currency: USD,
        amount,
        organizer: "spring-fair".into(),
        reason: "closed shop".to_owned(),
        proposed_by: ann(),
        approved_by: "bob".into(),
        at: at(0),
    }
}
