//! Which facts open a piece of work, and which close it.

use aggregates::{
    balance_transaction::BalanceTransactionEvent,
    dispute::events::DisputeEvent,
    fact::Fact,
    link::LinkEvent,
    order::events::OrderEvent,
    payment::events::{PaymentEvent, Risk},
    payout::events::PayoutEvent,
    refund::events::RefundEvent,
    seller_account::events::SellerAccountEvent,
    webhook_event::events::WebhookEventEvent,
};
use kernel::{Currency, Money, Timestamp};

use crate::Occurrence;

/// What a fact does to the list.
#[derive(Debug)]
pub(super) enum Change {
    Open(Open),
    Close(String),
}

/// An item that is open now.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) item: String,
    pub(super) kind: &'static str,
    pub(super) subject: String,
    pub(super) detail: String,
    pub(super) amount: Option<Money>,
    pub(super) due_by: Option<Timestamp>,
    pub(super) at: Timestamp,
}

impl Change {
    pub(super) fn item(&self) -> &str {
        match self {
            Self::Open(open) => &open.item,
            Self::Close(item) => item,
        }
    }
}

/// What this occurrence does to the list.
pub(super) fn changes(occurrence: &Occurrence<'_>) -> Vec<Change> {
    let mut list = List {
        subject: &occurrence.recorded.stream.id,
        at: occurrence.recorded.recorded_at,
        opened: Vec::new(),
        closed: Vec::new(),
    };
    match occurrence.fact {
        Fact::WebhookEvent(event) => list.on_webhook(event),
        Fact::Order(event) => list.on_order(event),
        Fact::Payment(event) => list.on_payment(event),
        Fact::Refund(event) => {
            list.on_refund_call(event);
            list.on_refund(event);
        }
        Fact::Dispute(event) => list.on_dispute(event),
        Fact::Payout(event) => list.on_payout(event),
        Fact::SellerAccount(event) => list.on_seller(event),
        Fact::BalanceTransaction(BalanceTransactionEvent::Contradicted { known, given, at }) => {
            list.at = *at;
            let detail = format!(
                "known as {} less {}, stated as {} less {}",
                Money::new(known.amount, known.currency),
                Money::new(known.fee, known.currency),
                Money::new(given.amount, given.currency),
                Money::new(given.fee, given.currency)
            );
            list.open("transaction", "contradicted_transaction", detail);
        }
        Fact::Link(LinkEvent::Disputed { claimed, at, .. }) => {
            list.at = *at;
            list.open("link", "disputed_link", format!("also claimed: {claimed:?}"));
        }
        Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { .. })
        | Fact::Link(LinkEvent::Established { .. })
        | Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::Period(_)
        | Fact::Membership(_)
        | Fact::Rejection(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => {}
    }
    let closed = list.closed.into_iter().map(Change::Close);
    closed.chain(list.opened.into_iter().map(Change::Open)).collect()
}

struct List<'a> {
    subject: &'a str,
    at: Timestamp,
    opened: Vec<Open>,
    closed: Vec<String>,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most facts open or close no work")]
impl List<'_> {
    fn open(&mut self, about: &str, kind: &'static str, detail: impl Into<String>) -> &mut Open {
        self.opened.push(Open {
            item: format!("{about}:{}", self.subject),
            kind,
            subject: self.subject.to_owned(),
            detail: detail.into(),
            amount: None,
            due_by: None,
            at: self.at,
        });
        let last = self.opened.len() - 1;
        &mut self.opened[last]
    }

    fn close(&mut self, about: &str) {
        self.closed.push(format!("{about}:{}", self.subject));
    }

    fn on_webhook(&mut self, event: &WebhookEventEvent) {
        match event {
            WebhookEventEvent::Parked { by, .. } => {
                self.open("webhook", "parked_webhook", format!("waits for {by}"));
            }
            WebhookEventEvent::Quarantined { error, .. } => {
                self.open("webhook", "quarantined_webhook", error);
            }
            WebhookEventEvent::DeadLettered { .. } => {
                self.open("webhook", "dead_lettered_webhook", "nobody came for it in 72 hours");
            }
            WebhookEventEvent::Applied { .. } | WebhookEventEvent::Ignored { .. } => {
                self.close("webhook");
            }
            WebhookEventEvent::Received { .. } | WebhookEventEvent::RetryRequested { .. } => {}
        }
    }

    fn on_order(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Conflicted { expected, received, .. } => {
                let detail = format!("expected {expected}, received {received}");
                self.open("order", "conflicted_order", detail).amount = Some(*received);
            }
            OrderEvent::Confirmed { .. }
            | OrderEvent::Cancelled { whole: true, .. }
            | OrderEvent::Expired { .. } => {
                self.close("order");
                self.close("shipping");
            }
            OrderEvent::ShippingOverdue { lines, .. } => {
                let detail = format!("{} lines should have been shipped", lines.len());
                self.open("shipping", "shipping_overdue", detail);
            }
            OrderEvent::LinesShipped { .. } | OrderEvent::Completed { .. } => {
                self.close("shipping");
            }
            OrderEvent::DisputeApplied { dispute, currency, excess, .. } => {
                self.dispute_excess(&dispute.to_string(), *currency, *excess);
            }
            OrderEvent::DisputeConcluded { dispute, currency, excess, .. } => {
                self.dispute_excess(&dispute.to_string(), *currency, *excess);
            }
            _ => {}
        }
    }

    fn dispute_excess(&mut self, dispute: &str, currency: Currency, excess: i64) {
        let about = format!("dispute_excess:{dispute}");
        if excess > 0 {
            let open = self.open(&about, "dispute_excess", "more is disputed than was paid");
            open.amount = Some(Money::new(excess, currency));
        } else {
            self.close(&about);
        }
    }

    fn on_payment(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::RequestUnknown { .. } => {
                self.open("call:session", "unknown_outcome", "opening a checkout session");
            }
            PaymentEvent::RequestRefused { code, message, .. } => {
                self.open("call:session", "refused_call", format!("{code}: {message}"));
            }
            PaymentEvent::SessionOpened { .. } => self.close("call:session"),
            PaymentEvent::Captured { .. } => {
                self.close("call:session");
                self.close("patience");
            }
            PaymentEvent::AttemptFailed { .. } => self.close("patience"),
            PaymentEvent::Canceled { .. } => {
                self.close("call:session");
                self.close("patience");
            }
            PaymentEvent::PatienceExceeded { .. } => {
                self.open("patience", "slow_payment", "an asynchronous payment takes too long");
            }
            PaymentEvent::RiskFlagged { risk, .. } => self.on_risk(risk),
            PaymentEvent::RefundHeld { refund, amount, .. } => {
                let about = format!("held:{refund}");
                let detail = format!("{refund} waits until it is known what was paid");
                self.open(&about, "held_refund", detail).amount = Some(*amount);
            }
            PaymentEvent::RefundRouted { refund, .. } => {
                self.close(&format!("held:{refund}"));
                // The item of a refund is named after the refund's own stream.
                self.closed.push(format!("external:{refund}"));
            }
            PaymentEvent::DisputeHeld { dispute, amount, .. } => {
                let about = format!("held:{dispute}");
                let detail = format!("{dispute} waits until it is known what was paid");
                self.open(&about, "held_dispute", detail).amount = Some(*amount);
            }
            PaymentEvent::DisputeRouted { dispute, .. } => self.close(&format!("held:{dispute}")),
            _ => {}
        }
    }

    fn on_risk(&mut self, risk: &Risk) {
        match risk {
            Risk::EarlyFraudWarning { actionable: true, kind, .. } => {
                self.open(
                    "fraud",
                    "early_fraud_warning",
                    format!("{kind}; refund before it is disputed?"),
                );
            }
            Risk::EarlyFraudWarning { actionable: false, .. } => self.close("fraud"),
            Risk::ReviewOpened { reason, .. } => {
                self.open("review", "payment_review", reason);
            }
            Risk::ReviewClosed { .. } => self.close("review"),
        }
    }

    fn on_refund_call(&mut self, event: &RefundEvent) {
        match event {
            RefundEvent::SubmitUnknown { .. } => {
                self.open("call:refund", "unknown_outcome", "refunding a charge");
            }
            RefundEvent::SubmitRefused { code, message, .. } => {
                self.open("call:refund", "refused_call", format!("{code}: {message}"));
            }
            RefundEvent::Accepted { .. }
            | RefundEvent::Retried { .. }
            | RefundEvent::PaidExternally { .. }
            | RefundEvent::Forgone { .. }
            | RefundEvent::Reverted { .. } => self.close("call:refund"),
            _ => {}
        }
    }

    fn on_refund(&mut self, event: &RefundEvent) {
        match event {
            RefundEvent::Escalated { .. } => {
                self.open("decision", "escalated_refund", "the seller did not decide in time");
            }
            RefundEvent::Approved { .. }
            | RefundEvent::Declined { .. }
            | RefundEvent::Withdrawn { .. } => self.close("decision"),
            RefundEvent::Failed { amount, reason, .. } => {
                self.open("owed", "owed_refund", reason).amount = Some(*amount);
                self.close("stuck");
            }
            RefundEvent::Retried { .. }
            | RefundEvent::PaidExternally { .. }
            | RefundEvent::Forgone { .. }
            | RefundEvent::Reverted { .. } => self.close("owed"),
            RefundEvent::ExternalObserved { stripe_refund, amount, .. } => {
                // Closed by the payment, which names the refund but has a stream of its own.
                let detail = format!("{stripe_refund} was made at Stripe and belongs nowhere yet");
                self.open("external", "external_refund", detail).amount = Some(*amount);
            }
            RefundEvent::Stuck { .. } => {
                self.open("stuck", "stuck_refund", "pending for ten days");
            }
            RefundEvent::Succeeded { .. } | RefundEvent::Canceled { .. } => self.close("stuck"),
            _ => {}
        }
    }

    fn on_dispute(&mut self, event: &DisputeEvent) {
        match event {
            DisputeEvent::Opened { amount, reason, due_by: Some(due_by), .. } => {
                let open = self.open("dispute", "dispute_to_answer", reason);
                (open.amount, open.due_by) = (Some(*amount), Some(*due_by));
            }
            DisputeEvent::StatusChanged { to, due_by, amount, .. } => match due_by {
                Some(due_by) if to.ends_with("needs_response") => {
                    let open = self.open("dispute", "dispute_to_answer", to);
                    (open.amount, open.due_by) = (*amount, Some(*due_by));
                }
                Some(_) | None => self.close("dispute"),
            },
            DisputeEvent::EvidenceDeadlineMissed { due_by, .. } => {
                let open = self.open("dispute", "dispute_missed", "the deadline passed unanswered");
                open.due_by = Some(*due_by);
            }
            DisputeEvent::EvidenceSubmitted { .. }
            | DisputeEvent::Accepted { .. }
            | DisputeEvent::InquiryRefunded { .. }
            | DisputeEvent::Closed { .. } => {
                self.close("dispute");
                self.close("call:dispute");
            }
            DisputeEvent::CallUnknown { .. } => {
                self.open("call:dispute", "unknown_outcome", "answering a dispute");
            }
            DisputeEvent::CallRefused { code, message, .. } => {
                self.open("call:dispute", "refused_call", format!("{code}: {message}"));
            }
            DisputeEvent::CallConfirmed { .. } => self.close("call:dispute"),
            _ => {}
        }
    }

    fn on_payout(&mut self, event: &PayoutEvent) {
        match event {
            PayoutEvent::TransferUnknown { .. } => {
                self.open("call:transfer", "unknown_outcome", "transferring a payout");
            }
            PayoutEvent::TransferDeferred { reason, retry_at, .. } => {
                let open = self.open("call:transfer", "deferred_transfer", reason);
                open.due_by = Some(*retry_at);
            }
            PayoutEvent::TransferSubmitted { .. }
            | PayoutEvent::TransferCreated { .. }
            | PayoutEvent::Rejected { .. } => self.close("call:transfer"),
            PayoutEvent::BankUnknown { .. } => {
                self.open("call:bank", "unknown_outcome", "paying out to the bank");
            }
            PayoutEvent::BankRefused { code, message, .. } => {
                self.open("call:bank", "refused_call", format!("{code}: {message}"));
            }
            PayoutEvent::BankSubmitted { .. } | PayoutEvent::RetryRequested { .. } => {
                self.close("call:bank");
                self.close("payout");
            }
            PayoutEvent::Sent { .. } => self.close("call:bank"),
            PayoutEvent::ReversalUnknown { .. } => {
                self.open("call:reversal", "unknown_outcome", "reversing a transfer");
            }
            PayoutEvent::ReversalRefused { code, message, .. } => {
                self.open("call:reversal", "refused_call", format!("{code}: {message}"));
            }
            PayoutEvent::ReversalSubmitted { .. } => self.close("call:reversal"),
            PayoutEvent::TransferReversed { .. } => {
                self.close("call:reversal");
                self.close("payout");
            }
            PayoutEvent::Failed { code, .. } => {
                self.open("payout", "failed_payout", code);
            }
            PayoutEvent::Stuck { .. } => {
                self.open("payout", "stuck_payout", "should have arrived three days ago");
            }
            PayoutEvent::Paid { .. } => self.close("payout"),
            PayoutEvent::Reconciled { sum, difference, .. } => {
                if *difference == 0 {
                    self.close("difference");
                } else {
                    let amount = Money::new(*difference, sum.currency());
                    let open =
                        self.open("difference", "payout_difference", format!("{sum} in all"));
                    open.amount = Some(amount);
                }
            }
            _ => {}
        }
    }

    fn on_seller(&mut self, event: &SellerAccountEvent) {
        match event {
            SellerAccountEvent::LaneBlocked { currency, reason, .. } => {
                self.open(&format!("lane:{currency}"), "blocked_payouts", reason);
            }
            SellerAccountEvent::LaneFreed { currency, .. } => {
                self.close(&format!("lane:{currency}"));
            }
            SellerAccountEvent::BankAccountErrored { .. } => {
                self.open(
                    "bank_account",
                    "bank_account_errored",
                    "payouts stop until it is replaced",
                );
            }
            SellerAccountEvent::BankAccountPresent { .. } => self.close("bank_account"),
            SellerAccountEvent::RecoveryReminded { currency, amount, .. } => {
                let about = format!("debt:{currency}");
                let open = self.open(&about, "old_debt", "owed for 90 days");
                open.amount = Some(Money::new(*amount, *currency));
            }
            SellerAccountEvent::WriteOffProposed { currency, amount, .. } => {
                let about = format!("debt:{currency}");
                let open = self.open(&about, "write_off_proposed", "owed for 180 days");
                open.amount = Some(Money::new(*amount, *currency));
            }
            SellerAccountEvent::RecoveryClosed { currency, .. }
            | SellerAccountEvent::WrittenOff { currency, .. } => {
                self.close(&format!("debt:{currency}"));
            }
            _ => {}
        }
    }
}
