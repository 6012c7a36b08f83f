//! Page sizes of list queries: one default and one maximum for all contracts.

/// Items of a page when none are asked for.
const DEFAULT: u32 = 30;
/// Items of a page at most.
const MAX: u32 = 100;

/// A page size within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit(u32);

impl PageLimit {
    /// Takes what was asked for; more than 100 becomes 100, nothing becomes 30.
    #[must_use]
    pub fn new(asked: Option<u32>) -> Self {
        Self(asked.unwrap_or(DEFAULT).min(MAX))
    }

    /// The size.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_never_larger_than_the_maximum() {
        assert_eq!(PageLimit::new(None).get(), 30);
        assert_eq!(PageLimit::new(Some(5)).get(), 5);
        assert_eq!(PageLimit::new(Some(u32::MAX)).get(), 100);
    }
}
