//! Free ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

use super::RealError;

/// Chooses `N` different free ports. They are free when chosen; a program that finds one taken after all ends early,
/// which its starter sees ([`RealError::is_port_clash`]) and answers with other ports.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], RealError> {
    let io = || RealError::io("cannot find a free port on loopback", "127.0.0.1:0");
    // All listeners are held until the last port is chosen, so no port is chosen twice.
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io())?;
        *port = listener.local_addr().map_err(io())?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Starts something that needs free ports, up to three times when a port was taken in between.
pub(super) fn with_free_ports<const N: usize, T>(
    mut start: impl FnMut([u16; N]) -> Result<T, RealError>,
) -> Result<T, RealError> {
    for _ in 0..2 {
        match start(free_ports()?) {
            Err(e) if e.is_port_clash() => {}
            other => return other,
        }
    }
    start(free_ports()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_can_be_bound() {
        let [a, b, c] = free_ports().unwrap();
        assert!(a != b && b != c && a != c);
        for port in [a, b, c] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        }
    }
}
