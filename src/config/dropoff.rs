//! `[dropoff]`: what guests may leave, for whom, and how long it stays.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::clock::Lifespan;
use crate::config::section::Section;
use crate::config::units::{self, Wrong};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const DAY: Duration = Duration::from_hours(24);

/// What guests may leave, for whom, and how long it stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropoff {
    /// For whom.
    pub recipients: Recipients,
    /// People that one drop-off may go to.
    pub recipients_max: usize,
    /// Characters of the message.
    pub message_characters: usize,
    /// Octets of one file.
    pub file_octets: u64,
    /// Files in one drop-off.
    pub files: usize,
    /// Octets of all that one guest has here.
    pub guest_octets: u64,
    /// Drop-offs that one guest has here, whether handed over or not.
    pub guest_dropoffs: u32,
    /// Files of one guest that have been begun and are not whole.
    pub guest_uploads: u32,
    /// Endings of names that are not taken, in lower case, without the point.
    pub blocked_extensions: Vec<String>,
    /// What must stay free on the disk, octets.
    pub reserve: u64,
    /// How long an upload that is under way may bring nothing.
    pub idle: Duration,
    /// How long what was never handed over stays after its last file was worked on.
    pub keep_unfinished: Duration,
    /// How long what was handed over stays.
    pub keep: Lifespan,
    /// So long before the end, who has not picked up is told.
    pub warn_before: Lifespan,
    /// Up to how many octets the files travel with the notice; `None`: they never do.
    pub attach: Option<u64>,
    /// Who looks for viruses; `None`: nobody does.
    pub scanner: Option<Scanner>,
    /// How long that may take for one file.
    pub scan_time: Duration,
}

/// For whom a guest may leave something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// The people who have invited the guest.
    Inviters,
    /// Everybody with an address in the organisation.
    Organisation,
}

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanner {
    /// On a Unix socket.
    Unix(PathBuf),
    /// On a TCP port.
    Tcp(SocketAddr),
}

impl Default for Dropoff {
    fn default() -> Self {
        Self {
            recipients: Recipients::Inviters,
            recipients_max: 20,
            message_characters: 10_000,
            file_octets: 2 * GIB,
            files: 50,
            guest_octets: 10 * GIB,
            guest_dropoffs: 500,
            guest_uploads: 100,
            blocked_extensions: Vec::new(),
            reserve: 2 * GIB,
            idle: Duration::from_mins(2),
            keep_unfinished: DAY,
            keep: Lifespan::days(30),
            warn_before: Lifespan::days(3),
            attach: None,
            scanner: None,
            scan_time: Duration::from_mins(10),
        }
    }
}

pub(super) fn dropoff(section: &mut Section<'_>) -> Dropoff {
    let default = Dropoff::default();
    let file = section.file();
    let whom = [("inviters", Recipients::Inviters), ("organisation", Recipients::Organisation)];
    let attach = section.or("attach", false, units::switch);
    // Beyond 25 MiB few mail servers would take it.
    let attach_octets = section.or("attach_size", 10 * MIB, units::size(1..=25 * MIB));
    let dropoff = Dropoff {
        recipients: section.or("recipients", default.recipients, units::one_of(&whom)),
        recipients_max: section.or("recipients_max", default.recipients_max, units::number(1..=100)),
        message_characters: section.or(
            "message_characters",
            default.message_characters,
            units::number(100..=100_000),
        ),
        file_octets: section.or("file_size", default.file_octets, units::size(1..=1024 * GIB)),
        files: section.or("files", default.files, units::number(1..=1000)),
        guest_octets: section.or("guest_size", default.guest_octets, units::size(1..=1024 * GIB)),
        guest_dropoffs: section.or("guest_dropoffs", default.guest_dropoffs, units::number(1..=100_000)),
        guest_uploads: section.or("guest_uploads", default.guest_uploads, units::number(1..=1000)),
        blocked_extensions: section.list("blocked_extensions", extension).unwrap_or_default(),
        reserve: section.or("reserve", default.reserve, units::size(0..=1024 * GIB)),
        idle: section.or("idle", default.idle, units::time(Duration::from_secs(1)..=Duration::from_hours(1))),
        keep_unfinished: section.or(
            "keep_unfinished",
            default.keep_unfinished,
            units::time(Duration::from_hours(1)..=30 * DAY),
        ),
        keep: section.or("keep", default.keep, units::days),
        warn_before: section.or("warn_before", default.warn_before, units::days),
        attach: attach.then_some(attach_octets),
        scanner: section.optional("scanner", |text| scanner(text, &file)),
        scan_time: section.or(
            "scan_time",
            default.scan_time,
            units::time(Duration::from_secs(1)..=Duration::from_hours(24)),
        ),
    };
    section.demand(
        dropoff.warn_before < dropoff.keep,
        "warn_before",
        "nobody could be warned so early",
        "Write fewer days than in keep.",
    );
    dropoff
}

/// The ending of a file's name, with its point or without.
fn extension(text: &str) -> Result<String, Wrong> {
    let bare = text.strip_prefix('.').unwrap_or(text).to_lowercase();
    if bare.is_empty() || bare.contains(['.', '/', ' ']) {
        return Err(Wrong::new(
            format!("“{text}” is not the ending of a file's name"),
            "Write for example \"exe\".",
        ));
    }
    Ok(bare)
}

/// An address with a port, or the path of a Unix socket.
fn scanner(text: &str, file: &impl Fn(&str) -> Result<PathBuf, Wrong>) -> Result<Scanner, Wrong> {
    match text.parse() {
        Ok(address) => Ok(Scanner::Tcp(address)),
        Err(_) if text.contains('/') => file(text).map(Scanner::Unix),
        Err(_) => Err(Wrong::new(
            format!("“{text}” is neither the path of a socket nor an address and a port"),
            "Write for example \"/run/clamav/clamd.ctl\" or \"127.0.0.1:3310\".",
        )),
    }
}
