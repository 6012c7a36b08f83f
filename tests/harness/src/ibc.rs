//! A relayer between embedded chains, in one process: handshakes, packets, acknowledgements, timeouts.
