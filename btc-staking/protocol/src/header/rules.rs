//! Consensus numbers of each Bitcoin network that header validation needs, as data. Signet's block solution is
//! not among them: it is in the coinbase and cannot be checked from headers (trap E9).

use core::fmt;
use core::num::NonZeroU32;

use super::target::Bits;
use super::u256::U256;

/// Bitcoin network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Network {
    /// The one with value.
    Mainnet,
    /// Third test network, with the 20-minute rule.
    Testnet3,
    /// Fourth test network (BIP-94).
    Testnet4,
    /// Default signet (BIP-325).
    Signet,
    /// Local chain without retargeting.
    Regtest,
}

impl Network {
    /// All networks.
    pub const ALL: [Self; 5] = [Self::Mainnet, Self::Testnet3, Self::Testnet4, Self::Signet, Self::Regtest];

    /// Finds a network by its lower-case name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|n| n.name() == name)
    }

    /// Lower-case name as in configuration and vectors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet3 => "testnet3",
            Self::Testnet4 => "testnet4",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }

    /// Human-readable part of this network's segwit addresses.
    #[must_use]
    pub const fn address_hrp(self) -> &'static str {
        match self {
            Self::Mainnet => "bc",
            Self::Testnet3 | Self::Testnet4 | Self::Signet => "tb",
            Self::Regtest => "bcrt",
        }
    }

    /// Header rules of this network.
    #[must_use]
    pub const fn rules(self) -> ChainRules {
        match self {
            Self::Mainnet => ChainRules::MAINNET,
            Self::Testnet3 => ChainRules::TESTNET3,
            Self::Testnet4 => ChainRules::TESTNET4,
            Self::Signet => ChainRules::SIGNET,
            Self::Regtest => ChainRules::REGTEST,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Unchecked numbers of a chain, for networks that are not built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRules {
    /// Largest target.
    pub pow_limit: U256,
    /// Largest target in compact form; what a minimum-difficulty header carries.
    pub pow_limit_bits: u32,
    /// Seconds that a retarget period should take.
    pub target_timespan: u32,
    /// Seconds that a block should take.
    pub target_spacing: u32,
    /// How many times longer or shorter than wanted a period counts at most.
    pub retarget_factor: u32,
    /// Seconds after which a header may carry the minimum difficulty, on networks that allow it.
    pub min_difficulty_after: Option<u32>,
    /// Whether every header carries the minimum difficulty.
    pub no_retargeting: bool,
    /// Whether BIP-94 holds (retarget from the period's first bits; time-warp bound).
    pub bip94: bool,
    /// First height at which version 1 is refused.
    pub bip34_height: u32,
    /// First height at which version 2 is refused.
    pub bip66_height: u32,
    /// First height at which version 3 is refused.
    pub bip65_height: u32,
}

/// Why numbers are not the rules of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RulesError {
    /// Spacing is zero or longer than the period.
    Period {
        /// Seconds of a period.
        timespan: u32,
        /// Seconds of a block.
        spacing: u32,
    },
    /// The retarget factor is zero.
    RetargetFactor,
    /// The limit is zero or its compact form is no target.
    PowLimit(u32),
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Period { timespan, spacing } => {
                write!(f, "no period of {timespan} s with blocks of {spacing} s")
            }
            Self::RetargetFactor => f.write_str("retarget factor is zero"),
            Self::PowLimit(bits) => write!(f, "proof-of-work limit {bits:#010x} is no target"),
        }
    }
}

impl core::error::Error for RulesError {}

/// Header rules of one chain, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainRules {
    raw: RawRules,
    interval: NonZeroU32,
}

/// Target 2^224 − 1: mainnet and testnets.
const LIMIT_MAIN: U256 = U256::new(u128::MAX >> 32, u128::MAX);
const LIMIT_SIGNET: U256 = U256::new(0x0377_ae00 << 80, 0);
const LIMIT_REGTEST: U256 = U256::new(u128::MAX >> 1, u128::MAX);
const PERIOD: NonZeroU32 = NonZeroU32::new(2016).expect("not zero");

const MAINNET: RawRules = RawRules {
    pow_limit: LIMIT_MAIN,
    pow_limit_bits: 0x1d00_ffff,
    target_timespan: 1_209_600,
    target_spacing: 600,
    retarget_factor: 4,
    min_difficulty_after: None,
    no_retargeting: false,
    bip94: false,
    bip34_height: 227_931,
    bip66_height: 363_725,
    bip65_height: 388_381,
};

impl ChainRules {
    /// Mainnet.
    pub const MAINNET: Self = Self { raw: MAINNET, interval: PERIOD };
    /// Testnet3.
    pub const TESTNET3: Self = Self {
        raw: RawRules {
            min_difficulty_after: Some(1200),
            bip34_height: 21_111,
            bip66_height: 330_776,
            bip65_height: 581_885,
            ..MAINNET
        },
        interval: PERIOD,
    };
    /// Testnet4.
    pub const TESTNET4: Self = Self {
        raw: RawRules {
            min_difficulty_after: Some(1200),
            bip94: true,
            bip34_height: 1,
            bip66_height: 1,
            bip65_height: 1,
            ..MAINNET
        },
        interval: PERIOD,
    };
    /// Default signet.
    pub const SIGNET: Self = Self {
        raw: RawRules {
            pow_limit: LIMIT_SIGNET,
            pow_limit_bits: 0x1e03_77ae,
            bip34_height: 1,
            bip66_height: 1,
            bip65_height: 1,
            ..MAINNET
        },
        interval: PERIOD,
    };
    /// Regtest.
    pub const REGTEST: Self = Self {
        raw: RawRules {
            pow_limit: LIMIT_REGTEST,
            pow_limit_bits: 0x207f_ffff,
            min_difficulty_after: Some(1200),
            no_retargeting: true,
            bip34_height: 1,
            bip66_height: 1,
            bip65_height: 1,
            ..MAINNET
        },
        interval: PERIOD,
    };

    /// Checks the numbers of a chain that is not built in.
    ///
    /// # Errors
    /// Refuses an empty period, a zero factor and a limit that is no target.
    pub fn new(raw: RawRules) -> Result<Self, RulesError> {
        let (timespan, spacing) = (raw.target_timespan, raw.target_spacing);
        let interval = timespan.checked_div(spacing).and_then(NonZeroU32::new);
        let interval = interval.ok_or(RulesError::Period { timespan, spacing })?;
        if raw.retarget_factor == 0 {
            return Err(RulesError::RetargetFactor);
        }
        if raw.pow_limit.is_zero() || Bits::from_u32(raw.pow_limit_bits).target().is_err() {
            return Err(RulesError::PowLimit(raw.pow_limit_bits));
        }
        Ok(Self { raw, interval })
    }

    /// The numbers behind the rules.
    #[must_use]
    pub const fn raw(&self) -> &RawRules {
        &self.raw
    }

    /// Largest target.
    #[must_use]
    pub const fn pow_limit(&self) -> U256 {
        self.raw.pow_limit
    }

    /// Bits of a minimum-difficulty header.
    #[must_use]
    pub const fn pow_limit_bits(&self) -> Bits {
        Bits::from_u32(self.raw.pow_limit_bits)
    }

    /// Seconds that a retarget period should take.
    #[must_use]
    pub fn target_timespan(&self) -> u64 {
        u64::from(self.raw.target_timespan)
    }

    /// Whether the header at this height opens a retarget period.
    #[must_use]
    pub fn opens_period(&self, height: u32) -> bool {
        height % self.interval == 0
    }

    /// Height of the header that opens the period of this height.
    #[must_use]
    pub fn period_start(&self, height: u32) -> u32 {
        height.wrapping_sub(height % self.interval)
    }

    /// Lowest version that a header at this height may carry (BIP-34, BIP-66, BIP-65).
    #[must_use]
    pub const fn lowest_version(&self, height: u32) -> i32 {
        if height >= self.raw.bip65_height {
            4
        } else if height >= self.raw.bip66_height {
            3
        } else if height >= self.raw.bip34_height {
            2
        } else {
            i32::MIN
        }
    }

    /// Seconds that a period counts at least and at most.
    pub(super) fn timespan_bounds(&self) -> (u64, u64) {
        let (span, factor) = (self.target_timespan(), u64::from(self.raw.retarget_factor));
        (span.checked_div(factor).unwrap_or(span), span.saturating_mul(factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_limits_match_their_compact_form() {
        for network in Network::ALL {
            let rules = network.rules();
            assert_eq!(Bits::from_target(rules.pow_limit()), rules.pow_limit_bits(), "{network}");
            assert_eq!(ChainRules::new(*rules.raw()), Ok(rules), "{network}");
            assert_eq!(Network::from_name(network.name()), Some(network));
        }
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let raw = *ChainRules::MAINNET.raw();
        assert!(ChainRules::new(RawRules { target_spacing: 0, ..raw }).is_err());
        assert!(ChainRules::new(RawRules { target_timespan: 10, ..raw }).is_err());
        assert!(ChainRules::new(RawRules { retarget_factor: 0, ..raw }).is_err());
        assert!(ChainRules::new(RawRules { pow_limit: U256::ZERO, ..raw }).is_err());
    }

    #[test]
    fn versions_rise_with_height() {
        let rules = ChainRules::MAINNET;
        assert_eq!(rules.lowest_version(227_930), i32::MIN);
        assert_eq!(rules.lowest_version(227_931), 2);
        assert_eq!(rules.lowest_version(363_725), 3);
        assert_eq!(rules.lowest_version(388_381), 4);
    }
}
