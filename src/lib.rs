//! fangxin: consumer complaints from intake to resolution.

pub mod ambient;
pub mod config;
pub mod domain;
pub mod identity;
pub mod privacy;
