//! Whatever a browser posts comes in by a form of ours, with the field that only our own page knows.
//!
//! A handler can be written without; so this test reads the source of each.

use std::fs;
use std::path::{Path, PathBuf};

/// What looks at the hidden field before the handler sees anything; `Posted` of the Drop-Off page does when it
/// is read.
const FORMS: [&str; 3] = [": Form<", ": Packet<", ": Posted"];

/// Forms of an identity provider: a cookie and a signature take the place of our field.
const OF_OTHERS: [&str; 2] = ["pages/saml.rs: arrive", "pages/saml.rs: told"];

#[test]
fn every_form_asks_for_its_hidden_field() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/httpd");
    let mut handlers = 0;
    let mut without = Vec::new();
    for file in sources(&root.join("pages")) {
        let source = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(&root).unwrap().display();
        for rest in source.split("post(").skip(1) {
            let handler = rest.split([')', ':']).next().unwrap();
            let takes = source
                .split("fn ")
                .find(|function| function.split(['(', '<']).next() == Some(handler))
                .and_then(|function| function.split("\n}").next())
                .and_then(|function| function.split(" -> ").next())
                .unwrap_or_else(|| panic!("{name}: {handler} is not to be found"));
            handlers += 1;
            if !FORMS.iter().any(|form| takes.replace("axum::Form", "").contains(form)) {
                without.push(format!("{name}: {handler}"));
            }
        }
    }
    without.sort();
    assert_eq!(without, OF_OTHERS);
    assert!(handlers > 30, "{handlers}");
}

/// Every file beneath a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found
}
