//! Pages for people: plain HTML made on the server, which works without scripts.
//!
//! A page is an askama template (`templates/`) over [`frame::Frame`], which brings language, mode, texts, icons and the
//! answer with its headers. [`form`] has the parts of forms, [`texts`] the words, [`fault`] the errors as pages.

pub mod account;
pub mod admin;
pub mod ask;
pub mod assets;
pub mod audit;
pub mod board;
pub mod desk;
pub mod docs;
pub mod filing;
pub mod following;
pub mod home;
pub mod login;
pub mod oidc;
pub mod rate;
pub mod setup;

pub mod fault;
pub mod form;
pub mod frame;
pub mod icons;
pub mod places;
pub mod qr;
pub mod staff;
pub mod texts;
