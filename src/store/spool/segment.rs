//! One body in a segment: its length and its checksum (CRC-32), each four octets, then the body.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

/// Octets before the body.
pub const HEAD: u64 = 8;

/// Appends a body as it lies in a segment.
pub fn encode(octets: &[u8], len: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(octets).to_be_bytes());
    out.extend_from_slice(octets);
}

/// Reads the body at `offset`.
///
/// # Errors
/// `InvalidData` where what lies there is not a whole body of `len` octets; what the system says otherwise.
pub fn read(file: &File, offset: u64, len: u32) -> io::Result<Bytes> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a body in the spool is damaged");
    let size = usize::try_from(HEAD + u64::from(len)).map_err(|_| damaged())?;
    let mut frame = vec![0; size];
    file.read_exact_at(&mut frame, offset)?;
    let (head, octets) = frame.split_at_checked(8).ok_or_else(damaged)?;
    let is_whole =
        head.iter().copied().eq(len.to_be_bytes().into_iter().chain(crc32fast::hash(octets).to_be_bytes()));
    if !is_whole {
        return Err(damaged());
    }
    Ok(Bytes::from(frame).slice(8..))
}
