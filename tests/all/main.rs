//! The integration tests: one binary, a module a capability.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy.toml allows them in tests, but doesn't know the helpers of a test binary for such"
)]

mod architecture;
