//! The whole mission on one machine.

fn main() {}
