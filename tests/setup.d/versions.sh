# What tests/setup installs. One place: a change here makes the part be built anew.
# Checksums: wasmd by setup.d/wasmd/go.sum, hermes by the Cargo.lock its crate ships (its own sum is below),
# the cargo tools by the Cargo.lock of their crates, Debian packages by apt's signatures.
WASMD_VERSION=v0.61.14
HERMES_VERSION=1.10.5
HERMES_LOCK_SHA256=38ad5220199e6ac120d8719222f6b54a6cbb6363831e412b05b32de4c1213a0d
COSMWASM_CHECK_VERSION=3.0.10
CARGO_DENY_VERSION=0.20.2
CARGO_FUZZ_VERSION=0.13.2
MIN_RUSTC=1.95
MIN_GO=1.24
MIN_CMAKE=3.22
