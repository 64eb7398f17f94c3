//! The admin's template folder: read at start, and again when a file in it changes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::audit::{self, Event};
use crate::net::lifecycle::Lifecycle;
use crate::template::{Shelf, TEXT_MAX, TemplateFault};

/// How often the folder is looked at. A change is live within this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Files that are read at most; the built-in set has about thirty.
const FILES_MAX: usize = 1000;
/// Folders inside folders.
const DEPTH_MAX: usize = 6;

/// The folder and what was last seen in it.
pub struct Folder {
    path: PathBuf,
    seen: Option<Listing>,
}

/// Every file by its relative path, with its time and size.
type Listing = BTreeMap<String, (SystemTime, u64)>;

impl Folder {
    /// The admin's folder; it need not exist yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, seen: None }
    }

    /// Looks once; if anything changed, puts the new set on the shelf. Gives the faults of the files that were
    /// not taken: for each of them the last good text stays in force.
    ///
    /// # Errors
    /// Those of the disk; then nothing changes.
    pub fn refresh(&mut self, shelf: &Shelf) -> io::Result<Vec<TemplateFault>> {
        let mut now = Listing::new();
        list(&self.path, "", DEPTH_MAX, &mut now)?;
        if self.seen.as_ref() == Some(&now) {
            return Ok(Vec::new());
        }
        let read = |(name, &(_, octets)): (&String, &(SystemTime, u64))| {
            (name.clone(), text(&self.path.join(name), octets).map_err(|fault| fault.to_string()))
        };
        let (templates, faults) = shelf.current().with_overrides(&now.iter().map(read).collect());
        shelf.replace(templates, &faults);
        self.seen = Some(now);
        Ok(faults)
    }

    /// Refreshes until the lifecycle stops. Faults go to the journal, once for each change.
    pub async fn watch(mut self, shelf: Shelf, lifecycle: Lifecycle) {
        loop {
            // Files change in the world's time, also where a test moves the daemon's clock by hand.
            tokio::select! {
                () = lifecycle.stopping() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let shelf = shelf.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let faults = self.refresh(&shelf);
                (self, faults)
            });
            let Ok((folder, faults)) = looked.await else { return };
            self = folder;
            report(faults);
        }
    }
}

/// Tells the journal which files were not taken.
pub fn report(looked: io::Result<Vec<TemplateFault>>) {
    match looked {
        Ok(faults) => {
            for fault in faults {
                audit::record(&Event::TemplateRefused { file: &fault.file, reason: &fault.to_string() });
            }
        }
        Err(fault) => {
            tracing::warn!(%fault, "the template folder could not be read; the texts in force stay");
        }
    }
}

fn list(folder: &Path, prefix: &str, depth: usize, found: &mut Listing) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // What an editor leaves beside a file is no template.
        let Some(name) = entry.file_name().to_str().filter(|name| is_template_name(name)).map(str::to_owned)
        else {
            continue;
        };
        let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
        let path = format!("{prefix}{name}");
        if metadata.is_dir() && depth > 0 {
            list(&entry.path(), &format!("{path}/"), depth - 1, found)?;
        } else if metadata.is_file() && found.len() < FILES_MAX {
            found.insert(path, (metadata.modified()?, metadata.len()));
        }
    }
    Ok(())
}

fn is_template_name(name: &str) -> bool {
    !name.starts_with(['.', '#']) && !name.ends_with(['~', '#'])
}

fn text(file: &Path, octets: u64) -> io::Result<String> {
    if octets > TEXT_MAX as u64 {
        return Err(io::Error::other(format!("it has {octets} octets; at most {TEXT_MAX} are read")));
    }
    String::from_utf8(std::fs::read(file)?).map_err(|_| io::Error::other("it is not UTF-8"))
}
