//! Which calls a stream still has to make: a fold of its facts, so that a restart needs nothing else.

use std::collections::BTreeMap;

use aggregates::{
    dispute::events::DisputeEvent,
    fact::Fact,
    payment::events::PaymentEvent,
    payout::events::PayoutEvent,
    refund::events::{RefundEvent, RefundSource},
};
use kernel::{DisputeId, PayoutId, SellerId, TenantId};
use serde::Serialize;
use store::StreamId;

use crate::ports::{
    CloseDispute, CreatePayout, CreateRefund, CreateSession, CreateTransfer, ReverseTransfer,
    SubmitEvidence,
};

/// How a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// It is owed and was not announced yet.
    ToDo,
    /// It was announced; whether it was made, only this process knows.
    Submitted,
    /// It was made, and its outcome is not known; Stripe is asked before it is made again.
    Unknown,
}

/// A call to Stripe that changes something there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// Open a Checkout session.
    Session(CreateSession),
    /// Refund a charge.
    Refund(CreateRefund),
    /// Make a transfer to a connected account.
    Transfer(CreateTransfer, Option<SellerId>),
    /// Pay out from a connected account to its bank.
    BankPayout(CreatePayout),
    /// Reverse a transfer.
    Reversal(ReverseTransfer, Option<SellerId>),
    /// Submit evidence.
    Evidence(SubmitEvidence),
    /// Accept a dispute.
    Accept(CloseDispute),
}

impl Call {
    /// The name of the call, as the metrics have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Session(_) => "create_session",
            Self::Refund(_) => "create_refund",
            Self::Transfer(..) => "create_transfer",
            Self::BankPayout(_) => "create_payout",
            Self::Reversal(..) => "reverse_transfer",
            Self::Evidence(_) => "submit_evidence",
            Self::Accept(_) => "close_dispute",
        }
    }

    /// What a person has to do in Stripe where no key is configured, with the metadata by which
    /// Daybook recognizes it.
    #[must_use]
    pub fn by_hand(&self) -> String {
        match self {
            Self::Session(call) => format!(
                "Collect {} for {} with metadata daybook_tenant={} daybook_order={} \
                 daybook_payment={}",
                call.amount, call.order, call.tenant, call.order, call.payment
            ),
            Self::Refund(call) => format!(
                "Refund {} of {} with metadata daybook_tenant={} daybook_refund={} \
                 daybook_attempt={}",
                call.amount, call.charge, call.tenant, call.refund, call.attempt
            ),
            Self::Transfer(call, _) => format!(
                "Transfer {} to {} with metadata daybook_tenant={} daybook_payout={} and \
                 transfer_group {}",
                call.amount, call.account, call.tenant, call.payout, call.payout
            ),
            Self::BankPayout(call) => format!(
                "Pay out {} from {} to its bank with metadata daybook_tenant={} daybook_payout={}",
                call.amount, call.account, call.tenant, call.payout
            ),
            Self::Reversal(call, _) => format!(
                "Reverse {} of {} with metadata daybook_tenant={} daybook_payout={}",
                call.amount, call.transfer, call.tenant, call.payout
            ),
            Self::Evidence(call) => {
                format!("Submit the drafted evidence for {}", call.stripe_dispute)
            }
            Self::Accept(call) => format!("Accept the dispute {}", call.stripe_dispute),
        }
    }
}

/// A call without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenEffect {
    pub(super) call: Call,
    pub(super) state: EffectState,
}

impl OpenEffect {
    const fn submitted(call: Call) -> Self {
        Self { call, state: EffectState::Submitted }
    }
}

/// The calls that the facts of one stream ask for and have no outcome of.
pub(super) fn open_effects(stream: &StreamId, facts: &[Fact]) -> Vec<OpenEffect> {
    let tenant = stream.tenant;
    let mut refund = None;
    let mut session = None;
    let mut payout = OfPayout::default();
    let mut dispute = BTreeMap::new();
    for fact in facts {
        match fact {
            Fact::Refund(event) => of_refund(tenant, event, &mut refund),
            Fact::Payment(event) => of_payment(tenant, event, &mut session),
            Fact::Payout(event) => payout.fold(tenant, event),
            Fact::Dispute(event) => of_dispute(tenant, &stream.id, event, &mut dispute),
            Fact::Adjustment(_)
            | Fact::ApiKey(_)
            | Fact::BalanceTransaction(_)
            | Fact::Link(_)
            | Fact::Membership(_)
            | Fact::Order(_)
            | Fact::Period(_)
            | Fact::Rejection(_)
            | Fact::SellerAccount(_)
            | Fact::WebhookEvent(_)
            | Fact::Tenant(_)
            | Fact::Topup(_) => {}
        }
    }
    let refund = refund.and_then(|known: RefundCall| {
        let state = known.state?;
        Some(OpenEffect { call: Call::Refund(known.call), state })
    });
    let [transfer, bank, reversal] = [payout.transfer, payout.bank, payout.reversal];
    [refund, session, transfer, bank, reversal]
        .into_iter()
        .flatten()
        .chain(dispute.into_values())
        .collect()
}

struct RefundCall {
    call: CreateRefund,
    /// `None`: it has its outcome, and may be tried again later.
    state: Option<EffectState>,
}

fn refund_key(tenant: TenantId, refund: kernel::RefundId, attempt: u32) -> String {
    format!("db:{tenant}:refund:{refund}:submit-{attempt}")
}

fn of_refund(tenant: TenantId, event: &RefundEvent, known: &mut Option<RefundCall>) {
    if let RefundEvent::Approved { refund, source, charge, amount, .. } = event {
        let order = match source {
            RefundSource::OrderLine { order, .. } => Some(*order),
            RefundSource::Unallocated | RefundSource::Membership { .. } => None,
            // It was made at Stripe already.
            RefundSource::External => return,
        };
        let call = CreateRefund {
            tenant,
            refund: *refund,
            attempt: 1,
            charge: charge.clone(),
            order,
            amount: *amount,
            idempotency_key: refund_key(tenant, *refund, 1),
        };
        *known = Some(RefundCall { call, state: Some(EffectState::ToDo) });
        return;
    }
    let Some(known) = known else { return };
    match event {
        RefundEvent::Retried { attempt, .. } => {
            known.call.attempt = *attempt;
            known.call.idempotency_key = refund_key(tenant, known.call.refund, *attempt);
            known.state = Some(EffectState::ToDo);
        }
        RefundEvent::Submitted { attempt, idempotency_key, .. } => {
            known.call.attempt = *attempt;
            known.call.idempotency_key.clone_from(idempotency_key);
            known.state = Some(EffectState::Submitted);
        }
        RefundEvent::SubmitUnknown { .. } => known.state = Some(EffectState::Unknown),
        RefundEvent::SubmitRefused { .. }
        | RefundEvent::Accepted { .. }
        | RefundEvent::Failed { .. }
        | RefundEvent::Canceled { .. }
        | RefundEvent::Reverted { .. }
        | RefundEvent::PaidExternally { .. }
        | RefundEvent::Forgone { .. } => known.state = None,
        RefundEvent::Requested { .. }
        | RefundEvent::Withdrawn { .. }
        | RefundEvent::Declined { .. }
        | RefundEvent::Escalated { .. }
        | RefundEvent::FirstApproval { .. }
        | RefundEvent::Approved { .. }
        | RefundEvent::FactMerged { .. }
        | RefundEvent::Debited { .. }
        | RefundEvent::Pending { .. }
        | RefundEvent::ActionRequired { .. }
        | RefundEvent::Succeeded { .. }
        | RefundEvent::Reversed { .. }
        | RefundEvent::ForgoProposed { .. }
        | RefundEvent::ExternalObserved { .. }
        | RefundEvent::Converted { .. }
        | RefundEvent::Stuck { .. } => {}
    }
}

fn of_payment(tenant: TenantId, event: &PaymentEvent, session: &mut Option<OpenEffect>) {
    match event {
        PaymentEvent::Requested {
            payment,
            order,
            amount,
            transfer_group,
            success_url,
            cancel_url,
            expires_at,
            idempotency_key,
            ..
        } => {
            *session = Some(OpenEffect::submitted(Call::Session(CreateSession {
                tenant,
                payment: *payment,
                order: *order,
                amount: *amount,
                transfer_group: transfer_group.clone(),
                success_url: success_url.clone(),
                cancel_url: cancel_url.clone(),
                expires_at: *expires_at,
                idempotency_key: idempotency_key.clone(),
            })));
        }
        PaymentEvent::RequestUnknown { .. } => unknown(session),
        PaymentEvent::RequestRefused { .. }
        | PaymentEvent::SessionOpened { .. }
        | PaymentEvent::Captured { .. }
        | PaymentEvent::Canceled { .. }
        | PaymentEvent::SessionExpired { .. } => *session = None,
        _ => {}
    }
}

const fn unknown(effect: &mut Option<OpenEffect>) {
    if let Some(effect) = effect {
        effect.state = EffectState::Unknown;
    }
}

/// The three calls of a payout.
#[derive(Default)]
struct OfPayout {
    id: Option<PayoutId>,
    seller: Option<SellerId>,
    account: Option<aggregates::vocabulary::AccountRef>,
    transfer: Option<OpenEffect>,
    bank: Option<OpenEffect>,
    reversal: Option<OpenEffect>,
}

impl OfPayout {
    fn fold(&mut self, tenant: TenantId, event: &PayoutEvent) {
        match event {
            PayoutEvent::Requested { payout, seller, account, .. } => {
                self.id = Some(*payout);
                self.seller = Some(*seller);
                self.account = Some(account.clone());
            }
            PayoutEvent::TransferSubmitted { .. }
            | PayoutEvent::BankSubmitted { .. }
            | PayoutEvent::ReversalSubmitted { .. } => self.submitted(tenant, event),
            PayoutEvent::TransferCreated { payout, account, .. } => {
                self.id = Some(*payout);
                self.account = Some(account.clone());
                self.transfer = None;
            }
            PayoutEvent::TransferUnknown { .. } => unknown(&mut self.transfer),
            PayoutEvent::TransferDeferred { .. } | PayoutEvent::Rejected { .. } => {
                self.transfer = None;
            }
            PayoutEvent::BankUnknown { .. } => unknown(&mut self.bank),
            PayoutEvent::BankRefused { .. }
            | PayoutEvent::Sent { .. }
            | PayoutEvent::InTransit { .. }
            | PayoutEvent::Paid { .. }
            | PayoutEvent::Failed { .. }
            | PayoutEvent::Canceled { .. } => self.bank = None,
            PayoutEvent::ReversalUnknown { .. } => unknown(&mut self.reversal),
            PayoutEvent::ReversalRefused { .. } | PayoutEvent::TransferReversed { .. } => {
                self.reversal = None;
            }
            PayoutEvent::Reserved { .. }
            | PayoutEvent::FactMerged { .. }
            | PayoutEvent::Returned { .. }
            | PayoutEvent::RetryRequested { .. }
            | PayoutEvent::Reconciled { .. }
            | PayoutEvent::Observed { .. }
            | PayoutEvent::BankConfirmed { .. }
            | PayoutEvent::Stuck { .. } => {}
        }
    }

    fn submitted(&mut self, tenant: TenantId, event: &PayoutEvent) {
        if let PayoutEvent::TransferSubmitted { payout, account, amount, idempotency_key, .. } =
            event
        {
            let call = CreateTransfer {
                tenant,
                payout: *payout,
                account: account.clone(),
                amount: *amount,
                idempotency_key: idempotency_key.clone(),
            };
            self.id = Some(*payout);
            self.transfer = Some(OpenEffect::submitted(Call::Transfer(call, self.seller)));
        }
        let Some(payout) = self.id else { return };
        if let PayoutEvent::BankSubmitted { attempt, account, amount, idempotency_key, .. } = event
        {
            self.bank = Some(OpenEffect::submitted(Call::BankPayout(CreatePayout {
                tenant,
                payout,
                attempt: *attempt,
                account: account.clone(),
                amount: *amount,
                idempotency_key: idempotency_key.clone(),
            })));
        }
        let Some(account) = &self.account else { return };
        if let PayoutEvent::ReversalSubmitted { transfer, amount, idempotency_key, .. } = event {
            let call = ReverseTransfer {
                tenant,
                payout,
                transfer: transfer.clone(),
                account: account.clone(),
                amount: *amount,
                idempotency_key: idempotency_key.clone(),
            };
            self.reversal = Some(OpenEffect::submitted(Call::Reversal(call, self.seller)));
        }
    }
}

fn of_dispute(
    tenant: TenantId,
    stream: &str,
    event: &DisputeEvent,
    open: &mut BTreeMap<String, OpenEffect>,
) {
    let Ok(dispute) = stream.parse::<DisputeId>() else { return };
    match event {
        DisputeEvent::EvidenceSubmitted { stripe_dispute, fields, idempotency_key, .. } => {
            let call = Call::Evidence(SubmitEvidence {
                tenant,
                dispute,
                stripe_dispute: stripe_dispute.clone(),
                fields: fields.clone(),
                idempotency_key: idempotency_key.clone(),
            });
            open.insert(idempotency_key.clone(), OpenEffect::submitted(call));
        }
        DisputeEvent::Accepted { stripe_dispute, idempotency_key, .. } => {
            let call = Call::Accept(CloseDispute {
                tenant,
                dispute,
                stripe_dispute: stripe_dispute.clone(),
                idempotency_key: idempotency_key.clone(),
            });
            open.insert(idempotency_key.clone(), OpenEffect::submitted(call));
        }
        DisputeEvent::CallUnknown { idempotency_key, .. } => {
            if let Some(effect) = open.get_mut(idempotency_key) {
                effect.state = EffectState::Unknown;
            }
        }
        DisputeEvent::CallConfirmed { idempotency_key, .. }
        | DisputeEvent::CallRefused { idempotency_key, .. } => {
            open.remove(idempotency_key);
        }
        DisputeEvent::Closed { .. } => open.clear(),
        _ => {}
    }
}
