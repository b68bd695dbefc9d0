//! The integration tests: one binary, a module a capability. All of them but `architecture` start the real program and talk
//! to it through HTTP and its command line, on SQLite and, where `FANGXIN_TEST_POSTGRES` names a server, on PostgreSQL.
//!
//! `FANGXIN_LONG=1` makes the crash and property tests longer, and builds the negative control of the crash test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy.toml allows them in tests, but doesn't know the helpers of a test binary for such"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "the tests stand outside the product: environment and wall clock are theirs"
)]

mod admin_pages;
mod architecture;
mod architecture_scopes;
mod audit;
mod audit_pages;
mod bench;
mod board;
mod canary;
mod contract;
mod crash;
mod data_map;
mod desk;
mod documents;
mod escalation;
mod evidence;
mod exports;
mod face;
mod figures;
mod filing;
mod fuzz;
mod groups;
mod import;
mod keys;
mod learning;
mod life;
mod looks;
mod mass;
mod model;
mod moving;
mod objects;
mod operation;
mod pages;
mod post;
mod pressure;
mod preview;
mod privacy;
mod queue;
mod ratings;
mod retention;
mod rights;
mod rules;
mod second_step;
mod security;
mod security_door;
mod security_factors;
mod security_files;
mod security_guessing;
mod security_input;
mod security_output;
mod security_roles;
mod security_sessions;
mod sign_in_provider;
mod support;
mod watch;
mod webhooks;
