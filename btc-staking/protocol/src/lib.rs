//! Rules of Bitcoin staking: no IO, no clock, no keys at rest.
