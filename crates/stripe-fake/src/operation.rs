//! What a script can make happen at the fake: everything buyers, banks and Stripe do by themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::{
    AccountStanding, DisputeOutcome, Forget, Payment, PayoutPlan, PayoutSchedule, RefundPlan,
    RefundStatus, Rule, TopUpPlan,
};

/// Names an object a script wants to act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Its Stripe id. Where a payment is meant, the id of its session, intent or charge will do.
    Id(String),
    /// The latest object that carries this metadata. The names `client_reference_id` and
    /// `transfer_group` match the fields of those names.
    Metadata {
        /// The name of the metadata, for example `daybook_order`.
        key: String,
        /// Its value.
        value: String,
    },
    /// The object that the operation with this key created.
    Made(String),
}

impl Target {
    /// Names an object by its Stripe id.
    pub fn id(id: impl Into<String>) -> Self {
        Self::Id(id.into())
    }

    /// Names an object by its metadata.
    pub fn metadata(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::Metadata { key: key.into(), value: value.into() }
    }

    /// Names an object by the key of the operation that created it.
    pub fn made(key: impl Into<String>) -> Self {
        Self::Made(key.into())
    }
}

/// A connected account that comes into being without the API, for example from an earlier life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    /// The ISO country code.
    pub country: String,
    /// The settlement currency, lower case.
    pub currency: String,
    /// The e-mail address of the holder.
    pub email: Option<String>,
    /// Our ids, for example `daybook_seller`.
    pub metadata: BTreeMap<String, String>,
    /// Where onboarding stands at the start.
    pub standing: AccountStanding,
    /// Who sends the payouts.
    pub payouts: PayoutSchedule,
}

impl Default for NewAccount {
    fn default() -> Self {
        Self {
            country: "US".into(),
            currency: "usd".into(),
            email: None,
            metadata: BTreeMap::new(),
            standing: AccountStanding::Ready,
            payouts: PayoutSchedule::Manual,
        }
    }
}

/// A payment made without a Checkout session: a bare `PaymentIntent` and its charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BarePayment {
    /// Minor units.
    pub amount: i64,
    /// Lower-case ISO code.
    pub currency: String,
    /// Metadata of the intent. The charge takes it over unless `forget` says otherwise.
    pub metadata: BTreeMap<String, String>,
    /// The intent's transfer group.
    pub transfer_group: Option<String>,
    /// The description people see.
    pub description: Option<String>,
    /// Whether the money is only authorised at first.
    pub manual_capture: bool,
    /// A direct charge on this connected account.
    pub on_account: Option<String>,
    /// A destination charge: the whole amount is transferred to this connected account.
    pub destination: Option<String>,
    /// What the platform keeps of a direct or destination charge.
    pub application_fee: Option<i64>,
    /// Which links the payment loses.
    pub forget: Forget,
    /// How the buyer pays.
    pub payment: Payment,
}

impl Default for BarePayment {
    fn default() -> Self {
        Self {
            amount: 1000,
            currency: "usd".into(),
            metadata: BTreeMap::new(),
            transfer_group: None,
            description: None,
            manual_capture: false,
            on_account: None,
            destination: None,
            application_fee: None,
            forget: Forget::default(),
            payment: Payment::default(),
        }
    }
}

/// A dispute a card holder opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDispute {
    /// The disputed payment.
    pub payment: Target,
    /// Minor units; the whole charge if absent. It may exceed the charge.
    pub amount: Option<i64>,
    /// An inquiry withdraws nothing; a chargeback withdraws the amount and the fee at once.
    pub inquiry: bool,
    /// Stripe's reason code, for example `fraudulent`.
    pub reason: String,
    /// Seconds until evidence is due; absent for disputes that cannot be answered.
    pub due_in_s: Option<i64>,
    /// The fee in minor units; the currency's usual dispute fee if absent.
    pub fee: Option<i64>,
    /// Whether a chargeback takes the money; false for disputes prevented before that.
    pub withdraw: bool,
    /// How it ends by itself, and after how many seconds.
    pub outcome: Option<(i64, DisputeOutcome)>,
}

impl NewDispute {
    /// A chargeback of the whole payment that stays open.
    #[must_use]
    pub fn chargeback(payment: Target) -> Self {
        Self {
            payment,
            amount: None,
            inquiry: false,
            reason: "fraudulent".into(),
            due_in_s: Some(10 * 86_400),
            fee: None,
            withdraw: true,
            outcome: None,
        }
    }

    /// An inquiry about the whole payment that stays open.
    #[must_use]
    pub fn inquiry(payment: Target) -> Self {
        Self { inquiry: true, reason: "product_not_received".into(), ..Self::chargeback(payment) }
    }
}

/// One thing that happens at Stripe without a request of ours. Amounts are minor units, times are
/// Unix seconds on the fake's clock, and accounts are connected account ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A connected account appears.
    CreateAccount(NewAccount),
    /// A connected account changes its standing: onboarding finished, restricted, rejected.
    SetStanding {
        /// The connected account.
        account: String,
        /// The new standing.
        standing: AccountStanding,
    },
    /// The holder disconnects the account from the platform.
    DeauthorizeAccount {
        /// The connected account.
        account: String,
    },
    /// The bank refuses the account's bank account; payouts stop until it is replaced.
    FailExternalAccount {
        /// The connected account.
        account: String,
    },
    /// The holder enters a new bank account; payouts resume.
    ReplaceExternalAccount {
        /// The connected account.
        account: String,
    },
    /// The holder removes the bank account.
    RemoveExternalAccount {
        /// The connected account.
        account: String,
    },
    /// Who sends payouts from now on; no account means the platform itself.
    SetPayoutSchedule {
        /// The connected account, or the platform.
        account: Option<String>,
        /// The schedule.
        schedule: PayoutSchedule,
    },
    /// A buyer tries to pay an open Checkout session.
    PaySession {
        /// The session.
        session: Target,
        /// How the buyer pays.
        payment: Payment,
        /// Which links the payment loses, so that the remaining ones are exercised.
        #[serde(default)]
        forget: Forget,
    },
    /// A session's deadline passes. Scheduled by itself when a session is created.
    ExpireSession {
        /// The session.
        session: Target,
    },
    /// Somebody pays without a session.
    Pay(BarePayment),
    /// The buyer tries again, or finishes what the bank asked for.
    ContinuePayment {
        /// The payment.
        payment: Target,
        /// How the buyer pays this time.
        how: Payment,
    },
    /// The bank answers an asynchronous payment. Scheduled by itself.
    SettlePayment {
        /// The payment.
        payment: Target,
        /// `None` if the money arrived, otherwise the failure code.
        failure: Option<String>,
        /// Seconds until the balance transaction follows, if it is late.
        late_balance_transaction_s: Option<i64>,
    },
    /// The balance transaction of a succeeded charge follows late. Scheduled by itself.
    BookCharge {
        /// The charge.
        payment: Target,
    },
    /// An authorised payment is captured, wholly or in part.
    CapturePayment {
        /// The payment.
        payment: Target,
        /// The captured part; all of it if absent.
        amount: Option<i64>,
    },
    /// An authorisation lapses. Scheduled by itself seven days after an authorisation.
    ExpireAuthorization {
        /// The payment.
        payment: Target,
    },
    /// An intent is canceled.
    CancelPayment {
        /// The payment.
        payment: Target,
        /// Stripe's cancellation reason.
        reason: Option<String>,
    },
    /// The bank takes an asynchronous payment back after it had succeeded.
    ClawBack {
        /// The payment.
        payment: Target,
        /// The failure code.
        failure_code: String,
    },
    /// Somebody refunds in Stripe's dashboard.
    Refund {
        /// The payment.
        payment: Target,
        /// The refunded part; what remains if absent.
        amount: Option<i64>,
        /// Stripe's reason.
        reason: Option<String>,
        /// Metadata of the refund.
        #[serde(default)]
        metadata: BTreeMap<String, String>,
        /// What becomes of it; rules decide if absent.
        plan: Option<RefundPlan>,
    },
    /// A refund changes its status.
    MoveRefund {
        /// The refund.
        refund: Target,
        /// The new status.
        to: RefundStatus,
        /// Why it failed, if it failed.
        failure_reason: Option<String>,
    },
    /// A card holder disputes a payment.
    OpenDispute(NewDispute),
    /// An inquiry becomes a chargeback and the money is withdrawn.
    EscalateDispute {
        /// The dispute.
        dispute: Target,
    },
    /// A dispute ends.
    CloseDispute {
        /// The dispute.
        dispute: Target,
        /// How it ends.
        outcome: DisputeOutcome,
    },
    /// A card network warns of fraud.
    WarnOfFraud {
        /// The payment.
        payment: Target,
        /// Stripe's fraud type, for example `made_with_stolen_card`.
        fraud_type: String,
    },
    /// An early fraud warning can no longer be acted on.
    SettleFraudWarning {
        /// The warning.
        warning: Target,
    },
    /// Radar asks a person to look at a payment.
    OpenReview {
        /// The payment.
        payment: Target,
    },
    /// A person decided a review.
    CloseReview {
        /// The review.
        review: Target,
        /// `approved`, `refunded`, `refunded_as_fraud`, `disputed` or `canceled`.
        reason: String,
    },
    /// A payout is made in the dashboard.
    SendPayout {
        /// The connected account, or the platform.
        account: Option<String>,
        /// The amount; everything available if absent.
        amount: Option<i64>,
        /// The currency.
        currency: String,
        /// What becomes of it; rules decide if absent.
        plan: Option<PayoutPlan>,
    },
    /// A payout changes its status: `in_transit`, `paid`, `failed` or `canceled`. Scheduled by itself.
    MovePayout {
        /// The payout.
        payout: Target,
        /// The new status.
        to: String,
        /// Why it failed, if it failed.
        failure_code: Option<String>,
    },
    /// The daily run of automatic payouts. Scheduled by itself.
    RunPayoutSchedule {
        /// The connected account, or the platform.
        account: Option<String>,
    },
    /// The balance transactions of an automatic payout can be listed. Scheduled by itself.
    ReconcilePayout {
        /// The payout.
        payout: Target,
    },
    /// The platform tops up its balance from its bank.
    TopUp {
        /// The amount.
        amount: i64,
        /// The currency.
        currency: String,
        /// What becomes of it.
        plan: TopUpPlan,
    },
    /// A top-up changes its status. Scheduled by itself.
    MoveTopUp {
        /// The top-up.
        topup: Target,
        /// `succeeded`, `failed`, `canceled` or `reversed`.
        to: String,
    },
    /// The platform gives an application fee back, wholly or in part.
    RefundApplicationFee {
        /// The application fee.
        fee: Target,
        /// The part; what remains if absent.
        amount: Option<i64>,
    },
    /// Stripe holds part of a balance in reserve.
    HoldReserve {
        /// The connected account, or the platform.
        account: Option<String>,
        /// The amount.
        amount: i64,
        /// The currency.
        currency: String,
    },
    /// Stripe releases a reserve, wholly or in part.
    ReleaseReserve {
        /// The hold.
        hold: Target,
        /// The part; what remains if absent.
        amount: Option<i64>,
    },
    /// Stripe bills the platform for its services.
    ChargeStripeFee {
        /// The net price.
        amount: i64,
        /// The tax on it.
        tax: i64,
        /// The currency.
        currency: String,
        /// The description people see.
        description: String,
    },
    /// From now on, objects that match behave as the rule says.
    AddRule(Rule),
    /// Stripe forgets idempotency keys, as it may after a day. A repeated request runs again.
    ForgetIdempotencyKeys,
    /// Does something later; at once if the time has passed.
    At {
        /// When.
        at: i64,
        /// What.
        operation: Box<Operation>,
    },
}
