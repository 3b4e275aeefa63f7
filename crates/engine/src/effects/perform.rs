//! Making one call, and recording what came of it.

use aggregates::{
    dispute::commands::DisputeCommand,
    link::{LinkCommand, Subject},
    payment::commands::PaymentCommand,
    payout::commands::PayoutCommand,
    policies::Command,
    refund::commands::RefundCommand,
    vocabulary::SessionRef,
};
use kernel::{Actor, ActorKind, Cause, TenantId, derived_uuid};
use store::Position;

use super::{Call, EffectState, Effects, Known, Look, open::OpenEffect};
use crate::{
    bus::{Envelope, SendError, Target},
    fetches::timed,
    ports::{
        CloseDispute, CreatePayout, CreateRefund, CreateSession, CreateTransfer, ReverseTransfer,
        StripeCallError, StripePort, SubmitEvidence,
    },
    station::Problem,
};

/// Stripe's code for a transfer that the platform's balance does not cover just now.
const BALANCE_TOO_SMALL: &str = "balance_insufficient";

/// What is known before a call.
#[derive(Debug, Clone, Copy)]
struct Before {
    known: Known,
    /// It may have been made already, so Stripe is asked first.
    perhaps: bool,
}

/// What a call came to, where it came to anything.
enum Outcome<T> {
    Done(T),
    Refused {
        code: String,
        message: String,
    },
    /// It may have had its effect; to be noted, and looked up before the next attempt.
    Unknown(String),
}

impl Effects {
    /// Makes one call, decided by what is `known`. `perhaps_sent`: it may have been made before, so
    /// Stripe is asked first.
    pub(super) async fn perform(
        &self,
        look: &Look,
        effect: OpenEffect,
        known: Known,
        perhaps_sent: bool,
    ) -> Result<(), Problem> {
        let perhaps = match effect.state {
            EffectState::ToDo => false,
            EffectState::Submitted => perhaps_sent,
            EffectState::Unknown => true,
        };
        let before = Before { known, perhaps };
        let port = &*self.port;
        match effect.call {
            Call::Session(call) => self.session(port, look, call, known).await,
            Call::Refund(call) => {
                // A call that stands announced in the log was announced by an earlier attempt.
                let perhaps = effect.state != EffectState::ToDo;
                self.refund(port, look, call, Before { perhaps, ..before }).await
            }
            Call::Transfer(call, seller) => self.transfer(port, look, call, seller, before).await,
            Call::BankPayout(call) => self.bank_payout(port, look, call, before).await,
            Call::Reversal(call, seller) => self.reversal(port, look, call, seller, before).await,
            Call::Evidence(call) => self.evidence(port, look, call, before).await,
            Call::Accept(call) => self.accept(port, look, call, before).await,
        }
    }

    /// Sessions carry no state that could be searched for at Stripe; the same idempotency key gives
    /// the same session for at least 24 hours, which is as long as a session lives.
    async fn session(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: CreateSession,
        known: Known,
    ) -> Result<(), Problem> {
        let (name, key) = ("create_session", call.idempotency_key.clone());
        let payment = call.payment;
        self.may_leave(known).await?;
        match made(timed(name, port.create_session(&call)).await)? {
            Outcome::Done(opened) => {
                let subject = Subject::Payment(payment);
                self.link(look, name, opened.session.to_string(), subject).await?;
                if let Some(intent) = &opened.intent {
                    self.link(look, name, intent.to_string(), subject).await?;
                }
                let note = PaymentCommand::NoteSession {
                    session: opened.session,
                    url: opened.url,
                    expires_at: opened.expires_at,
                };
                self.note(look, name, &key, Command::Payment(payment, note)).await
            }
            Outcome::Refused { code, message } => {
                let note = PaymentCommand::NoteRequestRefused { code, message };
                self.note(look, name, &key, Command::Payment(payment, note)).await
            }
            Outcome::Unknown(why) => {
                let note = Command::Payment(payment, PaymentCommand::NoteRequestUnknown);
                self.note_unknown(look, name, &key, note, why).await
            }
        }
    }

    async fn refund(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: CreateRefund,
        before: Before,
    ) -> Result<(), Problem> {
        let (name, key, refund) = ("create_refund", call.idempotency_key.clone(), call.refund);
        let attempt = call.attempt;
        let mut known = before.known;
        let found = if before.perhaps {
            existing(timed("find_refund", port.find_refund(&call)).await)?
        } else {
            let idempotency_key = key.clone();
            let note = RefundCommand::NoteSubmitted { attempt, idempotency_key };
            let command = Command::Refund(refund, note);
            known.position = known.position.max(self.tell(look, "announce", &key, command).await?);
            None
        };
        let outcome = match found {
            Some(fact) => Outcome::Done(fact),
            None => {
                self.may_leave(known).await?;
                made(timed(name, port.create_refund(&call)).await)?
            }
        };
        match outcome {
            Outcome::Done(fact) => {
                let object = fact.stripe_refund.to_string();
                self.link(look, name, object, Subject::Refund(refund)).await?;
                let merge = RefundCommand::MergeFact(Box::new(fact));
                self.note(look, name, &key, Command::Refund(refund, merge)).await
            }
            Outcome::Refused { code, message } => {
                let note = RefundCommand::NoteSubmitRefused { attempt, code, message };
                self.note(look, name, &key, Command::Refund(refund, note)).await
            }
            Outcome::Unknown(why) => {
                let note = Command::Refund(refund, RefundCommand::NoteSubmitUnknown { attempt });
                self.note_unknown(look, name, &key, note, why).await
            }
        }
    }

    async fn transfer(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: CreateTransfer,
        seller: Option<kernel::SellerId>,
        before: Before,
    ) -> Result<(), Problem> {
        let (name, key, payout) = ("create_transfer", call.idempotency_key.clone(), call.payout);
        let found = match before.perhaps {
            true => existing(timed("find_transfer", port.find_transfer(&call)).await)?,
            false => None,
        };
        let outcome = match found {
            Some(fact) => Outcome::Done(fact),
            None => {
                self.may_leave(before.known).await?;
                made(timed(name, port.create_transfer(&call)).await)?
            }
        };
        match outcome {
            Outcome::Done(fact) => {
                self.link(look, name, fact.transfer.to_string(), Subject::Payout(payout)).await?;
                let note = PayoutCommand::NoteTransfer { payout, seller, fact };
                self.note(look, name, &key, Command::Payout(payout, note)).await
            }
            Outcome::Refused { code, message } => {
                let reason = format!("{code}: {message}");
                // A balance fills up again, and the payout tries again on its own timer. Whatever
                // else Stripe objects to stays so until somebody acts, and the money should not
                // wait for that in the seller's lane.
                let note = match code.as_str() {
                    BALANCE_TOO_SMALL => PayoutCommand::DeferTransfer { reason },
                    _ => PayoutCommand::Reject { reason },
                };
                self.note(look, name, &key, Command::Payout(payout, note)).await
            }
            Outcome::Unknown(why) => {
                let note = Command::Payout(payout, PayoutCommand::NoteTransferUnknown);
                self.note_unknown(look, name, &key, note, why).await
            }
        }
    }

    async fn bank_payout(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: CreatePayout,
        before: Before,
    ) -> Result<(), Problem> {
        let (name, key, payout) = ("create_payout", call.idempotency_key.clone(), call.payout);
        let attempt = call.attempt;
        let found = match before.perhaps {
            true => existing(timed("find_payout", port.find_payout(&call)).await)?,
            false => None,
        };
        let outcome = match found {
            Some(fact) => Outcome::Done(fact),
            None => {
                self.may_leave(before.known).await?;
                made(timed(name, port.create_payout(&call)).await)?
            }
        };
        match outcome {
            Outcome::Done(fact) => {
                let object = fact.stripe_payout.to_string();
                self.link(look, name, object, Subject::Payout(payout)).await?;
                let merge = PayoutCommand::MergeFact { payout, fact: Box::new(fact) };
                self.note(look, name, &key, Command::Payout(payout, merge)).await
            }
            Outcome::Refused { code, message } => {
                let note = PayoutCommand::NoteBankRefused { attempt, code, message };
                self.note(look, name, &key, Command::Payout(payout, note)).await
            }
            Outcome::Unknown(why) => {
                let note = Command::Payout(payout, PayoutCommand::NoteBankUnknown { attempt });
                self.note_unknown(look, name, &key, note, why).await
            }
        }
    }

    async fn reversal(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: ReverseTransfer,
        seller: Option<kernel::SellerId>,
        before: Before,
    ) -> Result<(), Problem> {
        let (name, key, payout) = ("reverse_transfer", call.idempotency_key.clone(), call.payout);
        let found = match before.perhaps {
            true => existing(timed("find_reversal", port.find_reversal(&call)).await)?,
            false => None,
        };
        let outcome = match found {
            Some(fact) => Outcome::Done(fact),
            None => {
                self.may_leave(before.known).await?;
                made(timed(name, port.reverse_transfer(&call)).await)?
            }
        };
        match outcome {
            Outcome::Done(fact) => {
                self.link(look, name, fact.reversal.to_string(), Subject::Payout(payout)).await?;
                let note = PayoutCommand::NoteReversal { payout, seller, fact };
                self.note(look, name, &key, Command::Payout(payout, note)).await
            }
            Outcome::Refused { code, message } => {
                let note = PayoutCommand::NoteReversalRefused { code, message };
                self.note(look, name, &key, Command::Payout(payout, note)).await
            }
            Outcome::Unknown(why) => {
                let note = Command::Payout(payout, PayoutCommand::NoteReversalUnknown);
                self.note_unknown(look, name, &key, note, why).await
            }
        }
    }

    async fn evidence(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: SubmitEvidence,
        before: Before,
    ) -> Result<(), Problem> {
        let known = match before.perhaps {
            true => existing(timed("dispute", port.dispute(&call.stripe_dispute)).await.map(Some))?
                .is_some_and(|dispute| dispute.evidence_submitted),
            false => false,
        };
        let outcome = match known {
            true => Outcome::Done(()),
            false => {
                self.may_leave(before.known).await?;
                made(timed("submit_evidence", port.submit_evidence(&call)).await)?
            }
        };
        self.dispute_call(look, "submit_evidence", call.dispute, call.idempotency_key, outcome)
            .await
    }

    async fn accept(
        &self,
        port: &dyn StripePort,
        look: &Look,
        call: CloseDispute,
        before: Before,
    ) -> Result<(), Problem> {
        let known = match before.perhaps {
            true => existing(timed("dispute", port.dispute(&call.stripe_dispute)).await.map(Some))?
                .is_some_and(|dispute| dispute.fact.status == "lost"),
            false => false,
        };
        let outcome = match known {
            true => Outcome::Done(()),
            false => {
                self.may_leave(before.known).await?;
                made(timed("close_dispute", port.close_dispute(&call)).await)?
            }
        };
        self.dispute_call(look, "close_dispute", call.dispute, call.idempotency_key, outcome).await
    }

    async fn dispute_call(
        &self,
        look: &Look,
        name: &'static str,
        dispute: kernel::DisputeId,
        idempotency_key: String,
        outcome: Outcome<()>,
    ) -> Result<(), Problem> {
        let key = idempotency_key.clone();
        match outcome {
            Outcome::Done(()) => {
                let note = DisputeCommand::NoteCallConfirmed { idempotency_key };
                self.note(look, name, &key, Command::Dispute(dispute, note)).await
            }
            Outcome::Refused { code, message } => {
                let note = DisputeCommand::NoteCallRefused { idempotency_key, code, message };
                self.note(look, name, &key, Command::Dispute(dispute, note)).await
            }
            Outcome::Unknown(why) => {
                let note = DisputeCommand::NoteCallUnknown { idempotency_key };
                self.note_unknown(look, name, &key, Command::Dispute(dispute, note), why).await
            }
        }
    }

    async fn link(
        &self,
        look: &Look,
        name: &'static str,
        object: String,
        subject: Subject,
    ) -> Result<(), Problem> {
        let establish = LinkCommand::Establish { object: object.clone(), subject };
        self.note(look, name, &object.clone(), Command::Link(object, establish)).await
    }

    async fn note_unknown(
        &self,
        look: &Look,
        name: &'static str,
        key: &str,
        command: Command,
        why: String,
    ) -> Result<(), Problem> {
        self.note(look, name, key, command).await?;
        Err(Problem(format!("{name} {key}: the outcome is unknown: {why}")))
    }

    async fn note(
        &self,
        look: &Look,
        name: &'static str,
        key: &str,
        command: Command,
    ) -> Result<(), Problem> {
        self.tell(look, name, key, command).await.map(drop)
    }

    /// Sends a command, and says up to which position the log shows what came of it.
    async fn tell(
        &self,
        look: &Look,
        name: &'static str,
        key: &str,
        command: Command,
    ) -> Result<Position, Problem> {
        let target = Target::of(&command);
        let tenant = look.stream.tenant;
        let content = format!("{command:?}");
        let id = derived_uuid(&["effect", &tenant.to_string(), name, key, &content]);
        // Announcing is ours; everything else is what Stripe answered.
        let actor = match name {
            "announce" => look.cause.actor.clone(),
            call => Actor::new(ActorKind::Stripe, call),
        };
        let cause = Cause { actor, ..look.cause.clone() };
        let envelope = Envelope {
            reacts_to: look.position,
            ..Envelope::new(tenant, format!("effect/{id}"), cause)
        };
        match self.bus.dispatch(command, envelope).await {
            Ok(sent) => Ok(sent.position),
            Err(SendError::Refused(refusal)) => {
                tracing::warn!(
                    command = target.command,
                    target = target.id,
                    code = refusal.code,
                    "the outcome of a call was refused: {refusal}"
                );
                Ok(look.position)
            }
            Err(error) => Err(Problem(format!("{} of {}: {error}", target.command, target.id))),
        }
    }
}

/// Closes a session that nobody has completed. That it is over already is as good.
pub(super) async fn expire_session(
    port: &dyn StripePort,
    tenant: TenantId,
    session: &SessionRef,
) -> Result<(), Problem> {
    match timed("expire_session", port.expire_session(tenant, session)).await {
        Ok(()) | Err(StripeCallError::Refused { .. }) => Ok(()),
        Err(error) => Err(Problem(format!("expire_session {session}: {error}"))),
    }
}

fn made<T>(answer: Result<T, StripeCallError>) -> Result<Outcome<T>, Problem> {
    match answer {
        Ok(answer) => Ok(Outcome::Done(answer)),
        Err(StripeCallError::Refused { code, message, .. }) => {
            Ok(Outcome::Refused { code, message })
        }
        Err(StripeCallError::Unknown(why)) => Ok(Outcome::Unknown(why)),
        Err(error @ StripeCallError::Unavailable(_)) => Err(Problem(error.to_string())),
    }
}

/// What Stripe already has. Not being able to ask means not being allowed to send.
fn existing<T>(answer: Result<Option<T>, StripeCallError>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(found) => Ok(found),
        // Stripe does not know the thing that was asked about, so our call has not reached it.
        Err(StripeCallError::Refused { .. }) => Ok(None),
        Err(error) => Err(Problem(format!("Stripe cannot be asked: {error}"))),
    }
}
