//! Native, gas and scale measurements.

fn main() {}
