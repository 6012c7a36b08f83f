//! A value that is uncertain while an IBC answer is missing (mesh-security.md §3.1).
//!
//! Starts of a change are checked; its end (acknowledgement, timeout) never fails: when the value was cut
//! meanwhile the change is clamped and the caller is told by how much (probes T4, T4b).

/// `low` if every pending change resolves downwards, `high` if every one resolves upwards; `low ≤ high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValueRange {
    /// Lower bound.
    pub low: u128,
    /// Upper bound.
    pub high: u128,
}

/// A change was refused because a bound would be crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds {
    /// What the change would have led to, saturated.
    pub value: u128,
    /// The bound.
    pub bound: u128,
}

impl ValueRange {
    /// A certain value.
    pub const fn exact(v: u128) -> Self {
        Self { low: v, high: v }
    }

    /// Whether no change is pending.
    pub const fn is_exact(&self) -> bool {
        self.low == self.high
    }

    /// What pending changes span.
    pub const fn room(&self) -> u128 {
        self.high.saturating_sub(self.low)
    }

    /// Starts an increase by `x`.
    ///
    /// # Errors
    /// When the upper bound would exceed `max`.
    pub fn prepare_add(&mut self, x: u128, max: u128) -> Result<(), OutOfBounds> {
        let value = self.high.saturating_add(x);
        if value > max {
            return Err(OutOfBounds { value, bound: max });
        }
        self.high = value;
        Ok(())
    }

    /// Ends an increase by `x` well; returns the part that had been cut meanwhile.
    pub fn commit_add(&mut self, x: u128) -> u128 {
        let taken = x.min(self.room());
        self.low += taken;
        x - taken
    }

    /// Ends an increase by `x` badly; returns the part that had been cut meanwhile.
    pub fn rollback_add(&mut self, x: u128) -> u128 {
        let taken = x.min(self.room());
        self.high -= taken;
        x - taken
    }

    /// Starts a decrease by `x`.
    ///
    /// # Errors
    /// When the lower bound is below `x`.
    pub fn prepare_sub(&mut self, x: u128) -> Result<(), OutOfBounds> {
        self.low = self.low.checked_sub(x).ok_or(OutOfBounds { value: x, bound: self.low })?;
        Ok(())
    }

    /// Ends a decrease by `x` well; returns the part that had been cut meanwhile.
    pub fn commit_sub(&mut self, x: u128) -> u128 {
        self.rollback_add(x)
    }

    /// Ends a decrease by `x` badly; returns the part that had been cut meanwhile.
    pub fn rollback_sub(&mut self, x: u128) -> u128 {
        self.commit_add(x)
    }

    /// Adds in one step.
    ///
    /// # Errors
    /// When the upper bound would exceed `max`.
    pub fn add(&mut self, x: u128, max: u128) -> Result<(), OutOfBounds> {
        self.prepare_add(x, max)?;
        self.low = self.low.saturating_add(x);
        Ok(())
    }

    /// Takes up to `x` off the upper bound and keeps the lower one below it; returns what was taken.
    pub fn cut(&mut self, x: u128) -> u128 {
        let taken = x.min(self.high);
        self.high -= taken;
        self.low = self.low.min(self.high);
        taken
    }

    /// Takes up to `x` off both bounds, as far as each goes; returns what the upper bound lost.
    pub fn cut_both(&mut self, x: u128) -> u128 {
        let taken = x.min(self.high);
        self.high -= taken;
        self.low = self.low.saturating_sub(taken);
        taken
    }

    /// Caps both bounds; returns what the upper bound lost.
    pub fn cap(&mut self, max: u128) -> u128 {
        self.cut(self.high.saturating_sub(max))
    }

    /// Component-wise maximum.
    pub fn max(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// Component-wise sum, saturating.
    pub fn sum(self, other: Self) -> Self {
        Self { low: self.low.saturating_add(other.low), high: self.high.saturating_add(other.high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T4b: a commit after a cut neither panics nor lets the value grow past the cut.
    #[test]
    fn commit_after_a_cut_is_clamped() {
        let mut r = ValueRange::default();
        r.prepare_add(200, 200).unwrap();
        assert_eq!(r.cut(20), 20);
        assert_eq!(r.commit_add(200), 20);
        assert_eq!(r, ValueRange::exact(180));
    }

    /// T4b, the other outcome.
    #[test]
    fn rollback_after_a_cut_is_clamped() {
        let mut r = ValueRange::default();
        r.prepare_add(200, 200).unwrap();
        r.cut(20);
        assert_eq!(r.rollback_add(200), 20);
        assert_eq!(r, ValueRange::exact(0));
    }

    #[test]
    fn starts_are_checked() {
        let mut r = ValueRange::exact(5);
        assert!(r.prepare_add(6, 10).is_err());
        assert!(r.prepare_sub(6).is_err());
        r.prepare_sub(5).unwrap();
        assert_eq!(r, ValueRange { low: 0, high: 5 });
        assert_eq!(r.rollback_sub(5), 0);
        assert_eq!(r, ValueRange::exact(5));
    }
}
