//! Covenant member's agent.

fn main() {}
