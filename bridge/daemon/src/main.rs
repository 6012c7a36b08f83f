//! Relayer, watchtower and finality-provider daemon.

fn main() {}
