//! The pages for administrators.

pub mod people;
pub mod switches;
