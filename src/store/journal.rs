//! The journal: every group of changes since the last export, once more, in files of our own.
//!
//! Beside a database that can break, it is the second copy: export and journal together give back all that was
//! ever acknowledged ([`crate::store::recovery`]). A file is named by the first group in it; a frame is
//! ```text
//! length u32 · CRC-32 u32 · number of the group u64 · { key length u16 · value length u32 · key · value } …
//! ```
//! A value length of `FFFF_FFFF` says that the cell is gone. Groups are numbered without gaps.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::store::engine::Write;
use crate::store::private;

/// Length and checksum.
const HEAD: usize = 8;
/// Octets of the buffer that is kept from one frame to the next.
const FRAME_KEPT: usize = 1024 * 1024;
/// In place of a value's length: there is no value any more.
const GONE: u32 = u32::MAX;

/// The writing end.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    file: File,
    len: u64,
    frame: Vec<u8>,
}

/// A group of changes, read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// The number of the group.
    pub group: u64,
    /// What it wrote.
    pub writes: Vec<Write>,
}

/// Reads a journal to its last whole frame, through all its files.
#[derive(Debug)]
pub struct Frames {
    /// Up to this group nobody wants to see anything.
    behind: u64,
    /// Still to be read, the oldest last.
    files: Vec<PathBuf>,
    reading: Option<BufReader<File>>,
}

impl Journal {
    /// Begins a file whose first group will be `group`. Other files stay.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(directory: &Path, group: u64) -> io::Result<Self> {
        private::directory(directory)?;
        let file = begin_file(directory, group)?;
        Ok(Self { directory: directory.to_owned(), file, len: 0, frame: Vec::new() })
    }

    /// Appends a group and ends when it is durable.
    ///
    /// # Errors
    /// What the system says; the journal must not be used any more.
    pub fn append(&mut self, group: u64, writes: &[Write]) -> io::Result<()> {
        self.frame.clear();
        encode(group, writes, &mut self.frame)?;
        self.file.write_all_at(&self.frame, self.len)?;
        self.len += self.frame.len() as u64;
        self.frame.shrink_to(FRAME_KEPT);
        self.file.sync_data()
    }

    /// Octets in the file that is written to.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Goes on in a new file, whose first group will be `group`.
    ///
    /// # Errors
    /// What the system says; the journal must not be used any more.
    pub fn turn_over(&mut self, group: u64) -> io::Result<()> {
        if self.len > 0 {
            self.file = begin_file(&self.directory, group)?;
            self.len = 0;
        }
        Ok(())
    }
}

/// Removes the files in which no group is younger than `group`.
///
/// # Errors
/// What the system says.
pub fn forget(directory: &Path, group: u64) -> io::Result<()> {
    let files = files(directory)?;
    for pair in files.windows(2) {
        // What the next file begins with tells where this one ends.
        if let [(_, file), (next, _)] = pair
            && *next <= group + 1
        {
            fs::remove_file(file)?;
        }
    }
    Ok(())
}

/// Reads the journal in `directory`, from the groups behind `behind` on; an absent one is empty.
///
/// # Errors
/// What the system says.
pub fn read(directory: &Path, behind: u64) -> io::Result<Frames> {
    let mut files = files(directory)?;
    let past = files.iter().rposition(|(first, _)| *first <= behind + 1).unwrap_or(0);
    let files = files.drain(past..).rev().map(|(_, file)| file).collect();
    Ok(Frames { behind, files, reading: None })
}

impl Frames {
    fn next_frame(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(file) = &mut self.reading {
                while let Some(content) = read_content(file)? {
                    if let Some(frame) = decode(&content, self.behind) {
                        return Ok(Some(frame));
                    }
                }
            }
            // A frame that is not whole ends its file: a crash came while it was written, before any answer.
            let Some(next) = self.files.pop() else { return Ok(None) };
            self.reading = Some(BufReader::with_capacity(1 << 20, File::open(next)?));
        }
    }
}

impl Iterator for Frames {
    type Item = io::Result<Frame>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_frame().transpose()
    }
}

fn begin_file(directory: &Path, group: u64) -> io::Result<File> {
    let path = directory.join(format!("{group:020}.journal"));
    let file = File::options().write(true).create(true).truncate(true).open(path)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

/// The files with the numbers of their first groups, in order.
fn files(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let first = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".journal")?.parse().ok());
        files.extend(first.map(|first| (first, path)));
    }
    files.sort_unstable();
    Ok(files)
}

fn encode(group: u64, writes: &[Write], out: &mut Vec<u8>) -> io::Result<()> {
    let too_large = |_| io::Error::from(io::ErrorKind::InvalidInput);
    out.extend_from_slice(&[0; HEAD]);
    out.extend_from_slice(&group.to_be_bytes());
    for Write { key, value } in writes {
        let value_len = match value {
            Some(value) => u32::try_from(value.len()).map_err(too_large)?,
            None => GONE,
        };
        out.extend_from_slice(&u16::try_from(key.len()).map_err(too_large)?.to_be_bytes());
        out.extend_from_slice(&value_len.to_be_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let (head, content) = out.split_at_mut(HEAD);
    let len = u32::try_from(content.len()).map_err(too_large)?.to_be_bytes();
    let crc = crc32fast::hash(content).to_be_bytes();
    for (place, octet) in head.iter_mut().zip(len.into_iter().chain(crc)) {
        *place = octet;
    }
    Ok(())
}

/// What is in the next frame; `None` where the file ends or what follows is not a whole frame.
fn read_content(file: &mut BufReader<File>) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    if let Err(error) = file.read_exact(&mut head) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let [a, b, c, d, crc @ ..] = head;
    let len = u64::from(u32::from_be_bytes([a, b, c, d]));
    let mut content = Vec::new();
    file.take(len).read_to_end(&mut content)?;
    let is_whole = content.len() as u64 == len && crc32fast::hash(&content) == u32::from_be_bytes(crc);
    Ok(is_whole.then_some(content))
}

/// The frame, if its group is behind `behind`.
fn decode(content: &[u8], behind: u64) -> Option<Frame> {
    let (group, mut rest) = content.split_first_chunk()?;
    let group = u64::from_be_bytes(*group);
    if group <= behind {
        return None;
    }
    let mut writes = Vec::new();
    while !rest.is_empty() {
        let (key_len, after) = rest.split_first_chunk()?;
        let (value_len, after) = after.split_first_chunk()?;
        let (key, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*key_len)))?;
        let value_len = u32::from_be_bytes(*value_len);
        let (value, after) =
            after.split_at_checked(if value_len == GONE { 0 } else { usize::try_from(value_len).ok()? })?;
        writes.push(Write { key: key.to_vec(), value: (value_len != GONE).then(|| value.to_vec()) });
        rest = after;
    }
    Some(Frame { group, writes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &str, value: Option<&str>) -> Write {
        Write { key: key.into(), value: value.map(Into::into) }
    }

    fn groups(directory: &Path) -> Vec<u64> {
        read(directory, 0).unwrap().map(|frame| frame.unwrap().group).collect()
    }

    #[test]
    fn what_was_appended_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let writes = vec![write("one", Some("1")), write("two", None), write("", Some(""))];
        let mut journal = Journal::begin(directory.path(), 1).unwrap();
        journal.append(1, &writes).unwrap();
        journal.append(2, &[]).unwrap();
        let frames: Vec<Frame> = read(directory.path(), 0).unwrap().map(Result::unwrap).collect();
        assert_eq!(frames, [Frame { group: 1, writes }, Frame { group: 2, writes: vec![] }]);
    }

    #[test]
    fn a_torn_frame_ends_its_file_only() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(directory.path(), 1).unwrap();
        journal.append(1, &[write("one", Some("1"))]).unwrap();
        journal.append(2, &[write("two", Some("2"))]).unwrap();
        journal.file.set_len(journal.len - 1).unwrap();
        assert_eq!(groups(directory.path()), [1]);

        let mut journal = Journal::begin(directory.path(), 2).unwrap();
        journal.append(2, &[write("two", Some("other"))]).unwrap();
        assert_eq!(groups(directory.path()), [1, 2]);
    }

    #[test]
    fn only_files_without_younger_groups_are_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = Journal::begin(directory.path(), 1).unwrap();
        for group in 1..=6 {
            if group % 2 == 1 {
                journal.turn_over(group).unwrap();
            }
            journal.append(group, &[write("key", Some("value"))]).unwrap();
        }
        forget(directory.path(), 3).unwrap();
        assert_eq!(groups(directory.path()), [3, 4, 5, 6]);
        forget(directory.path(), 4).unwrap();
        assert_eq!(groups(directory.path()), [5, 6]);
        forget(directory.path(), 6).unwrap();
        assert_eq!(groups(directory.path()), [5, 6], "the last file is being written to");
    }
}
