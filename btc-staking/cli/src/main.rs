//! Stake bitcoin from the command line.

fn main() {}
