//! fangxin: consumer complaints from intake to resolution.

pub mod config;
pub mod domain;
pub mod measure;
pub mod store;
