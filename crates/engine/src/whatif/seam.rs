//! Where history ends and decisions begin: what happened outside is taken over, what we decided about
//! money is decided anew.

use aggregates::{
    dispute::events::DisputeEvent,
    fact::Fact,
    membership::events::MembershipEvent,
    order::{commands::OrderCommand, events::OrderEvent},
    payment::events::PaymentEvent,
    policies::{Command, timers::TimerKind},
    refund::{commands::RefundCommand, events::RefundEvent},
    seller_account::{commands::SellerAccountCommand, events::SellerAccountEvent},
    tenant::events::TenantEvent,
};
use kernel::{ActorKind, Money, TenantId, Timestamp};
use store::{Metadata, Recorded};

/// One commit of the real log: what one command came to.
pub(super) struct Step {
    pub(super) metadata: Metadata,
    /// At least one.
    pub(super) events: Vec<(Recorded, Fact)>,
}

/// How a commit comes to be in the other history.
pub(super) enum Origin {
    /// It touches neither money nor anything that does.
    Ignored,
    /// It happened outside, or people did it: taken over as it is.
    Outside,
    /// A refund's course, taken over; the shares in it are this history's.
    Refund,
    /// Money really left for a connected account.
    Paid,
    /// A policy or a timer decided it: so does this history's.
    Derived,
    /// Somebody asked for it: he asks again.
    Asked(Option<Box<Command>>),
    /// An order was placed: it is placed under the other terms.
    Placed,
}

impl Step {
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.events.first().map(|(recorded, _)| recorded.stream.tenant)
    }

    pub(super) fn at(&self) -> Option<Timestamp> {
        self.events.first().map(|(recorded, _)| recorded.recorded_at)
    }

    fn is_derived(&self) -> bool {
        matches!(self.metadata.cause.actor.kind, ActorKind::Policy | ActorKind::Timer)
    }

    pub(super) fn origin(&self) -> Origin {
        let Some((recorded, fact)) = self.events.first() else { return Origin::Ignored };
        match fact {
            Fact::WebhookEvent(_) | Fact::Rejection(_) | Fact::ApiKey(_) => Origin::Ignored,
            Fact::Link(_)
            | Fact::Payment(_)
            | Fact::BalanceTransaction(_)
            | Fact::Topup(_)
            | Fact::Payout(_)
            | Fact::Membership(_)
            | Fact::Adjustment(_)
            | Fact::Period(_)
            | Fact::Tenant(_) => Origin::Outside,
            Fact::Dispute(DisputeEvent::FeeCharged { .. })
            | Fact::Refund(RefundEvent::Requested { .. })
            | Fact::Order(_)
                if self.is_derived() =>
            {
                Origin::Derived
            }
            Fact::Dispute(_) => Origin::Outside,
            Fact::Refund(_) => Origin::Refund,
            Fact::Order(OrderEvent::Placed { .. }) => Origin::Placed,
            Fact::Order(event) => Origin::Asked(
                recorded
                    .stream
                    .id
                    .parse()
                    .ok()
                    .zip(order_command(event))
                    .map(|(order, command)| Box::new(Command::Order(order, command))),
            ),
            Fact::SellerAccount(event) => self.seller_origin(recorded, event),
        }
    }

    fn seller_origin(&self, recorded: &Recorded, event: &SellerAccountEvent) -> Origin {
        use SellerAccountEvent as Event;
        match event {
            Event::PayoutSettled { .. } => Origin::Paid,
            Event::Registered { .. }
            | Event::OnboardingStarted { .. }
            | Event::StatusMerged { .. }
            | Event::BecameReady { .. }
            | Event::Restricted { .. }
            | Event::Deauthorized { .. }
            | Event::BankAccountPresent { .. }
            | Event::BankAccountErrored { .. }
            | Event::BankAccountRemoved { .. }
            | Event::PayoutScheduleSet { .. }
            | Event::ScheduleRan { .. }
            | Event::HoldPlaced { .. }
            | Event::HoldReleased { .. }
            | Event::PayoutReserved { .. }
            | Event::PayoutCommitted { .. }
            | Event::PayoutReservationReleased { .. }
            | Event::LaneFreed { .. }
            | Event::LaneBlocked { .. } => Origin::Outside,
            Event::Credited { .. }
            | Event::Debited { .. }
            | Event::CreditedBack { .. }
            | Event::Released { .. }
            | Event::ReserveReleased { .. }
            | Event::DisputeHeld { .. }
            | Event::DisputeHoldReleased { .. }
            | Event::DisputeHoldConsumed { .. }
            | Event::RecoveryOpened { .. }
            | Event::RecoveryClosed { .. }
            | Event::RecoveryReminded { .. }
            | Event::WriteOffProposed { .. }
            | Event::WriteOffRequested { .. }
            | Event::WrittenOff { .. } => {
                if self.is_derived() {
                    return Origin::Derived;
                }
                let seller = recorded.stream.id.parse().ok();
                Origin::Asked(
                    seller
                        .zip(seller_command(event))
                        .map(|(seller, command)| Box::new(Command::SellerAccount(seller, command))),
                )
            }
        }
    }
}

/// Whether this history has no use for a fact that it takes over otherwise. Its clock is set to the
/// time of each event, so a test clock has nothing to say.
pub(super) const fn is_left_out(fact: &Fact) -> bool {
    matches!(fact, Fact::Tenant(TenantEvent::ClockAdvanced { .. }))
}

/// Whether a policy's command is decided here. The others lead to facts that are taken over.
pub(super) const fn is_decided(command: &Command) -> bool {
    match command {
        Command::Order(..)
        | Command::Dispute(..)
        | Command::Refund(_, RefundCommand::Request { .. }) => true,
        Command::SellerAccount(_, command) => !matches!(
            command,
            SellerAccountCommand::RunSchedule { .. }
                | SellerAccountCommand::ReserveForPayout { .. }
                | SellerAccountCommand::CommitPayout { .. }
                | SellerAccountCommand::SettlePayout { .. }
                | SellerAccountCommand::ReleasePayoutReservation { .. }
                | SellerAccountCommand::FreeLane { .. }
                | SellerAccountCommand::BlockLane { .. }
        ),
        Command::Refund(..)
        | Command::Payment(..)
        | Command::Payout(..)
        | Command::WebhookEvent(..)
        | Command::BalanceTransaction(..)
        | Command::Link(..)
        | Command::Topup(..)
        | Command::Tenant(..)
        | Command::Membership(..)
        | Command::Adjustment(..)
        | Command::Period(..)
        | Command::PaymentOf(..)
        | Command::RefundOf(..)
        | Command::SettlementOf { .. }
        | Command::FeeOf { .. } => false,
    }
}

/// Whether a timer fires here. What the others come to is taken over.
pub(super) const fn is_fired(kind: TimerKind) -> bool {
    match kind {
        TimerKind::OrderExpiry
        | TimerKind::ShippingOverdue
        | TimerKind::AutoDeliver
        | TimerKind::OrderCompletion
        | TimerKind::AssumeFunds
        | TimerKind::Release
        | TimerKind::ReserveRelease
        | TimerKind::RecoveryReminder
        | TimerKind::WriteOffProposal => true,
        TimerKind::Unattributed
        | TimerKind::PaymentPatience
        | TimerKind::RefundDecision
        | TimerKind::RefundStuck
        | TimerKind::DisputeDeadlineNear
        | TimerKind::DisputeDeadlineMissed
        | TimerKind::PayoutRetry
        | TimerKind::PayoutStuck
        | TimerKind::PayoutSchedule
        | TimerKind::MembershipRecognition
        | TimerKind::MembershipLapse
        | TimerKind::WebhookDeadLetter => false,
    }
}

/// Commission in a fact that is taken over: Stripe took it itself (application fees), a person set it
/// when he divided money among sellers, or a membership is sold under terms of its own.
pub(super) fn commission_outside(fact: &Fact) -> Option<Money> {
    match fact {
        Fact::Payment(PaymentEvent::AttributedToSellers { currency, shares, .. }) => {
            let sum = shares.iter().fold(0_i64, |sum, share| sum.saturating_add(share.fee));
            Some(Money::new(sum, *currency))
        }
        Fact::Payment(PaymentEvent::ApplicationFeeEarned { amount, .. }) => Some(*amount),
        Fact::Membership(MembershipEvent::PeriodPaid { paid, commission, .. }) => {
            Some(Money::new(*commission, paid.currency()))
        }
        _ => None,
    }
    .filter(|commission| commission.is_positive())
}

/// What somebody asked an order for, read from what came of it.
#[expect(clippy::too_many_lines, reason = "one arm per event: what each was asked by")]
fn order_command(event: &OrderEvent) -> Option<OrderCommand> {
    let event = event.clone();
    Some(match event {
        OrderEvent::CheckoutStarted { payment, session, session_expires_at, .. } => {
            OrderCommand::NoteCheckout { payment, session, session_expires_at }
        }
        OrderEvent::PaymentAttemptFailed { payment, code, .. } => {
            OrderCommand::NotePaymentFailed { payment, code }
        }
        OrderEvent::PaymentAwaited { payment, at, .. } => {
            OrderCommand::NotePaymentProcessing { payment, occurred_at: at }
        }
        OrderEvent::Paid { payment, charge, currency, amount, occurred_at, .. } => {
            let received = Money::new(amount, currency);
            OrderCommand::ConfirmPayment { payment, charge, received, occurred_at }
        }
        OrderEvent::Conflicted { payment, charge, received, at, .. }
        | OrderEvent::DuplicatePaymentReceived { payment, charge, received, at }
        | OrderEvent::LatePaymentReceived { payment, charge, received, at, .. } => {
            OrderCommand::ConfirmPayment { payment, charge, received, occurred_at: at }
        }
        OrderEvent::Expired { .. } => OrderCommand::Expire,
        OrderEvent::Cancelled { lines, whole, reason, cancellation_fee, .. } => {
            let lines = (!whole).then_some(lines);
            OrderCommand::Cancel { lines, reason, cancellation_fee }
        }
        OrderEvent::FundsExpected { charge, available_on, .. } => {
            OrderCommand::NoteFundsExpected { charge, available_on }
        }
        OrderEvent::LinesShipped { shipment, lines, carrier, tracking, .. } => {
            OrderCommand::Ship { shipment, lines, carrier, tracking }
        }
        OrderEvent::TrackingAmended { shipment, carrier, tracking, .. } => {
            OrderCommand::AmendTracking { shipment, carrier, tracking }
        }
        OrderEvent::LinesDelivered { shipment, how, .. } => OrderCommand::Deliver { shipment, how },
        OrderEvent::RefundReserved {
            refund,
            currency,
            share,
            amount,
            reason,
            requested_by,
            approved,
            ..
        } => OrderCommand::ReserveRefund {
            refund,
            line: share.line,
            amount: Some(Money::new(amount, currency)),
            reason,
            by: requested_by,
            approved,
            despite_inquiry: true,
        },
        OrderEvent::RefundSettled { refund, .. } => OrderCommand::SettleRefund { refund },
        OrderEvent::RefundReleased { refund, .. } => OrderCommand::ReleaseRefund { refund },
        OrderEvent::DisputeApplied { dispute, currency, amount, inquiry, .. } => {
            let amount = Money::new(amount, currency);
            OrderCommand::ApplyDispute { dispute, amount, inquiry }
        }
        OrderEvent::CaptureReversed { payment, charge, currency, amount, occurred_at, .. } => {
            let amount = Money::new(amount, currency);
            OrderCommand::ReverseCapture { payment, charge, amount, occurred_at }
        }
        // Placed has its own way; the others follow from something and never come first by request.
        OrderEvent::Placed { .. }
        | OrderEvent::Confirmed { .. }
        | OrderEvent::Revived { .. }
        | OrderEvent::PayabilitySet { .. }
        | OrderEvent::ShippingOverdue { .. }
        | OrderEvent::Completed { .. }
        | OrderEvent::ExternalRefundAllocated { .. }
        | OrderEvent::DisputeReleased { .. }
        | OrderEvent::DisputeConcluded { .. }
        | OrderEvent::DisputeConclusionRevised { .. } => return None,
    })
}

/// What somebody asked about a seller's debt, read from what came of it.
fn seller_command(event: &SellerAccountEvent) -> Option<SellerAccountCommand> {
    if let SellerAccountEvent::WriteOffRequested { currency, reason, by, .. }
    | SellerAccountEvent::WrittenOff { currency, reason, approved_by: by, .. } = event
    {
        let (reason, by) = (reason.clone(), by.clone());
        return Some(SellerAccountCommand::WriteOff { currency: *currency, reason, by });
    }
    None
}
