//! The routes by which a payment can be linked to an order, one at a time.

use serde_json::Value;

use super::{open_session, stripe};
use crate::{Forget, Operation, Payment, Target};

/// Pays a session with some links lost; answers session, intent and charge.
fn paid_with(forget: Forget) -> (Value, Value, Value) {
    let stripe = stripe();
    let session = open_session(&stripe, "ord_1", 1_000, "usd");
    let pay = Operation::PaySession {
        session: Target::id(session.as_str()),
        payment: Payment::default(),
        forget,
    };
    stripe.apply("pay", pay).unwrap();
    let object = |id: String| stripe.object(&id).unwrap();
    (object(session), object(stripe.id_of("pi", "pay")), object(stripe.id_of("ch", "pay")))
}

#[test]
fn every_link_is_there_when_nothing_is_forgotten() {
    let (session, intent, charge) = paid_with(Forget::default());
    for object in [&session, &intent, &charge] {
        assert_eq!(object["metadata"]["daybook_order"], "ord_1");
    }
    assert_eq!(session["client_reference_id"], "ord_1");
    assert_eq!(
        (&intent["transfer_group"], &charge["transfer_group"]),
        (&"group_ord_1".into(), &"group_ord_1".into())
    );
}

#[test]
fn each_link_can_be_the_only_one() {
    let all = Forget::everything();
    let (session, intent, charge) = paid_with(Forget { session_metadata: false, ..all });
    assert_eq!(session["metadata"]["daybook_order"], "ord_1");
    assert!(intent["metadata"].as_object().unwrap().is_empty());
    assert!(charge["transfer_group"].is_null());

    let (session, intent, charge) = paid_with(Forget { intent_metadata: false, ..all });
    assert!(session["metadata"].as_object().unwrap().is_empty());
    assert_eq!(intent["metadata"]["daybook_order"], "ord_1");
    assert!(charge["metadata"].as_object().unwrap().is_empty());

    let (session, ..) = paid_with(Forget { client_reference_id: false, ..all });
    assert_eq!(session["client_reference_id"], "ord_1");

    let (_, intent, _) = paid_with(Forget { transfer_group: false, ..all });
    assert_eq!(intent["transfer_group"], "group_ord_1");

    let (session, intent, charge) = paid_with(all);
    assert_eq!(
        (&session["payment_intent"], &charge["payment_intent"]),
        (&intent["id"], &intent["id"])
    );
}
