//! Pulls the plug on the store, again and again: what was acknowledged is there afterwards, whole, and what was
//! taken away stays away.
//!
//! `cargo test --test power_cut` does a few rounds, `tests/power_cut/run.sh ROUNDS` many. A round is a process of
//! its own ([`writer`]) under `shim.c`: it opens the store, holds what it finds against what was acknowledged so
//! far, and writes on, until it is killed at some moment, the first milliseconds and the opening included. Then the
//! directory is what the disk would have: only what had been synced.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and reports on standard output"
)]

mod writer;

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::writer::Ledger;

/// Rounds of a run that nobody asked to be long.
const FEW_ROUNDS: u32 = 4;
/// The plug is pulled at latest so long after the start.
const MILLISECONDS_MAX: u64 = 600;

/// So often the cut takes the database with it, which is then made anew, unless the next cut comes before.
const BREAK_EVERY: u32 = 4;

struct Bench {
    directory: PathBuf,
    shim: PathBuf,
}

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let rounds = std::env::var("POWER_CUT_ROUNDS").map_or(FEW_ROUNDS, |rounds| rounds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let bench = Bench::new(directory.path());
    for round in 0..rounds {
        let mut writer = bench.start(false);
        while round == 0 && Ledger::read(&bench.acknowledged()).written() == 0 {
            assert!(writer.try_wait().unwrap().is_none(), "the writer gave up:\n{}", bench.log());
            thread::yield_now();
        }
        thread::sleep(Duration::from_micros(RandomState::new().hash_one(0) % (MILLISECONDS_MAX * 1000)));
        assert!(writer.try_wait().unwrap().is_none(), "the writer gave up:\n{}", bench.log());
        writer.kill().unwrap();
        writer.wait().unwrap();
        bench.cut_power();
        if round % BREAK_EVERY == BREAK_EVERY - 1 {
            bench.break_database();
        }
    }
    let last = bench.start(true).wait().unwrap();
    assert!(last.success(), "{}", bench.log());
    let ledger = Ledger::read(&bench.acknowledged());
    let (written, removed) = (ledger.written(), ledger.removed());
    assert!(rounds < BREAK_EVERY || bench.databases_set_aside() > 0, "{}", bench.log());
    println!("{rounds} power cuts: {written} writes and {removed} removals acknowledged, none lost");
}

impl Bench {
    fn new(directory: &Path) -> Self {
        let bench = Self { directory: directory.to_owned(), shim: directory.join("shim.so") };
        fs::create_dir(bench.state()).unwrap();
        fs::create_dir(bench.shadow()).unwrap();
        File::create(bench.acknowledged()).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/shim.c");
        let built = Command::new("cc")
            .args(["-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&bench.shim, &source])
            .status();
        assert!(built.expect("a C compiler").success());
        bench
    }

    /// Starts the writer; `only_look`: it ends when it has looked.
    fn start(&self, only_look: bool) -> Child {
        let log = File::options().create(true).append(true).open(self.directory.join("log")).unwrap();
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer
            .args(["--exact", "writer::writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env("LD_PRELOAD", &self.shim)
            .env("DBROOT", self.state())
            .env("SHADOW", self.shadow())
            .env(writer::STATE, self.state())
            .env(writer::ACKNOWLEDGED, self.acknowledged());
        if only_look {
            writer.env(writer::ONLY_LOOK, "1");
        }
        writer.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Leaves what the disk would have.
    fn cut_power(&self) {
        fs::remove_dir_all(self.state()).unwrap();
        copy(&self.shadow(), &self.state());
    }

    /// Leaves rubbish in place of the database.
    fn break_database(&self) {
        for disk in [self.state(), self.shadow()] {
            let database = disk.join("db/db");
            if database.exists() {
                fs::write(database, vec![0xA5; 100_000]).unwrap();
            }
        }
    }

    fn databases_set_aside(&self) -> usize {
        let names = fs::read_dir(self.state()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("db.broken-")).count()
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.join("log")).unwrap();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn state(&self) -> PathBuf {
        self.directory.join("state")
    }

    fn shadow(&self) -> PathBuf {
        self.directory.join("shadow")
    }

    fn acknowledged(&self) -> PathBuf {
        self.directory.join("acknowledged")
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
