//! `[storage]`, `[templates]` and `[log]`: folders, and what is written where.

use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::config::section::Section;
use crate::config::units::{self, Wrong};
use crate::config::{Log, Storage};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Where the packages and the unit keep state (`StateDirectory=`).
const DIRECTORY: &str = "/var/lib/postern";
/// Where the administrator's templates are: beside the configuration.
pub(super) const TEMPLATES: &str = "templates";

impl Storage {
    /// The usual figures, in this folder.
    #[must_use]
    pub const fn in_directory(directory: PathBuf) -> Self {
        Self {
            directory,
            cache: 64 * MIB,
            reserve: 512 * MIB,
            segment_body_max: 256 * 1024,
            segment_size: 64 * MIB,
            export_every: Duration::from_hours(1),
            journal_max: 256 * MIB,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { json: false, filter: "info".to_owned() }
    }
}

pub(super) fn storage(section: &mut Section<'_>) -> Storage {
    let file = section.file();
    let default = Storage::in_directory(PathBuf::from(DIRECTORY));
    let storage = Storage {
        directory: section.or("directory", default.directory, file),
        cache: section.or("cache", default.cache, units::size(MIB..=64 * GIB)),
        reserve: section.or("reserve", default.reserve, units::size(0..=1024 * GIB)),
        segment_body_max: section.or(
            "segment_body_max",
            default.segment_body_max,
            units::size_in_memory(4 * KIB..=16 * MIB),
        ),
        segment_size: section.or("segment_size", default.segment_size, units::size(MIB..=4 * GIB)),
        export_every: section.or(
            "export_every",
            default.export_every,
            units::time(Duration::from_mins(1)..=Duration::from_hours(7 * 24)),
        ),
        journal_max: section.or("journal_max", default.journal_max, units::size(MIB..=64 * GIB)),
    };
    section.demand(
        u64::try_from(storage.segment_body_max).is_ok_and(|body| body <= storage.segment_size),
        "segment_body_max",
        "it is larger than a segment",
        "Make it smaller, or segment_size larger.",
    );
    storage
}

/// The folder need not be there: until it is, nothing is overridden.
pub(super) fn templates(section: &mut Section<'_>) -> Option<PathBuf> {
    let file = section.file();
    section.optional("directory", &file).or_else(|| file(TEMPLATES).ok())
}

pub(super) fn log(section: &mut Section<'_>) -> Log {
    let default = Log::default();
    Log {
        json: section.or("format", default.json, units::one_of(&[("text", false), ("json", true)])),
        filter: section.or("filter", default.filter, filter),
    }
}

fn filter(text: &str) -> Result<String, Wrong> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|error| {
        Wrong::new(
            format!("“{text}” is not a filter ({error})"),
            "Write error, warn, info, debug or trace, also for single parts: \"info,postern::smtpd=debug\".",
        )
    })
}
