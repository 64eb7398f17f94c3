//! A file of settings: they are right in every value, or each fault has its key and words.
#![no_main]

use std::fs;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use postern::config::Settings;
use tempfile::TempDir;

/// The least that must be written, so that the fuzzer comes to the rest.
const MINIMAL: &str = r#"
[server]
hostname = "postern.corp.example"
certificate = "tls/fullchain.pem"
key = "tls/privkey.pem"
[organisation]
name = "Corp Example"
domains = ["corp.example"]
"#;

fuzz_target!(|text: &str| {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let file = FOLDER.get_or_init(|| TempDir::new().expect("a folder")).path().join("postern.toml");
    for text in [text.to_owned(), format!("{MINIMAL}{text}")] {
        fs::write(&file, text).expect("a file");
        // Without credentials: no file that the settings name is read.
        if let Err(faults) = Settings::load_without_credentials(&file) {
            assert!(!faults.0.is_empty());
            assert!(faults.0.iter().all(|fault| !fault.to_string().is_empty()));
        }
    }
});
