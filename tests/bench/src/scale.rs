//! A thousand pairings and a million stakers on native code: time and memory of each kind of event.
//!
//! Simulated is the provider side, which is where users are: one `mesh-vault`, and an `external-staking` for each
//! consumer, running their own code on storages in memory. What consumers send and answer is played; their contracts
//! keep records of validators only and do not grow with users.

mod clock;
mod hub;
mod memory;

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::args::Scale;
use clock::Clock;
use hub::Hub;

/// Validators of a consumer.
const VALIDATORS: usize = 10;
const STAKE: u128 = 1_000_000;

/// One kind of event and what all of them took.
struct Measured {
    event: &'static str,
    count: u64,
    time: Duration,
    /// Bytes by which the contracts' records grew.
    stored: i64,
    /// Bytes by which the process grew; 0 where the system does not tell.
    resident: i64,
}

impl Measured {
    fn json(&self) -> Value {
        let each = |sum: i64| sum / i64::try_from(self.count.max(1)).unwrap_or(i64::MAX);
        json!({
            "event": self.event,
            "count": self.count,
            "ns_per_event": u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX) / self.count.max(1),
            "stored_bytes_per_event": each(self.stored),
            "resident_bytes_per_event": each(self.resident),
        })
    }
}

/// Simulates and prints.
pub(crate) fn run(args: &Scale) -> Result<()> {
    let start = Clock::start();
    let mut hub = Hub::new(args.chains, VALIDATORS)?;
    let all = events(&mut hub, args)?;
    let (stored, resident) = (hub.stored(), memory::resident());
    if args.json {
        let events: Vec<_> = all.iter().map(Measured::json).collect();
        println!(
            "{}",
            json!({ "chains": args.chains, "stakers": args.stakers, "seconds": start.elapsed().as_secs(),
                "stored_bytes": stored, "resident_bytes": resident, "events": events })
        );
        return Ok(());
    }
    let clock = if start.counts_work() { "of processor time" } else { "by the wall" };
    println!(
        "{} chains with {VALIDATORS} validators each, {} stakers; times are {clock}",
        args.chains, args.stakers
    );
    println!(
        "{:<28} {:>10} {:>12} {:>14} {:>16}",
        "event", "count", "µs each", "stored B each", "resident B each"
    );
    for m in &all {
        let micros = m.time.as_nanos() / u128::from(m.count.max(1));
        let each = |sum: i64| sum / i64::try_from(m.count.max(1)).unwrap_or(i64::MAX);
        let micros = format!("{}.{:01}", micros / 1_000, micros % 1_000 / 100);
        println!(
            "{:<28} {:>10} {micros:>12} {:>14} {:>16}",
            m.event,
            m.count,
            each(m.stored),
            each(m.resident)
        );
    }
    let mib = |bytes: i64| bytes / (1 << 20);
    println!("records {} MiB, process {} MiB, {} s", mib(stored), mib(resident), start.elapsed().as_secs());
    Ok(())
}

/// Everybody bonds and stakes; then every tenth leaves, and each consumer reports a slash and pays rewards.
fn events(hub: &mut Hub, args: &Scale) -> Result<Vec<Measured>> {
    let (stakers, chains) = (args.stakers, args.chains);
    let place = |n: u64| {
        let n = usize::try_from(n).unwrap_or(0);
        (n % chains, n / chains % VALIDATORS)
    };
    // Every tenth, spread over all chains.
    let leaver = |n: u64| n * 10 + n % 10;
    let tenth = stakers / 10;
    let every_chain = chains as u64;
    let mut all = vec![
        measure(hub, "bond", stakers, |hub, n| hub.bond(n, 10 * STAKE))?,
        measure(hub, "stake and answer", stakers, |hub, n| {
            let (chain, validator) = place(n);
            hub.stake(n, chain, validator, STAKE)
        })?,
    ];
    all.push(measure(hub, "stake again and answer", tenth, |hub, n| {
        let (chain, validator) = place(leaver(n));
        hub.stake(leaver(n), chain, validator, STAKE)
    })?);
    all.push(measure(hub, "rewards of a consumer", every_chain, |hub, n| {
        hub.distribute(place(n).0, VALIDATORS)
    })?);
    all.push(measure(hub, "unstake and answer", tenth, |hub, n| {
        let (chain, validator) = place(leaver(n));
        hub.unstake(leaver(n), chain, validator, STAKE / 2)
    })?);
    all.push(measure(hub, "slash of a validator", every_chain, |hub, n| {
        hub.slash(place(n).0, 0, STAKE / 10)
    })?);
    all.push(measure(hub, "slash settled, 100 stakers", every_chain, |hub, n| {
        hub.settle(place(n).0, 0, 100)
    })?);
    hub.wait();
    all.push(measure(hub, "withdraw unbonded", tenth, |hub, n| hub.withdraw(leaver(n), place(leaver(n)).0))?);
    Ok(all)
}

fn measure(
    hub: &mut Hub,
    event: &'static str,
    count: u64,
    mut one: impl FnMut(&mut Hub, u64) -> Result<()>,
) -> Result<Measured> {
    let (stored, resident, start) = (hub.stored(), memory::resident(), Clock::start());
    for n in 0..count {
        one(hub, n)?;
    }
    let time = start.elapsed();
    let (stored, resident) = (hub.stored() - stored, memory::resident() - resident);
    Ok(Measured { event, count, time, stored, resident })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scene at a hundredth of a thousandth of its size: every event goes through, and every stake is held.
    #[test]
    fn a_small_mesh_goes_through_every_event() {
        let args = Scale { chains: 3, stakers: 60, json: true };
        let mut hub = Hub::new(args.chains, VALIDATORS).unwrap();
        let all = events(&mut hub, &args).unwrap();
        assert!(all.iter().all(|m| m.count > 0), "every event happens");
        assert!(all.iter().find(|m| m.event == "bond").unwrap().stored > 0);
        // User 0 staked twice, took a quarter of it back and was slashed.
        let held = hub.staked(0, 0, 0).unwrap();
        assert!(held < 3 * STAKE / 2 && held > STAKE, "{held}");
    }
}
