//! Rows of the table, and what they are held against.

use crate::gas::meter::Call;

/// A measured operation.
pub(crate) struct Row {
    pub(crate) op: &'static str,
    /// Items of the measured message: figures are of one of them.
    pub(crate) items: u64,
    pub(crate) calls: Vec<Call>,
}

/// Figures of a row, SDK gas for one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) vm: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Reads of other contracts' storage.
    pub(crate) queries: u64,
}

impl Figures {
    /// Storage and sub-queries.
    pub(crate) fn store(&self) -> u64 {
        self.reads + self.writes + self.queries
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.vm + self.store()
    }
}

impl Row {
    /// A message about one thing.
    pub(crate) fn one(op: &'static str, calls: Vec<Call>) -> Self {
        Self { op, items: 1, calls }
    }

    /// A message about several, of which one's share is shown.
    pub(crate) fn each(op: &'static str, items: u64, calls: Vec<Call>) -> Self {
        Self { op, items, calls }
    }

    /// Sum over all contracts that the message entered, for one item, rounded up.
    pub(crate) fn figures(&self) -> Figures {
        let sum = |of: fn(&Call) -> u64| self.calls.iter().map(of).sum::<u64>().div_ceil(self.items.max(1));
        Figures {
            vm: sum(|c| c.vm),
            reads: sum(|c| c.store.read),
            writes: sum(|c| c.store.write),
            queries: sum(|c| c.queries),
        }
    }
}

/// Total SDK gas that is aimed at, and what the existing contracts need, by operation.
const AIMS: &[(&str, u64, &str)] = &[
    ("finality-vote", 14_000, "64 100"),
    ("finality-vote-batch-100-each", 7_000, ""),
    ("evidence-slash", 20_000, "78 500"),
    ("pubrand-commit", 8_500, "29 000"),
    ("header-batch-100-each", 2_000, "22 600"),
    ("delegation-register", 40_000, "201 000"),
    ("covenant-signatures", 14_000, ""),
    ("delegation-activate", 14_000, ""),
    ("undelegate", 20_000, "152 000"),
];

/// The aim of an operation, if it has one.
pub(crate) fn aim(op: &str) -> Option<u64> {
    AIMS.iter().find(|(name, ..)| *name == op).map(|(_, aim, _)| *aim)
}

/// What the existing contracts need for it, where it is known.
pub(crate) fn existing(op: &str) -> &'static str {
    AIMS.iter().find(|(name, ..)| *name == op).map_or("", |(.., existing)| existing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_harness::chain::StoreGas;

    #[test]
    fn a_share_of_a_batch_is_rounded_up() {
        let store = StoreGas { read: 100, write: 201, ..StoreGas::default() };
        let call = Call { contract: "c".into(), entry: "execute", vm: 1, store, queries: 7 };
        let row = Row::each("x", 100, vec![call.clone(), call]);
        let figures = row.figures();
        assert_eq!(figures, Figures { vm: 1, reads: 2, writes: 5, queries: 1 });
        assert_eq!((figures.store(), figures.total()), (8, 9));
    }
}
