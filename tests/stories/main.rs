//! Stories: what a user would recognise, one per file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod floors_hold;
