//! The pages as people use them: the real program before a real browser, driven by the files beside this one.
//!
//! `cargo test --test browser` installs what `package.json` names from npm, into the target folder, and runs every
//! `*.test.mjs` with node's own test runner. Where Chromium, node or npm cannot be had, it says so and is skipped
//! (`tests/services/install.sh` installs them). With `BROWSER_TESTS=journey` only files that begin so are run; with
//! `PICTURES=FOLDER` every page is painted there, on a desk and on a phone, in light and in dark.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is driven and what drives it need this much.
const NODE_AT_LEAST: u32 = 18;
/// How npm says that it could not reach what it was to fetch; all else is a fault of ours.
const OFFLINE: &[&str] =
    &["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ENOTCACHED"];

#[test]
fn people_use_the_pages() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let prepared = programs().and_then(|programs| install(&programs, &source, &folder).map(|()| programs));
    let programs = match prepared {
        Ok(programs) => programs,
        Err(reason) => return skipped(&reason),
    };
    let only = std::env::var("BROWSER_TESTS").unwrap_or_default();
    let mut files = modules(&source);
    files.retain(|file| file.ends_with(".test.mjs") && file.starts_with(&only));
    files.sort();
    assert!(!files.is_empty(), "no file of tests begins with {only}");
    let done = Command::new(&programs.node)
        .args(["--test", "--test-reporter=spec"])
        .args(&files)
        .current_dir(&folder)
        .env("CHROMIUM", &programs.chromium)
        .env("POSTERN", env!("CARGO_BIN_EXE_postern"))
        .env("SOURCE", env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "see above what went wrong");
}

/// What the tests need to be installed.
struct Programs {
    chromium: PathBuf,
    node: PathBuf,
    npm: PathBuf,
}

/// Where they are, or why the tests cannot run.
fn programs() -> Result<Programs, String> {
    let find = |names: &[&str]| {
        names.iter().find_map(|name| on_path(name)).ok_or(format!("{} is not installed", names[0]))
    };
    let programs = Programs {
        chromium: find(&["chromium", "chromium-browser"])?,
        node: find(&["node"])?,
        npm: find(&["npm"])?,
    };
    let said = Command::new(&programs.node)
        .arg("--version")
        .output()
        .map_err(|fault| format!("node does not run: {fault}"))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    match version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE_AT_LEAST => Ok(programs),
        _ => Err(format!("node {version} is older than {NODE_AT_LEAST}")),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Brings the files into a folder of their own, with what they stand on: no package comes into the source.
fn install(programs: &Programs, source: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).unwrap();
    for stale in modules(folder) {
        fs::remove_file(folder.join(stale)).unwrap();
    }
    for file in modules(source) {
        fs::copy(source.join(&file), folder.join(&file)).unwrap();
    }
    let locked = fs::read(source.join("package-lock.json")).unwrap();
    let installed = folder.join("installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == locked) {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    let done = Command::new(&programs.npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        assert!(OFFLINE.iter().any(|code| said.contains(code)), "npm ci: {said}");
        return Err("npm could not fetch what package-lock.json names".to_owned());
    }
    fs::write(installed, locked).unwrap();
    Ok(())
}

fn modules(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "mjs")).collect()
}

/// Past the test runner, which would keep what is printed to itself.
fn skipped(reason: &str) {
    let words = format!("tests/browser: skipped, because {reason}; see tests/services/install.sh\n");
    std::io::stderr().write_all(words.as_bytes()).unwrap();
}
