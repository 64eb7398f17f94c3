//! What a database must be able to do for Postern: little enough that another can take its place.

use crate::store::StoreFault;

/// Octets of a key. The longest mail address (RFC 5321 §4.5.3.1: 64 + 1 + 255), a table's prefix and an id fit.
///
/// With [`CELL_MAX`] it keeps every node of sled's tree below 131,052 octets, from where on sled would write it
/// to a file of its own that it never syncs: at most 20 cells in a leaf, 320 keys in an index node.
pub const KEY_MAX: usize = 384;
/// Octets of the value of one cell. Longer records lie in several ([`crate::store::record`]).
pub const CELL_MAX: usize = 4096;

/// One key with its value, as the engine keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// At most [`KEY_MAX`] octets.
    pub key: Vec<u8>,
    /// At most [`CELL_MAX`] octets.
    pub value: Vec<u8>,
}

/// One change to one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which cell.
    pub key: Vec<u8>,
    /// What stands there afterwards; `None`: nothing.
    pub value: Option<Vec<u8>>,
}

/// One ordered space of cells. Reads come from any thread, writes from the committer only.
pub trait Engine: Send + Sync {
    /// The value of one cell.
    ///
    /// # Errors
    /// [`StoreFault::Engine`] where the engine failed.
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault>;

    /// The cells whose keys begin with `prefix`, in order of key, behind the key `after` if one is given; at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreFault::Engine`] where the engine failed.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Cell>, StoreFault>;

    /// Makes all the changes or none, also across a crash, and shows them to readers all at once. Of several
    /// changes to one cell the last counts. Durable only after [`Engine::sync`].
    ///
    /// # Errors
    /// [`StoreFault::Engine`]: the engine must not be used any more.
    fn write(&self, writes: Vec<Write>) -> Result<(), StoreFault>;

    /// Ends when every change so far survives a power cut.
    ///
    /// # Errors
    /// [`StoreFault::Engine`] or [`StoreFault::Io`]: the engine must not be used any more.
    fn sync(&self) -> Result<(), StoreFault>;
}
