//! Holds keys, re-checks, signs.

fn main() {}
