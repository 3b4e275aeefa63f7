//! Connected accounts: what they may do, their bank accounts, and when they leave.

use aggregates::{
    policies::Command,
    seller_account::commands::{BankAccountFact, SellerAccountCommand},
    vocabulary::AccountRef,
};
use engine::{Translation, Want};
use kernel::SellerId;

use super::{Draft, Message, Outcome, Stop, ignore};
use crate::{
    facts::{account_flags, id_of},
    objects::{Account, Capability, ExternalAccount, Fault},
};

impl Message<'_> {
    pub(super) async fn account(&self, seller: Option<SellerId>) -> Outcome {
        match self.info.kind.as_str() {
            "account.updated" => self.account_updated(seller).await,
            "capability.updated" => self.capability_updated(seller).await,
            "account.application.deauthorized" => self.deauthorized(seller),
            _ => self.external_account(seller).await,
        }
    }

    async fn account_updated(&self, seller: Option<SellerId>) -> Outcome {
        let account: Account = self.read()?;
        let id = AccountRef::from(account.id.need("id")?.as_str());
        let flags = account_flags(&account)?;
        let rank = self.said().rank(0);
        let command = SellerAccountCommand::MergeStatus { account: id.clone(), flags, rank };
        let mut translation = self.tell(seller, &id, command).await?;
        // Two changes may bear the same second; what Stripe says now settles it.
        if let Translation::Apply { wants, .. } = &mut translation {
            wants.push(Want::Account(id));
        }
        Ok(translation)
    }

    async fn capability_updated(&self, seller: Option<SellerId>) -> Outcome {
        let capability: Capability = self.read()?;
        if capability.id.need("id")? != "transfers" {
            return Ok(ignore("only the transfers capability matters"));
        }
        let account = self.account_named(id_of(&capability.account))?;
        let active = capability.status.need("status")? == "active";
        let rank = self.said().rank(0);
        let command = SellerAccountCommand::MergeTransfersCapability {
            account: account.clone(),
            active,
            rank,
        };
        self.tell(seller, &account, command).await
    }

    /// The object is the application; only the envelope names the account.
    fn deauthorized(&self, seller: Option<SellerId>) -> Outcome {
        let account = self.account_named(None)?;
        let Some(seller) = seller else { return Ok(Draft::default().park(account.to_string())) };
        let occurred_at = self.said().at();
        let command = SellerAccountCommand::Deauthorize { account, occurred_at };
        let mut draft = Draft::default();
        draft.command(Command::SellerAccount(seller, command));
        Ok(draft.apply())
    }

    async fn external_account(&self, seller: Option<SellerId>) -> Outcome {
        let bank: ExternalAccount = self.read()?;
        let account = self.account_named(id_of(&bank.account))?;
        // Removed outranks everything else that is said of the same bank account.
        let (class, fact) = if self.info.kind.ends_with(".deleted") {
            (1, BankAccountFact::Removed)
        } else {
            match bank.status.get().map(String::as_str) {
                Some(
                    "errored" | "verification_failed" | "tokenized_account_number_deactivated",
                ) => (0, BankAccountFact::Errored),
                _ => (0, BankAccountFact::Present),
            }
        };
        let command = SellerAccountCommand::MergeBankAccount {
            bank_account: bank.id.need("id")?.clone(),
            fact,
            rank: self.said().rank(class),
        };
        self.tell(seller, &account, command).await
    }

    /// The account an event is about: the envelope's, which Stripe vouches for, or the object's.
    fn account_named(&self, in_object: Option<&str>) -> Result<AccountRef, Fault> {
        let named = self.info.account.clone().or_else(|| in_object.map(AccountRef::from));
        named.ok_or_else(|| Fault::new("account", "missing"))
    }

    /// The seller is known where the message came from his account; events about an account that
    /// come to the platform's endpoint are looked up.
    async fn tell(
        &self,
        seller: Option<SellerId>,
        account: &AccountRef,
        command: SellerAccountCommand,
    ) -> Result<Translation, Stop> {
        let seller = match seller {
            Some(seller) => Some(seller),
            None => self.seller_of(account).await?,
        };
        let mut draft = Draft::default();
        let Some(seller) = seller else { return Ok(draft.park(account.to_string())) };
        draft.command(Command::SellerAccount(seller, command));
        Ok(draft.apply())
    }
}
