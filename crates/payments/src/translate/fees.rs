//! The platform's fees on direct and destination charges. Their balance transactions are fetched or
//! imported, never assumed.

use aggregates::{
    link::Subject, payment::commands::PaymentCommand, policies::Command, vocabulary::ChargeRef,
};
use kernel::PaymentId;

use super::{Draft, Message, Outcome, Stop, ignore};
use crate::{
    facts::id_of,
    objects::{ApplicationFee, Fault, FeeRefund, instant, money},
};

impl Message<'_> {
    pub(super) async fn application_fee(&self) -> Outcome {
        if self.is_of_connected_account() {
            return Ok(ignore("a connected account's view of our fee"));
        }
        if self.info.kind == "application_fee.refund.updated" {
            return self.fee_refund().await;
        }
        let fee: ApplicationFee = self.read()?;
        let id = fee.id.need("id")?.as_str();
        let amount = money(&fee.amount, "amount", &fee.currency)?;
        let occurred_at = instant(&fee.created, "created")?;
        let mut draft = Draft::default();
        draft.transaction(&fee.balance_transaction, "balance_transaction", None, None)?;
        let payment = match self.payment_of_fee(&fee, id).await? {
            Some(payment) => payment,
            None => {
                let platform_charge = id_of(&fee.originating_transaction).unwrap_or_default();
                return Ok(draft.park(platform_charge));
            }
        };
        draft.link(id, Subject::Payment(payment));
        draft.command(Command::Payment(
            payment,
            PaymentCommand::RecordApplicationFee {
                payment,
                fee: id.into(),
                charge: ChargeRef::from(fee.charge.need("charge")?.0.as_str()),
                amount,
                occurred_at,
            },
        ));
        for refund in fee.refunds.maybe("refunds")?.into_iter().flat_map(|list| &list.data) {
            self.merge_fee_refund(refund, id, payment, &mut draft)
                .map_err(|fault| fault.inside("refunds"))?;
        }
        Ok(draft.apply())
    }

    async fn fee_refund(&self) -> Outcome {
        let refund: FeeRefund = self.read()?;
        let fee = refund.fee.need("fee")?.0.as_str();
        let mut draft = Draft::default();
        if let Some(Subject::Payment(payment)) = self.links.subject(fee).await? {
            self.merge_fee_refund(&refund, fee, payment, &mut draft)?;
            return Ok(draft.apply());
        }
        draft.transaction(&refund.balance_transaction, "balance_transaction", None, None)?;
        Ok(draft.park(fee))
    }

    fn merge_fee_refund(
        &self,
        refund: &FeeRefund,
        fee: &str,
        payment: PaymentId,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        draft.transaction(&refund.balance_transaction, "balance_transaction", None, None)?;
        draft.command(Command::Payment(
            payment,
            PaymentCommand::RecordApplicationFeeRefund {
                fee: fee.into(),
                refund: refund.id.need("id")?.as_str().into(),
                amount: money(&refund.amount, "amount", &refund.currency)?,
                occurred_at: instant(&refund.created, "created")?,
            },
        ));
        Ok(())
    }

    /// The payment a fee belongs to. The charge of a destination charge is the platform's and will
    /// be known; `None` waits for it. A direct charge is the seller's own, so the fee is all there
    /// is, and its payment derives from the charge.
    async fn payment_of_fee(
        &self,
        fee: &ApplicationFee,
        id: &str,
    ) -> Result<Option<PaymentId>, Stop> {
        if let Some(Subject::Payment(payment)) = self.links.subject(id).await? {
            return Ok(Some(payment));
        }
        let charge = fee.charge.need("charge")?.0.as_str();
        if let Some(platform_charge) = id_of(&fee.originating_transaction) {
            return self.known_payment(Some(platform_charge), Some(charge)).await;
        }
        let known = self.known_payment(None, Some(charge)).await?;
        Ok(Some(known.unwrap_or_else(|| PaymentId::derived(&[&self.tenant_text(), charge]))))
    }
}
