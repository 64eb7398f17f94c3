//! The floors of Postern: a module may use only modules on lower floors.
//!
//! Rust does not stop two modules of one crate from importing each other, so this test does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules from the ground up. Modules on the same floor do not know each other.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["smtp", "mail", "template", "config"],
    &["store", "net", "audit"],
    &["accounts", "invites", "packages", "queue", "switches"],
    &["notices", "auth"],
    &["tending"],
    &["intake", "delivery", "registration", "dropoff", "upkeep", "sponsoring", "roster", "janitor"],
    &["smtpd", "httpd", "control"],
    &["daemon"],
    &["cli"],
];

const LINES_MAX: usize = 400;

#[test]
fn modules_use_only_lower_floors() {
    let floor_of: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, modules)| modules.iter().map(move |module| (*module, floor)))
        .collect();

    let mut faults = Vec::new();
    for (module, file) in sources() {
        let Some(&floor) = floor_of.get(module.as_str()) else {
            faults.push(format!("{} stands on no floor", file.display()));
            continue;
        };
        let code = code_of(&file);
        if code.contains("super::super") {
            faults.push(format!("{}: `super::super` hides where it leads", file.display()));
        }
        for used in uses(&code).filter(|used| *used != module) {
            if floor_of.get(used.as_str()).is_none_or(|&below| below >= floor) {
                faults.push(format!("{}: `{module}` must not use `{used}`", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn files_stay_short() {
    for (_, file) in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines, at most {LINES_MAX}", file.display());
    }
}

/// Every source file, with the top-level module it belongs to. The two roots are exempt.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut pending = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).unwrap();
            let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
            if module != "lib" && module != "main" {
                found.push((module.to_owned(), path));
            }
        }
    }
    found
}

/// The file without comments and without its `#[cfg(test)]` tail, which may look anywhere.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

/// The top-level modules named as `crate::module`. Braces after `crate::` are refused, so that
/// one line names one module.
fn uses(code: &str) -> impl Iterator<Item = String> + '_ {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}
