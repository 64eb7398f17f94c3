//! Where bodies stand, and which of them live.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::config::Storage;
use crate::store::private;
use crate::store::room::Room;
use crate::store::spool::reaper::Reaper;
use crate::store::spool::{Body, BodyRef, segment};

/// Bodies that lie side by side are written in runs of at most so many octets.
const RUN_MAX: usize = 1024 * 1024;
/// A body's length is written in four octets.
const LEN_MAX: usize = u32::MAX as usize;
/// The open segment, once a part of this size is used and nothing in it lives, gives way to a fresh one.
const ROTATE_PART: u64 = 8;

/// The directory of the spool and what lives in it.
#[derive(Debug)]
pub struct Shelf {
    directory: PathBuf,
    segment_body_max: usize,
    segment_size: u64,
    room: Arc<Room>,
    places: Mutex<Places>,
    /// The segment that was written last, with its file. Most bodies are read from it, soon.
    written: Mutex<Option<(u64, Arc<File>)>>,
    reaper: Reaper,
}

#[derive(Debug)]
struct Places {
    /// The segment that bodies get their places in, and the end of what is taken.
    open: u64,
    end: u64,
    /// The first segment of this run: what is older is not touched before it is known who lives there.
    first: u64,
    is_swept: bool,
    /// Offsets of living bodies.
    segments: BTreeMap<u64, HashSet<u64>>,
    files: HashSet<u128>,
}

/// What a file of the spool is, by its name.
enum Kind {
    Segment(u64),
    Body(u128),
    Incoming,
    Foreign,
}

impl Shelf {
    /// Opens or creates the spool in `storage.directory`. Nothing that is there is touched.
    pub fn open(storage: &Storage, room: Arc<Room>) -> io::Result<Self> {
        let directory = storage.directory.join("spool");
        private::directory(&directory)?;
        let mut last = 0;
        for entry in fs::read_dir(&directory)? {
            if let Kind::Segment(segment) = kind(&entry?.path()) {
                last = last.max(segment);
            }
        }
        Ok(Self {
            directory,
            // At least one octet, for a buffer of none never fills; and the length must fit its place.
            segment_body_max: storage.segment_body_max.clamp(1, LEN_MAX),
            segment_size: storage.segment_size,
            room,
            places: Mutex::new(Places {
                open: last + 1,
                end: 0,
                first: last + 1,
                is_swept: false,
                segments: BTreeMap::new(),
                files: HashSet::new(),
            }),
            written: Mutex::new(None),
            reaper: Reaper::start()?,
        })
    }

    pub fn has_room(&self) -> bool {
        self.room.is_left()
    }

    /// Octets up to which a body goes into a segment.
    pub const fn segment_body_max(&self) -> usize {
        self.segment_body_max
    }

    /// Gives a small body its place. Nothing is written yet: a place is a number.
    pub fn place(self: &Arc<Self>, octets: Bytes) -> Body {
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let mut places = self.places();
        if places.end > 0 && places.end + segment::HEAD + u64::from(len) > self.segment_size {
            self.rotate(&mut places);
        }
        let (segment, offset) = (places.open, places.end);
        places.end += segment::HEAD + u64::from(len);
        places.segments.entry(segment).or_default().insert(offset);
        drop(places);
        Body::in_memory(Arc::clone(self), BodyRef::Segment { segment, offset, len }, octets)
    }

    /// Writes the small bodies among these that are not yet written, and syncs. Called by the committer only.
    pub fn store(&self, bodies: &[Body]) -> io::Result<()> {
        let mut unwritten: Vec<_> = bodies
            .iter()
            .filter_map(|body| match body.reference() {
                BodyRef::Segment { segment, offset, len } => Some((segment, offset, len, body.unwritten()?)),
                BodyRef::File { .. } => None,
            })
            .collect();
        unwritten.sort_unstable_by_key(|&(segment, offset, ..)| (segment, offset));
        unwritten.dedup_by_key(|&mut (segment, offset, ..)| (segment, offset));

        for bodies in unwritten.chunk_by(|one, next| one.0 == next.0) {
            let Some(&(segment, ..)) = bodies.first() else { continue };
            let file = self.segment_to_write(segment)?;
            let mut run = Vec::new();
            let mut start = 0;
            for &(_, offset, len, octets) in bodies {
                let is_next = start + run.len() as u64 == offset && run.len() < RUN_MAX;
                if !is_next {
                    file.write_all_at(&run, start)?;
                    run.clear();
                    start = offset;
                }
                segment::encode(octets, len, &mut run);
            }
            file.write_all_at(&run, start)?;
            file.sync_data()?;
        }
        Ok(())
    }

    pub fn read_from_segment(&self, segment: u64, offset: u64, len: u32) -> io::Result<Bytes> {
        let written =
            self.written().as_ref().filter(|(of, _)| *of == segment).map(|(_, file)| Arc::clone(file));
        match written {
            Some(file) => segment::read(&file, offset, len),
            None => segment::read(&File::open(self.segment_path(segment))?, offset, len),
        }
    }

    /// Makes a large body durable and gives it its name.
    pub fn take_file(self: &Arc<Self>, from: &Path, file: File, body: BodyRef) -> io::Result<Body> {
        let BodyRef::File { id, .. } = body else { return Err(io::ErrorKind::InvalidInput.into()) };
        file.sync_data()?;
        fs::rename(from, self.body_path(id))?;
        self.places().files.insert(id);
        let body = Body::in_file(Arc::clone(self), body, file);
        self.sync_directory()?;
        Ok(body)
    }

    pub fn open_file(&self, id: u128, len: u64) -> io::Result<File> {
        let file = File::open(self.body_path(id))?;
        if file.metadata()?.len() != len {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a body in the spool is not whole"));
        }
        Ok(file)
    }

    /// A record names this body.
    pub fn adopt(&self, body: &BodyRef) {
        let mut places = self.places();
        match *body {
            BodyRef::Segment { segment, offset, .. } => {
                places.segments.entry(segment).or_default().insert(offset);
                // A number that a record knows is not given again, even if the file is missing.
                if segment >= places.first && places.end == 0 {
                    places.open = segment + 1;
                    places.first = segment + 1;
                }
            }
            BodyRef::File { id, .. } => {
                places.files.insert(id);
            }
        }
    }

    /// Removes what is here from before and does not live.
    pub fn sweep(&self) -> io::Result<usize> {
        let mut places = self.places();
        places.segments.retain(|_, living| !living.is_empty());
        let mut swept = 0;
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let lives = match kind(&path) {
                Kind::Segment(segment) => segment >= places.first || places.segments.contains_key(&segment),
                Kind::Body(id) => places.files.contains(&id),
                Kind::Incoming => false,
                Kind::Foreign => true,
            };
            if !lives {
                fs::remove_file(&path)?;
                swept += 1;
            }
        }
        places.is_swept = true;
        Ok(swept)
    }

    /// This body's life is over; twice is as good as once.
    pub fn free(&self, body: &BodyRef) {
        let mut places = self.places();
        match *body {
            BodyRef::File { id, .. } => {
                if places.files.remove(&id) {
                    self.reaper.remove(self.body_path(id));
                }
            }
            BodyRef::Segment { segment, offset, .. } => {
                let Some(living) = places.segments.get_mut(&segment) else { return };
                living.remove(&offset);
                if !living.is_empty() || (segment < places.first && !places.is_swept) {
                    return;
                }
                if segment == places.open && places.end < self.segment_size / ROTATE_PART {
                    return;
                }
                if segment == places.open {
                    self.rotate(&mut places);
                } else {
                    self.remove_segment(&mut places, segment);
                }
            }
        }
    }

    /// Waits until all that is to be removed is removed.
    pub fn wait_for_removals(&self) {
        self.reaper.wait();
    }

    pub fn remove_later(&self, path: PathBuf) {
        self.reaper.remove(path);
    }

    pub fn incoming_path(&self, id: u128) -> PathBuf {
        self.directory.join(format!("{id:032x}.incoming"))
    }

    /// Opens the next segment; the one before is deleted with its last body, or now.
    fn rotate(&self, places: &mut Places) {
        let closed = places.open;
        places.open += 1;
        places.end = 0;
        if places.segments.get(&closed).is_none_or(HashSet::is_empty) {
            self.remove_segment(places, closed);
        }
    }

    fn remove_segment(&self, places: &mut Places, segment: u64) {
        places.segments.remove(&segment);
        self.written().take_if(|(of, _)| *of == segment);
        self.reaper.remove(self.segment_path(segment));
    }

    /// The file of a segment, made durable by name where it is new.
    fn segment_to_write(&self, segment: u64) -> io::Result<Arc<File>> {
        if let Some((of, file)) = self.written().as_ref()
            && *of == segment
        {
            return Ok(Arc::clone(file));
        }
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.segment_path(segment))?;
        self.sync_directory()?;
        let file = Arc::new(file);
        *self.written() = Some((segment, Arc::clone(&file)));
        Ok(file)
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn segment_path(&self, segment: u64) -> PathBuf {
        self.directory.join(format!("{segment:016}.segment"))
    }

    fn body_path(&self, id: u128) -> PathBuf {
        self.directory.join(format!("{id:032x}.body"))
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Option<(u64, Arc<File>)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kind(path: &Path) -> Kind {
    let (stem, extension) = (path.file_stem().and_then(|stem| stem.to_str()), path.extension());
    let read = stem.zip(extension.and_then(|extension| extension.to_str())).and_then(|(stem, extension)| {
        match extension {
            "segment" => stem.parse().ok().map(Kind::Segment),
            "body" => u128::from_str_radix(stem, 16).ok().map(Kind::Body),
            "incoming" => Some(Kind::Incoming),
            _ => None,
        }
    });
    read.unwrap_or(Kind::Foreign)
}
