//! fangxin (放心): consumer complaints from intake to resolution.
//!
//! The way of a case is the way of the modules: [`intake`] → [`classify`] → [`route`] → [`track`] → [`measure`]. Beside it
//! stand [`identity`] (who acts), [`privacy`] (what is sealed), [`audit`] (what happened), [`notify`] (who is told), [`document`]
//! (what is issued in writing), [`learn`] (what staff's corrections teach) and [`bench`] (what it all costs), below it [`store`], at its base [`domain`] and
//! [`config`], in front [`http`] and [`cli`]. `ARCHITECTURE.md` tells what may use what; a test holds it.

pub mod access;
pub mod ambient;
pub mod app;
pub mod audit;
pub mod bench;
pub mod classify;
pub mod cli;
pub mod config;
pub mod document;
pub mod domain;
pub mod http;
pub mod identity;
pub mod intake;
pub mod learn;
pub mod measure;
pub mod notify;
pub mod privacy;
pub mod route;
pub mod store;
pub mod track;
