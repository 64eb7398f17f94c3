//! The pages for administrators.

pub mod people;
