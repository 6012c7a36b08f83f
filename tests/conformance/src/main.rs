//! Runs vector files through the public API.

fn main() {}
