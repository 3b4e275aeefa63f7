//! Sharing an amount out so that not one minor unit is lost or invented.

/// Why an amount could not be shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    /// There was nobody to share with, or every share weighs nothing.
    #[error("the weights must hold at least one positive number")]
    NoWeight,
    /// A share cannot weigh less than nothing.
    #[error("weight {index} is negative; weights must be zero or more")]
    NegativeWeight {
        /// Which weight, counted from zero.
        index: usize,
    },
}

/// Splits `total` (minor units, any sign) in proportion to `weights` by largest remainder.
///
/// The parts sum exactly to `total`; ties go to the lower index; a negative total is the mirror
/// image of the positive one. `allocate(100, &[1, 1, 1])` is `[34, 33, 33]`.
///
/// # Errors
/// [`AllocationError`] when no weight is positive or one is negative.
pub fn allocate(total: i64, weights: &[i64]) -> Result<Vec<i64>, AllocationError> {
    if let Some(index) = weights.iter().position(|weight| *weight < 0) {
        return Err(AllocationError::NegativeWeight { index });
    }
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 {
        return Err(AllocationError::NoWeight);
    }
    let sign = i128::from(total.signum());
    let magnitude = i128::from(total) * sign;
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = magnitude;
    for (index, weight) in weights.iter().enumerate() {
        let share = magnitude * i128::from(*weight);
        parts.push(share / sum);
        left -= share / sum;
        remainders.push((share % sum, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    // Each part is at most |total| in magnitude, so it fits where the total fitted.
    Ok(parts.into_iter().map(|part| i64::try_from(part * sign).unwrap_or(total)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_splits_hold() {
        assert_eq!(allocate(100, &[1, 1, 1]).unwrap(), [34, 33, 33]);
        assert_eq!(allocate(1, &[5, 5]).unwrap(), [1, 0]);
        assert_eq!(allocate(-100, &[1, 1, 1]).unwrap(), [-34, -33, -33]);
        assert_eq!(allocate(1000, &[3333, 3333, 3334]).unwrap(), [333, 333, 334]);
    }

    #[test]
    fn nobody_to_share_with_is_an_error() {
        assert_eq!(allocate(5, &[]), Err(AllocationError::NoWeight));
        assert_eq!(allocate(5, &[0, 0]), Err(AllocationError::NoWeight));
        assert_eq!(allocate(5, &[1, -1]), Err(AllocationError::NegativeWeight { index: 1 }));
    }

    proptest! {
        #[test]
        fn the_parts_sum_to_the_whole_and_stay_within_one_unit_of_fair(
            total in any::<i64>(),
            weights in prop::collection::vec(0..=i64::MAX / 16, 1..12),
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let parts = allocate(total, &weights).unwrap();
            prop_assert_eq!(parts.iter().map(|p| i128::from(*p)).sum::<i128>(), i128::from(total));
            let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let fair = i128::from(total) * i128::from(*weight) / sum;
                prop_assert!((i128::from(*part) - fair).abs() <= 1);
            }
        }
    }
}
