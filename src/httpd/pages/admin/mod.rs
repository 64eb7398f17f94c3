//! The pages for administrators.

pub mod dropoffs;
pub mod people;
pub mod queue;
pub mod status;
pub mod switches;
