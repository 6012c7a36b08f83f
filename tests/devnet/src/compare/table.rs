//! The comparison for people.

use super::{ChainReport, DesignReport, Report};
use std::fmt::Write;

/// What each design is, in a line.
fn meaning(design: &str) -> &'static str {
    match design {
        "replicated" => "ICS v1: the hub's whole stake secures every chain; their own stake does not count",
        "opt-in" => "ICS v2: some of the hub's validators secure a chain; its own stake does not count",
        "layered" => "hub and spokes: chains keep their own stake, the hub adds at most as much",
        _ => "each secures every other and bitcoin all; one provider adds at most the chain's own power",
    }
}

/// Dollars for people.
fn dollars(amount: u128) -> String {
    let (value, unit) = if amount >= 1_000_000 { (amount / 100_000, "M") } else { (amount / 100, "k") };
    format!("${}.{}{unit}", value / 10, value % 10)
}

/// Tables and explanations.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "One set of chains, stakes and prices; four designs, each run by the same contracts.\n")?;
    write!(out, "Staked: ")?;
    for chain in report.set.chains.iter().chain([&report.set.bitcoin]) {
        write!(out, "{} {}  ", chain.name, dollars(chain.staked))?;
    }
    writeln!(out, "\n")?;
    let head =
        ["design", "halt (1/3)", "take over (2/3)", "weakest", "own set", "own share", "one party can"];
    row(out, &head.map(str::to_owned))?;
    for d in &report.designs {
        row(out, &summary(d))?;
    }
    for d in &report.designs {
        writeln!(out, "\n{}: {}", d.design, meaning(d.design))?;
        for c in &d.chains {
            chain(out, c)?;
        }
    }
    writeln!(
        out,
        "\nCosts: what must be bonded beside all honest power to hold a third or two thirds of the whole."
    )?;
    writeln!(
        out,
        "Own set: no other party has more power on a chain than its own stakers. More: compare --help"
    )
}

fn summary(d: &DesignReport) -> [String; 7] {
    let can = match (d.chains_one_party_can_rule, d.chains_one_party_can_halt) {
        (0, 0) => "neither halt nor rule".to_owned(),
        (0, halt) => format!("halt {halt} of {}", d.chains.len()),
        (rule, _) => format!("rule {rule} of {}", d.chains.len()),
    };
    [
        d.design.to_owned(),
        dollars(d.attack_cost_third),
        dollars(d.attack_cost_two_thirds),
        d.cheapest.to_owned(),
        if d.own_validator_set { "yes" } else { "no" }.to_owned(),
        format!("{}.{} %", d.own_share_permille / 10, d.own_share_permille % 10),
        can,
    ]
}

fn row(out: &mut String, cells: &[String; 7]) -> std::fmt::Result {
    let [design, third, two, weakest, own, share, can] = cells;
    writeln!(out, "{design:<12}{third:>11}{two:>17}  {weakest:<9}{own:<9}{share:>9}  {can}")
}

fn chain(out: &mut String, c: &ChainReport) -> std::fmt::Result {
    write!(out, "  {:<7} own {:>8}", c.chain, dollars(c.own))?;
    for lent in &c.from {
        write!(out, " + {} {}", lent.provider, dollars(lent.power))?;
    }
    writeln!(out, "  → halting costs {}", dollars(c.attack_cost_third))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_short() {
        assert_eq!(dollars(500_000_000), "$500.0M");
        assert_eq!(dollars(2_550_000), "$2.5M");
        assert_eq!(dollars(999), "$0.9k");
    }
}
