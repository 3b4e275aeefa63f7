//! Which rule each scripted operation follows.

use serde_json::{Map, Value, json};

use super::{RefundRequest, State};
use crate::ledger::Owner;
use crate::operation::Operation;
use crate::plan::Forget;
use crate::refusal::Refusal;

impl State {
    /// Performs one operation now; answers the id of the object it is about, if there is one.
    pub(crate) fn perform(&mut self, operation: &Operation) -> Result<Option<String>, Refusal> {
        use Operation as Op;
        let object = match operation {
            Op::CreateAccount(..)
            | Op::SetStanding { .. }
            | Op::DeauthorizeAccount { .. }
            | Op::FailExternalAccount { .. }
            | Op::ReplaceExternalAccount { .. }
            | Op::RemoveExternalAccount { .. }
            | Op::SetPayoutSchedule { .. } => self.perform_on_account(operation)?,
            Op::PaySession { .. }
            | Op::ExpireSession { .. }
            | Op::Pay(..)
            | Op::ContinuePayment { .. }
            | Op::SettlePayment { .. }
            | Op::BookCharge { .. }
            | Op::CapturePayment { .. }
            | Op::ExpireAuthorization { .. }
            | Op::CancelPayment { .. }
            | Op::ClawBack { .. } => self.perform_on_payment(operation)?,
            Op::AddRule(rule) => {
                self.rules.push(rule.clone());
                return Ok(None);
            }
            Op::At { at, operation } if *at > self.clock => {
                self.schedule(*at, "at", (**operation).clone());
                return Ok(None);
            }
            Op::At { operation, .. } => return self.perform(operation),
            Op::ForgetIdempotencyKeys => return Ok(None),
            _ => self.perform_on_money(operation)?,
        };
        Ok(Some(object))
    }

    fn perform_on_account(&mut self, operation: &Operation) -> Result<String, Refusal> {
        use Operation as Op;
        match operation {
            Op::CreateAccount(new) => self.create_account(new),
            Op::SetStanding { account, standing } => self.set_standing(account, standing),
            Op::DeauthorizeAccount { account } => self.deauthorize_account(account),
            Op::FailExternalAccount { account } => self.fail_external_account(account),
            Op::ReplaceExternalAccount { account } => self.replace_external_account(account),
            Op::RemoveExternalAccount { account } => self.remove_external_account(account),
            Op::SetPayoutSchedule { account, schedule } => {
                self.set_payout_schedule(account.as_deref(), *schedule)?;
                Ok(account.clone().unwrap_or_default())
            }
            other => Err(misdirected(other)),
        }
    }

    fn perform_on_payment(&mut self, operation: &Operation) -> Result<String, Refusal> {
        use Operation as Op;
        match operation {
            Op::PaySession { session, payment, forget } => {
                self.pay_session(session, payment, *forget)
            }
            Op::ExpireSession { session } => {
                let id = self.find(session, "checkout.session")?;
                let open = self.document(&id)?.is("status", "open");
                if open { self.expire_session(&id) } else { Ok(id) }
            }
            Op::Pay(payment) => self.pay(payment),
            Op::ContinuePayment { payment, how } => {
                let intent = self.find_intent(payment)?;
                self.attempt(&intent, how, Forget::default())?;
                Ok(intent)
            }
            Op::SettlePayment { payment, failure, late_balance_transaction_s } => {
                let intent = self.find_intent(payment)?;
                self.settle_payment(&intent, failure.as_deref(), *late_balance_transaction_s)
            }
            Op::BookCharge { payment } => {
                let charge = self.find_charge(payment)?;
                self.book_late(&charge)
            }
            Op::CapturePayment { payment, amount } => {
                let intent = self.find_intent(payment)?;
                self.capture(&intent, *amount)
            }
            Op::ExpireAuthorization { payment } => {
                let intent = self.find_intent(payment)?;
                self.expire_authorization(&intent)
            }
            Op::CancelPayment { payment, reason } => {
                let intent = self.find_intent(payment)?;
                self.cancel_intent(&intent, reason.as_deref())
            }
            Op::ClawBack { payment, failure_code } => {
                let charge = self.find_charge(payment)?;
                self.claw_back(&charge, failure_code)
            }
            other => Err(misdirected(other)),
        }
    }

    fn perform_on_money(&mut self, operation: &Operation) -> Result<String, Refusal> {
        use Operation as Op;
        match operation {
            Op::Refund { payment, amount, reason, metadata, plan } => {
                let metadata: Map<String, Value> =
                    metadata.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
                let request = RefundRequest {
                    charge: self.find_charge(payment)?,
                    amount: *amount,
                    reason: reason.clone(),
                    metadata,
                    plan: plan.clone(),
                    ..RefundRequest::default()
                };
                self.create_refund(request)
            }
            Op::MoveRefund { refund, to, failure_reason } => {
                let refund = self.find(refund, "refund")?;
                self.move_refund(&refund, *to, failure_reason.as_deref())
            }
            Op::OpenDispute(new) => self.open_dispute(new),
            Op::EscalateDispute { dispute } => {
                let dispute = self.find(dispute, "dispute")?;
                self.escalate_dispute(&dispute)
            }
            Op::CloseDispute { dispute, outcome } => {
                let dispute = self.find(dispute, "dispute")?;
                self.close_dispute(&dispute, outcome)
            }
            Op::WarnOfFraud { payment, fraud_type } => self.warn_of_fraud(payment, fraud_type),
            Op::SettleFraudWarning { warning } => self.settle_fraud_warning(warning),
            Op::OpenReview { payment } => self.open_review(payment),
            Op::CloseReview { review, reason } => self.close_review(review, reason),
            _ => self.perform_on_balance(operation),
        }
    }

    fn perform_on_balance(&mut self, operation: &Operation) -> Result<String, Refusal> {
        use Operation as Op;
        match operation {
            Op::SendPayout { account, amount, currency, plan } => {
                let owner = Owner::of(account.as_deref());
                self.send_dashboard_payout(&owner, *amount, currency, plan.clone())
            }
            Op::MovePayout { payout, to, failure_code } => {
                let payout = self.find(payout, "payout")?;
                self.move_payout(&payout, to, failure_code.as_deref())
            }
            Op::RunPayoutSchedule { account } => {
                self.run_payout_schedule(&Owner::of(account.as_deref()));
                Ok(account.clone().unwrap_or_default())
            }
            Op::ReconcilePayout { payout } => {
                let payout = self.find(payout, "payout")?;
                Ok(self.reconcile_payout(&payout))
            }
            Op::TopUp { amount, currency, plan } => self.top_up(*amount, currency, *plan),
            Op::MoveTopUp { topup, to } => {
                let topup = self.find(topup, "topup")?;
                self.move_top_up(&topup, to)
            }
            Op::RefundApplicationFee { fee, amount } => {
                let fee = self.find(fee, "application_fee")?;
                self.refund_application_fee(&fee, *amount)
            }
            Op::HoldReserve { account, amount, currency } => {
                self.hold_reserve(&Owner::of(account.as_deref()), *amount, currency)
            }
            Op::ReleaseReserve { hold, amount } => {
                let hold = self.find(hold, "reserve.hold")?;
                self.release_reserve(&hold, *amount)
            }
            Op::ChargeStripeFee { amount, tax, currency, description } => {
                Ok(self.charge_stripe_fee(*amount, *tax, currency, description))
            }
            other => Err(misdirected(other)),
        }
    }
}

/// An operation that reached the wrong family; only a new variant without a rule can do so.
fn misdirected(operation: &Operation) -> Refusal {
    Refusal::invalid("operation", format!("No rule performs {operation:?}."))
}
