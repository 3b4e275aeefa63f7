//! The arithmetic of orders and refunds, written down a second time.
//!
//! Nothing here is shared with the crates that keep the books: the demo compares two independent
//! calculations, and a mistake in one of them must not be in the other. Everything is `i128`.

/// What one line's money consists of, in minor units. Cash is the first four less the discount,
/// which is only what the platform funds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) fee: i128,
    pub(crate) seller: i128,
    pub(crate) shipping: i128,
    pub(crate) tax: i128,
    pub(crate) discount: i128,
}

impl Parts {
    pub(crate) fn cash(&self) -> i128 {
        self.fee + self.seller + self.shipping + self.tax - self.discount
    }

    /// What the seller gets of it.
    pub(crate) fn of_seller(&self) -> i128 {
        self.seller + self.shipping
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.fee += other.fee;
        self.seller += other.seller;
        self.shipping += other.shipping;
        self.tax += other.tax;
        self.discount += other.discount;
    }

    pub(crate) fn take(&mut self, other: &Self) {
        self.fee -= other.fee;
        self.seller -= other.seller;
        self.shipping -= other.shipping;
        self.tax -= other.tax;
        self.discount -= other.discount;
    }

    /// The part of it that a refund of `cash` consists of: of the discount that remains `d`, over
    /// refundable cash `c`, `floor(d * cash / c)`; the rest by largest remainder over commission,
    /// seller, shipping and tax. At most everything.
    pub(crate) fn split(&self, cash: i128) -> Self {
        let whole = self.cash();
        if cash >= whole || whole <= 0 {
            return if cash > 0 && whole > 0 { *self } else { Self::default() };
        }
        if cash <= 0 {
            return Self::default();
        }
        let discount = self.discount * cash / whole;
        let weights = [self.fee, self.seller, self.shipping, self.tax];
        let shares = largest_remainder(cash + discount, &weights);
        Self { fee: shares[0], seller: shares[1], shipping: shares[2], tax: shares[3], discount }
    }
}

/// Shares a total that is not negative over weights: everybody gets the whole part of his share, and
/// what is left goes, one by one, to those with the largest rest; among equals to the first.
pub(crate) fn largest_remainder(total: i128, weights: &[i128]) -> Vec<i128> {
    let sum: i128 = weights.iter().sum();
    if sum <= 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i128> = weights.iter().map(|weight| total * weight / sum).collect();
    let mut owed = total - shares.iter().sum::<i128>();
    let mut places: Vec<usize> = (0..weights.len()).collect();
    places.sort_by_key(|place| (-((total * weights[*place]) % sum), *place));
    for place in places {
        if owed == 0 {
            break;
        }
        shares[place] += 1;
        owed -= 1;
    }
    shares
}

/// A share in basis points, rounded half to even.
pub(crate) fn basis_points(amount: i128, points: i128) -> i128 {
    let product = amount * points;
    let (floor, rest) = (product.div_euclid(10_000), product.rem_euclid(10_000));
    match rest.cmp(&5_000) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

/// The refund of `cash` spread over several lines by what remains of each, and over each line's
/// parts. Lines of which nothing is taken stay out.
pub(crate) fn take_over_lines(lines: &[Parts], cash: i128) -> Vec<(usize, Parts)> {
    let weights: Vec<i128> = lines.iter().map(Parts::cash).collect();
    let whole: i128 = weights.iter().sum();
    let shares = largest_remainder(cash.min(whole).max(0), &weights);
    (0..lines.len())
        .zip(shares)
        .filter(|(_, share)| *share > 0)
        .map(|(place, share)| (place, lines[place].split(share)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_refunds_of_a_line_come_out() {
        let mut left = Parts { fee: 300, seller: 2700, shipping: 350, tax: 442, discount: 0 };
        for (cash, fee, seller, shipping, tax) in
            [(1000, 79, 712, 92, 117), (1, 0, 1, 0, 0), (2791, 221, 1987, 258, 325)]
        {
            let part = left.split(cash);
            assert_eq!(part, Parts { fee, seller, shipping, tax, discount: 0 });
            left.take(&part);
        }
        assert_eq!(left, Parts::default());
    }

    #[test]
    fn a_line_with_a_discount_of_the_platforms_gives_it_back_too() {
        let whole = Parts { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 };
        let first = whole.split(1000);
        let mut left = whole;
        left.take(&first);
        let second = left.split(2930);
        left.take(&second);
        assert_eq!(left, Parts::default());
        assert_eq!(first.cash() + second.cash(), 3930);
    }

    #[test]
    fn shares_are_exact_and_ties_go_to_the_first() {
        assert_eq!(largest_remainder(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(largest_remainder(1, &[5, 5]), [1, 0]);
        assert_eq!(largest_remainder(0, &[0, 0]), [0, 0]);
        assert_eq!(basis_points(25, 1000), 2, "2.5 goes to the even 2");
        assert_eq!(basis_points(35, 1000), 4, "3.5 goes to the even 4");
    }
}
