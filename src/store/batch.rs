//! Changes that belong together.

use crate::store::spool::Body;

/// Changes, all or nothing. Gathered by books, committed by flows.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) changes: Vec<Change>,
    pub(super) bodies: Vec<Body>,
}

/// One change to one record.
#[derive(Debug)]
pub(super) struct Change {
    pub key: Vec<u8>,
    pub expects: Expectation,
    /// [`super::record::HEAD`] octets of room and then the record; `None` takes it away.
    pub draft: Option<Vec<u8>>,
}

/// What must be there for the batch to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expectation {
    Anything,
    Nothing,
    Version(u64),
}

impl Batch {
    /// No changes yet. To commit it is to ask whether the store still works.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The commit makes this body durable first, and keeps it: a body that no committed batch relied on is gone
    /// (its space freed) when its last handle is dropped.
    pub fn relies_on(&mut self, body: &Body) {
        self.bodies.push(body.clone());
    }
}
