//! fangxin: consumer complaints from intake to resolution.

pub mod classify;
pub mod config;
pub mod domain;
