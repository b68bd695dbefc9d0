//! Measures the service at the size that it will have: cases of the shape that real ones have, loaded in bulk, then asked for
//! over HTTP.
//!
//! Comes in: how many cases, and a service that is running. Goes out: what was answered, in which time, at which cost. The
//! cases are a function of their number ([`cases`], [`life`]): two installations of one size hold the same texts, places and
//! fates. `fangxin bench` is in front of it; the bench programs add what the bare engine does of the same.

pub mod cases;
pub mod client;
pub mod life;
pub mod load;
pub mod machine;
pub mod reading;
