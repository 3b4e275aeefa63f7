//! The one rule by which a refund or a dispute is split over what a line's money consists of.

use kernel::allocate;

use crate::vocabulary::Components;

/// Why an amount could not be split over a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// More than what remains of the line.
    #[error("only {remaining} minor units of the line remain")]
    Exceeds {
        /// Refundable cash in minor units.
        remaining: i64,
    },
    /// Nothing, or less than nothing, cannot be split.
    #[error("the amount must be at least one minor unit")]
    NotPositive,
}

impl Components {
    /// What the buyer paid for it, or gets back.
    #[must_use]
    pub const fn cash(&self) -> i64 {
        self.fee + self.seller + self.shipping + self.tax - self.discount
    }

    /// What the seller gets for it, or gives back: his part of the item and the shipping.
    #[must_use]
    pub const fn seller_part(&self) -> i64 {
        self.seller + self.shipping
    }

    /// Component by component.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            fee: self.fee + other.fee,
            seller: self.seller + other.seller,
            shipping: self.shipping + other.shipping,
            tax: self.tax + other.tax,
            discount: self.discount + other.discount,
        }
    }

    /// Component by component.
    #[must_use]
    pub const fn minus(&self, other: &Self) -> Self {
        Self {
            fee: self.fee - other.fee,
            seller: self.seller - other.seller,
            shipping: self.shipping - other.shipping,
            tax: self.tax - other.tax,
            discount: self.discount - other.discount,
        }
    }

    /// Is there nothing in it?
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.fee == 0
            && self.seller == 0
            && self.shipping == 0
            && self.tax == 0
            && self.discount == 0
    }

    /// Splits `amount` of cash over what remains (`self`).
    ///
    /// With `C` the sum of the components and `d` the platform-funded discount that remains, the
    /// refundable cash is `C - d`. Of a refund `R`, `floor(d * R / (C - d))` is discount, and `R`
    /// plus that is shared over commission, seller, shipping and tax by largest remainder, ties to
    /// the lower index. Every part stays within what remains, and the sum is exact however the
    /// refund is cut up. Commission that the platform retains is moved *after* this split.
    ///
    /// # Errors
    /// [`SplitError`] when the amount is not positive or exceeds what remains.
    pub fn split(&self, amount: i64) -> Result<Self, SplitError> {
        if amount <= 0 {
            return Err(SplitError::NotPositive);
        }
        let cash = self.cash();
        if amount > cash {
            return Err(SplitError::Exceeds { remaining: cash });
        }
        // amount <= cash, so the quotient is at most `discount` and fits.
        let share = i128::from(self.discount) * i128::from(amount) / i128::from(cash);
        let discount = i64::try_from(share).unwrap_or(self.discount);
        let weights = [self.fee, self.seller, self.shipping, self.tax];
        match allocate(amount + discount, &weights).as_deref() {
            Ok([fee, seller, shipping, tax]) => {
                Ok(Self { fee: *fee, seller: *seller, shipping: *shipping, tax: *tax, discount })
            }
            Ok(_) | Err(_) => Err(SplitError::Exceeds { remaining: 0 }),
        }
    }

    /// The same split with the commission booked to the seller: for "commission retained".
    #[must_use]
    pub const fn commission_retained(&self) -> Self {
        Self { fee: 0, seller: self.seller + self.fee, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_refunds_of_line_one_hold() {
        let mut left = Components { fee: 300, seller: 2700, shipping: 350, tax: 442, discount: 0 };
        for (amount, fee, seller, shipping, tax) in
            [(1000, 79, 712, 92, 117), (1, 0, 1, 0, 0), (2791, 221, 1987, 258, 325)]
        {
            let part = left.split(amount).unwrap();
            assert_eq!(part, Components { fee, seller, shipping, tax, discount: 0 });
            left = left.minus(&part);
        }
        assert_eq!(left.split(1), Err(SplitError::Exceeds { remaining: 0 }));
    }

    #[test]
    fn the_golden_refund_with_a_platform_discount_holds() {
        let whole = Components { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 };
        let first = whole.split(1000).unwrap();
        let second = whole.minus(&first).split(2930).unwrap();
        assert_eq!(first.plus(&second), whole);
        assert_eq!(whole.cash(), 3930);
    }

    proptest! {
        #[test]
        fn however_a_line_is_refunded_every_component_ends_at_zero_and_never_below(
            fee in 0..5000_i64, seller in 1..50_000_i64, shipping in 0..3000_i64,
            tax in 0..9000_i64, discount_share in 0..=100_i64,
            cuts in prop::collection::vec(1..20_000_i64, 0..9),
        ) {
            // A discount is at most the item's price, so it never exceeds fee + seller.
            let discount = (fee + seller) * discount_share / 100;
            let whole = Components { fee, seller, shipping, tax, discount };
            prop_assume!(whole.cash() > 0);
            let mut left = whole;
            let mut returned = Components::default();
            let last = i64::MAX;
            for cut in cuts.into_iter().chain([last]) {
                if left.cash() == 0 { break; }
                let part = left.split(cut.min(left.cash())).unwrap();
                prop_assert_eq!(part.cash(), cut.min(left.cash()));
                left = left.minus(&part);
                returned = returned.plus(&part);
                for component in [left.fee, left.seller, left.shipping, left.tax, left.discount] {
                    prop_assert!(component >= 0, "{left:?}");
                }
            }
            prop_assert_eq!(left.cash(), 0);
            prop_assert_eq!(returned.plus(&left), whole);
        }
    }
}
