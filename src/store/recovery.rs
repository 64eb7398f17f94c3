//! What happens to the database when the store opens, and when it does not open any more.
//!
//! ```text
//! lock                     held while a Postern runs here
//! db/                      the engine's files
//! export/state.jsonl       all cells, written now and then
//! journal/….journal        every group since then
//! db.restoring/            a restoration that has not been finished; begun anew
//! db.broken-TIME/          what could not be opened, kept for whoever wants to look
//! ```
//! The database is opened, and groups that the journal has and it has not are played back. If it is damaged, or is
//! older than the export it should have been, another is made from export and journal, and it is set aside. Where
//! that cannot be done the store does not open, this time nor the next: it never starts empty where it had
//! something.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::base::clock::{Clock as _, SystemClock};
use crate::config::Storage;
use crate::store::engine::{Engine, Write};
use crate::store::sled::SledEngine;
use crate::store::{StoreFault, export, journal, schema};

/// Where the number of the last group stands.
const LAST_GROUP: [u8; 2] = [schema::NOTES, 1];
/// Changes made at once while a state is restored.
const STRIDE: usize = 4096;

/// A database that is open.
pub struct Opened {
    pub engine: SledEngine,
    /// The number of the last group in it.
    pub group: u64,
}

/// The paths in `storage.directory`.
#[derive(Clone, Debug)]
pub struct Layout {
    /// All of it.
    pub directory: PathBuf,
    /// The engine's files.
    pub database: PathBuf,
    /// Where the export lies.
    pub export: PathBuf,
    /// The journal's files.
    pub journal: PathBuf,
}

impl Layout {
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            database: directory.join("db"),
            export: directory.join("export"),
            journal: directory.join("journal"),
        }
    }
}

/// Takes the lock on a directory. It is given back when the file is closed, however that comes.
///
/// # Errors
/// [`StoreFault::Locked`] where another has it.
pub fn lock(directory: &Path) -> Result<File, StoreFault> {
    if !directory.exists() {
        // Nobody else has any business with the mail in it.
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
    }
    let file = File::options().write(true).create(true).truncate(false).open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreFault::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Opens the database, whatever it takes. The caller holds the lock.
///
/// # Errors
/// [`StoreFault::Lost`] where the database is damaged and cannot be made anew; what the system says.
pub fn open(storage: &Storage) -> Result<Opened, StoreFault> {
    let layout = Layout::new(&storage.directory);
    let has_past = export::exists(&layout.export) || journal::read(&layout.journal, 0)?.next().is_some();
    let reason = if layout.database.exists() {
        match attempt(storage, &layout) {
            Err(StoreFault::Engine(reason)) => reason,
            done => return done,
        }
    } else if has_past {
        "it is not there".to_owned()
    } else {
        build(storage, &layout)?;
        return attempt(storage, &layout);
    };

    tracing::error!(
        reason,
        "the database cannot be used; another is made from the last export and the journal"
    );
    let lost = |why: &str| StoreFault::Lost {
        database: layout.database.clone(),
        reason: format!("{reason}; {why}"),
    };
    if !has_past {
        return Err(lost("there is neither an export nor a journal to make another from"));
    }
    build(storage, &layout).map_err(|fault| match fault {
        StoreFault::Engine(why) => lost(&why),
        other => other,
    })?;
    let opened = attempt(storage, &layout)?;
    tracing::error!(group = opened.group, "the database is whole again");
    Ok(opened)
}

/// The number of the group, as a change that goes with it.
pub fn group_note(group: u64) -> Write {
    Write { key: LAST_GROUP.to_vec(), value: Some(group.to_be_bytes().to_vec()) }
}

/// Opens the database that is there.
///
/// # Errors
/// [`StoreFault::Engine`] where it is damaged or not what it should be; what the system says.
fn attempt(storage: &Storage, layout: &Layout) -> Result<Opened, StoreFault> {
    let engine = SledEngine::open(&layout.database, storage.cache)?;
    let group = last_group(&engine)?;
    if export::group(&layout.export).is_some_and(|exported| group < exported) {
        return Err(StoreFault::Engine("it is older than the last export".to_owned()));
    }
    let group = play(&engine, &layout.journal, group)?;
    engine.sync()?;
    Ok(Opened { engine, group })
}

/// Makes a database from what export and journal hold, also if that is nothing: beside its place, and moved there
/// when it is whole. What stood there is set aside.
fn build(storage: &Storage, layout: &Layout) -> Result<(), StoreFault> {
    let unfinished = layout.directory.join("db.restoring");
    remove_directory(&unfinished)?;
    let engine = SledEngine::open(&unfinished, storage.cache)?;
    if let Some(exported) = export::read(&layout.export, |writes| engine.write(writes))? {
        // It was taken while groups went on: which of them is in it as a whole only the journal can say.
        engine.write(vec![group_note(exported.since)])?;
        let group = play(&engine, &layout.journal, exported.since)?;
        if group < exported.until {
            return Err(StoreFault::Engine(format!(
                "the journal ends with group {group}, the export needs it up to {}",
                exported.until
            )));
        }
    } else {
        play(&engine, &layout.journal, 0)?;
    }
    engine.sync()?;
    drop(engine);

    if layout.database.exists() {
        let aside = layout.directory.join(format!("db.broken-{}", SystemClock.now().millis()));
        fs::rename(&layout.database, &aside)?;
        tracing::error!(set_aside = %aside.display(), "the damaged database is kept; it may be deleted");
    }
    fs::rename(&unfinished, &layout.database)?;
    Ok(File::open(&layout.directory)?.sync_all()?)
}

/// Plays back the groups behind `group`; gives the number of the last.
///
/// # Errors
/// [`StoreFault::Engine`] where the journal begins only later.
fn play(engine: &dyn Engine, journal: &Path, group: u64) -> Result<u64, StoreFault> {
    let mut last = group;
    let mut writes = Vec::new();
    for frame in journal::read(journal, group)? {
        let frame = frame?;
        if frame.group != last + 1 {
            let (next, found) = (last + 1, frame.group);
            return Err(StoreFault::Engine(format!(
                "group {next} is not in the journal, but group {found} is"
            )));
        }
        last = frame.group;
        writes.extend(frame.writes);
        if writes.len() >= STRIDE {
            engine.write(std::mem::take(&mut writes))?;
        }
    }
    if last > group {
        engine.write(writes)?;
        tracing::warn!(groups = last - group, "played back changes that the database did not have");
    }
    Ok(last)
}

fn last_group(engine: &dyn Engine) -> Result<u64, StoreFault> {
    let note = engine.read(&LAST_GROUP)?;
    Ok(note.and_then(|note| note.try_into().ok()).map_or(0, u64::from_be_bytes))
}

fn remove_directory(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
