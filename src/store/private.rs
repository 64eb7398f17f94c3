//! Directories that are nobody else's business: mail lies in them, and links that nobody has used yet.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Owner only.
const MODE: u32 = 0o700;

/// Makes a directory of ours, or closes the one that is there. What lies above it may be open: an administrator, a
/// package or a restored backup may have made it.
///
/// # Errors
/// What the system says.
pub fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(MODE).create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
    }
    Ok(())
}
