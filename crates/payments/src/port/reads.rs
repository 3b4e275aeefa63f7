//! Calls that read, and looking for what an earlier call of ours may have made.

use std::collections::BTreeMap;

use aggregates::{
    balance_transaction::{Provenance, TransactionRecord},
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    refund::commands::RefundFact,
    vocabulary::{
        AccountRef, ChargeRef, ReversalRef, StripeDisputeRef, StripePayoutRef, TransferRef, TxnRef,
    },
};
use bytes::Bytes;
use engine::ports::{
    AccountSnapshot, BalanceFigure, ChargeSnapshot, CreatePayout, CreateRefund, CreateTransfer,
    DisputeSnapshot, FoundRefund, Listed, ReverseTransfer, StripeCallError,
};
use kernel::{Currency, RefundId, Timestamp};
use serde_json::value::RawValue;
use stripe::StripeRequest;
use stripe_types::RangeQueryTs;

use super::{
    StripeGateway,
    call::{Call, PAGE, text, unusable},
};
use crate::{
    envelope::Envelope,
    facts::{
        account_flags, charge_fact, dispute_fact, id_of, keys, maybe_txn, ours, payout_fact,
        refund_fact, reversal_fact, transaction_record, transfer_fact,
    },
    objects::{
        Account, Balance, BalanceAmount, BalanceTransaction, Charge, Dispute, Expandable, Fault,
        Field, Metadata, Payout, Refund, Reversal, Transfer, currency_of,
    },
};

/// Whether this very call has made an object: the metadata holds its idempotency key.
fn made_by(metadata: &Field<Metadata>, key: &str) -> bool {
    metadata.get().and_then(|metadata| metadata.get(keys::KEY)).is_some_and(|made| made == key)
}

fn of_payments_balance(kind: Option<&str>) -> StripeCallError {
    StripeCallError::Refused {
        code: "other_balance".to_owned(),
        message: format!("it moves another balance ({})", kind.unwrap_or("unknown")),
        status: 404,
    }
}

impl StripeGateway {
    pub(super) async fn look_for_refund(
        &self,
        call: &CreateRefund,
    ) -> Result<Option<RefundFact>, StripeCallError> {
        let attempt = call.attempt.to_string();
        self.seek(
            |cursor| refunds_request(&call.charge, cursor),
            None,
            |refund: &Refund| text(&refund.id),
            |refund| {
                let named = refund.metadata.get().is_some_and(|metadata| {
                    let is = |key: &str, value: &str| {
                        metadata.get(key).is_some_and(|given| given == value)
                    };
                    is(keys::REFUND, &call.refund.to_string()) && is(keys::ATTEMPT, &attempt)
                });
                if !named {
                    return Ok(None);
                }
                refund_fact(&refund, &self.answered()).map(Some)
            },
        )
        .await
    }

    pub(super) async fn look_for_transfer(
        &self,
        call: &CreateTransfer,
    ) -> Result<Option<TransferFact>, StripeCallError> {
        let request = |cursor: Option<String>| {
            let mut list = stripe_connect::transfer::ListTransfer::new()
                .transfer_group(call.payout.to_string())
                .limit(PAGE);
            if let Some(cursor) = cursor {
                list = list.starting_after(cursor);
            }
            list.build()
        };
        self.seek(
            request,
            None,
            |transfer: &Transfer| text(&transfer.id),
            |transfer| {
                if !made_by(&transfer.metadata, &call.idempotency_key) {
                    return Ok(None);
                }
                transfer_fact(&transfer).map(Some)
            },
        )
        .await
    }

    pub(super) async fn look_for_payout(
        &self,
        call: &CreatePayout,
    ) -> Result<Option<PayoutFact>, StripeCallError> {
        let account = Some(&call.account);
        let request = |cursor: Option<String>| {
            let mut list = stripe_core::payout::ListPayout::new().limit(PAGE);
            if let Some(cursor) = cursor {
                list = list.starting_after(cursor);
            }
            list.build()
        };
        self.seek(
            request,
            account,
            |payout: &Payout| text(&payout.id),
            |payout| {
                if !made_by(&payout.metadata, &call.idempotency_key) {
                    return Ok(None);
                }
                payout_fact(&payout, account.cloned(), None, &self.answered()).map(Some)
            },
        )
        .await
    }

    pub(super) async fn look_for_reversal(
        &self,
        call: &ReverseTransfer,
    ) -> Result<Option<ReversalFact>, StripeCallError> {
        let request = |cursor: Option<String>| {
            let mut list = stripe_connect::transfer_reversal::ListIdTransferReversal::new(
                call.transfer.as_str(),
            )
            .limit(PAGE);
            if let Some(cursor) = cursor {
                list = list.starting_after(cursor);
            }
            list.build()
        };
        self.seek(
            request,
            None,
            |reversal: &Reversal| text(&reversal.id),
            |reversal| {
                if !made_by(&reversal.metadata, &call.idempotency_key) {
                    return Ok(None);
                }
                reversal_fact(&reversal, &call.transfer, &call.account).map(Some)
            },
        )
        .await
    }

    pub(super) async fn read_transaction(
        &self,
        txn: &TxnRef,
        account: Option<&AccountRef>,
    ) -> Result<TransactionRecord, StripeCallError> {
        let request =
            stripe_core::balance_transaction::RetrieveBalanceTransaction::new(txn.as_str())
                .expand(vec!["source".to_owned()]);
        let given: BalanceTransaction =
            self.call(request.build(), Call::default().on(account)).await?;
        let record = self.record(&given, account).await?;
        record.ok_or_else(|| of_payments_balance(text(&given.balance_type)))
    }

    pub(super) async fn list_transactions_of_payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<Vec<TransactionRecord>, StripeCallError> {
        let mut records = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut list = stripe_core::balance_transaction::ListBalanceTransaction::new()
                .payout(payout.as_str())
                .limit(PAGE)
                .expand(vec!["data.source".to_owned()]);
            if let Some(cursor) = cursor {
                list = list.starting_after(cursor);
            }
            let page = self.records(list.build(), account).await?;
            records.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(records),
            }
        }
    }

    pub(super) async fn list_transactions(
        &self,
        account: Option<&AccountRef>,
        created: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<TransactionRecord>, StripeCallError> {
        let mut list = stripe_core::balance_transaction::ListBalanceTransaction::new()
            .created(RangeQueryTs::gte(created.unix_seconds()))
            .limit(PAGE)
            .expand(vec!["data.source".to_owned()]);
        if let Some(cursor) = cursor {
            list = list.starting_after(cursor);
        }
        self.records(list.build(), account).await
    }

    async fn records(
        &self,
        request: stripe_client_core::RequestBuilder,
        account: Option<&AccountRef>,
    ) -> Result<Listed<TransactionRecord>, StripeCallError> {
        let page =
            self.page(request, account, |given: &BalanceTransaction| text(&given.id)).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for given in &page.items {
            items.extend(self.record(given, account).await?);
        }
        Ok(Listed { items, next: page.next })
    }

    /// A reversal names its transfer and not the account, so the transfer is asked for.
    async fn record(
        &self,
        given: &BalanceTransaction,
        account: Option<&AccountRef>,
    ) -> Result<Option<TransactionRecord>, StripeCallError> {
        let record = transaction_record(given, account, Provenance::Fetched)
            .map_err(|fault| unusable(&fault))?;
        let Some(mut record) = record else { return Ok(None) };
        let source = given.source.get().and_then(Expandable::object);
        if record.counterpart.is_none()
            && record.kind.starts_with("transfer")
            && account.is_none()
            && let Some(transfer) = source.and_then(|source| id_of(&source.transfer))
        {
            let transfer = self.read_transfer(&TransferRef::from(transfer)).await?;
            record.counterpart = Some(transfer.account);
        }
        Ok(Some(record))
    }

    pub(super) async fn read_charge(
        &self,
        charge: &ChargeRef,
    ) -> Result<ChargeSnapshot, StripeCallError> {
        let request = stripe_core::charge::RetrieveCharge::new(charge.as_str());
        let charge: Charge = self.call(request.build(), Call::default()).await?;
        let snapshot = || {
            Ok(ChargeSnapshot {
                fact: charge_fact(&charge, false, self.tenant, &self.answered())?,
                balance_transaction: maybe_txn(&charge.balance_transaction, "balance_transaction")?,
            })
        };
        snapshot().map_err(|fault: Fault| unusable(&fault))
    }

    pub(super) async fn list_refunds(
        &self,
        charge: &ChargeRef,
    ) -> Result<Vec<FoundRefund>, StripeCallError> {
        let mut found = Vec::new();
        self.seek(
            |cursor| refunds_request(charge, cursor),
            None,
            |refund: &Refund| text(&refund.id),
            |refund| {
                let tenant = self.tenant;
                let refund_id = ours::<RefundId>(&refund.metadata, keys::REFUND, tenant);
                let attempt = ours::<u32>(&refund.metadata, keys::ATTEMPT, tenant);
                found.push(FoundRefund {
                    fact: refund_fact(&refund, &self.answered())?,
                    ours: refund_id.map(|id| (id, attempt.unwrap_or(1))),
                });
                // Nothing is picked, so the whole list is walked.
                Ok(None::<()>)
            },
        )
        .await?;
        Ok(found)
    }

    pub(super) async fn read_dispute(
        &self,
        dispute: &StripeDisputeRef,
    ) -> Result<DisputeSnapshot, StripeCallError> {
        let request = stripe_core::dispute::RetrieveDispute::new(dispute.as_str());
        let dispute: Dispute = self.call(request.build(), Call::default()).await?;
        let details = dispute.evidence_details.get();
        let submitted = details.and_then(|details| details.submission_count.get());
        let fact = dispute_fact(&dispute, &self.answered()).map_err(|fault| unusable(&fault))?;
        Ok(DisputeSnapshot { fact, evidence_submitted: submitted.is_some_and(|count| *count > 0) })
    }

    pub(super) async fn read_payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<PayoutFact, StripeCallError> {
        let request = stripe_core::payout::RetrievePayout::new(payout.as_str());
        let payout: Payout = self.call(request.build(), Call::default().on(account)).await?;
        payout_fact(&payout, account.cloned(), None, &self.answered())
            .map_err(|fault| unusable(&fault))
    }

    pub(super) async fn read_transfer(
        &self,
        transfer: &TransferRef,
    ) -> Result<TransferFact, StripeCallError> {
        let request = stripe_connect::transfer::RetrieveTransfer::new(transfer.as_str());
        let transfer: Transfer = self.call(request.build(), Call::default()).await?;
        transfer_fact(&transfer).map_err(|fault| unusable(&fault))
    }

    pub(super) async fn read_reversal(
        &self,
        transfer: &TransferRef,
        reversal: &ReversalRef,
    ) -> Result<ReversalFact, StripeCallError> {
        let account = self.read_transfer(transfer).await?.account;
        let request = stripe_connect::transfer_reversal::RetrieveTransferReversal::new(
            reversal.as_str(),
            transfer.as_str(),
        );
        let reversal: Reversal = self.call(request.build(), Call::default()).await?;
        reversal_fact(&reversal, transfer, &account).map_err(|fault| unusable(&fault))
    }

    pub(super) async fn read_account(
        &self,
        account: &AccountRef,
    ) -> Result<AccountSnapshot, StripeCallError> {
        let fetched_at = self.now();
        let request = stripe_connect::account::RetrieveAccount::new(account.as_str());
        let given: Account = self.call(request.build(), Call::default()).await?;
        let flags = account_flags(&given).map_err(|fault| unusable(&fault))?;
        Ok(AccountSnapshot { account: account.clone(), flags, fetched_at })
    }

    pub(super) async fn read_balance(
        &self,
        account: Option<&AccountRef>,
    ) -> Result<Vec<BalanceFigure>, StripeCallError> {
        let request = stripe_core::balance::RetrieveForMyAccountBalance::new();
        let balance: Balance = self.call(request.build(), Call::default().on(account)).await?;
        figures(&balance).map_err(|fault| unusable(&fault))
    }

    pub(super) async fn list_undelivered(
        &self,
        since: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<Bytes>, StripeCallError> {
        let mut list = stripe_core::event::ListEvent::new()
            .created(RangeQueryTs::gte(since.unix_seconds()))
            .delivery_success(false)
            .limit(PAGE);
        if let Some(cursor) = cursor {
            list = list.starting_after(cursor);
        }
        let page: Listed<Box<RawValue>> = self.page(list.build(), None, |_| None).await?;
        let last = page.items.last().and_then(|event| Envelope::read(event.get().as_bytes()).id);
        let items: Vec<Bytes> = page
            .items
            .into_iter()
            .map(|event| Bytes::copy_from_slice(event.get().as_bytes()))
            .collect();
        // A full page may have a successor; asking for an empty one costs little.
        let full = i64::try_from(items.len()).is_ok_and(|count| count >= PAGE);
        Ok(Listed { items, next: last.filter(|_| full) })
    }
}

fn refunds_request(
    charge: &ChargeRef,
    cursor: Option<String>,
) -> stripe_client_core::RequestBuilder {
    let mut list = stripe_core::refund::ListRefund::new().charge(charge.as_str()).limit(PAGE);
    if let Some(cursor) = cursor {
        list = list.starting_after(cursor);
    }
    list.build()
}

fn figures(balance: &Balance) -> Result<Vec<BalanceFigure>, Fault> {
    let mut figures: BTreeMap<Currency, BalanceFigure> = BTreeMap::new();
    let mut add = |amounts: &Field<Vec<BalanceAmount>>,
                   name: &'static str,
                   into: fn(&mut BalanceFigure) -> &mut i64|
     -> Result<(), Fault> {
        for amount in amounts.need(name)? {
            let currency = currency_of(&amount.currency)?;
            let figure = figures.entry(currency).or_insert(BalanceFigure {
                currency,
                available: 0,
                pending: 0,
            });
            let sum = into(figure);
            *sum = sum
                .checked_add(*amount.amount.need("amount")?)
                .ok_or_else(|| Fault::new(name, "out of range"))?;
        }
        Ok(())
    };
    add(&balance.available, "available", |figure| &mut figure.available)?;
    add(&balance.pending, "pending", |figure| &mut figure.pending)?;
    Ok(figures.into_values().collect())
}
