//! The set that all designs share: chains, stakes, prices.

use cosmwasm_std::Decimal;

/// Base units of a token.
const UNIT: u128 = 1_000_000;

/// Something that can be staked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    pub(super) name: &'static str,
    /// Base units of one token.
    unit: u128,
    /// Price of a token in hundredths of a dollar.
    cents: u128,
    /// What its holders put at stake with each of three validators, whole tokens.
    pub(super) stakes: [u128; 3],
}

impl Asset {
    /// Worth of an amount in base units, whole dollars.
    pub(super) fn worth(&self, amount: u128) -> u128 {
        amount.saturating_mul(self.cents) / self.unit / 100
    }

    /// All of its stake in dollars.
    pub(super) fn dollars(&self) -> u128 {
        self.worth(self.stake(0) + self.stake(1) + self.stake(2))
    }

    /// What is at stake with the `n`-th validator, base units.
    pub(super) fn stake(&self, n: usize) -> u128 {
        self.stakes.get(n).map_or(0, |tokens| tokens * self.unit)
    }

    /// Base units of `other` that one base unit of this is worth.
    pub(super) fn price_in(&self, other: &Self) -> Decimal {
        Decimal::from_ratio(self.cents * other.unit, other.cents * self.unit)
    }
}

/// The chains; the first is the hub.
pub(super) const CHAINS: [Asset; 4] = [
    Asset { name: "hub", unit: UNIT, cents: 1_000, stakes: [25_000_000, 15_000_000, 10_000_000] },
    Asset { name: "alpha", unit: UNIT, cents: 200, stakes: [40_000_000, 40_000_000, 20_000_000] },
    Asset { name: "beta", unit: UNIT, cents: 50, stakes: [50_000_000, 30_000_000, 20_000_000] },
    Asset { name: "gamma", unit: UNIT, cents: 10, stakes: [20_000_000, 20_000_000, 10_000_000] },
];

/// Bitcoin that its holders would put at stake.
pub(super) const BITCOIN: Asset =
    Asset { name: "bitcoin", unit: 100_000_000, cents: 10_000_000, stakes: [400, 400, 200] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_and_inverse() {
        assert_eq!(BITCOIN.price_in(&CHAINS[2]).to_string(), "2000");
        assert_eq!(CHAINS[0].price_in(&CHAINS[3]).to_string(), "100");
        assert_eq!(CHAINS[3].price_in(&CHAINS[0]).to_string(), "0.01");
        assert_eq!(CHAINS.map(|c| c.dollars()), [500_000_000, 200_000_000, 50_000_000, 5_000_000]);
        assert_eq!(BITCOIN.dollars(), 100_000_000);
    }
}
