//! The settings as a whole, and the documented file against the code.

use std::collections::BTreeSet;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::base::secret::Secret;

mod identities;
mod routes;

/// The least that must be written.
const MINIMAL: &str = r#"
[server]
hostname = "postern.corp.example"
certificate = "tls/fullchain.pem"
key = "tls/privkey.pem"
[organisation]
name = "Corp Example"
domains = ["corp.example"]
"#;

/// The file that is delivered.
const DOCUMENTED: &str = include_str!("../../conf/postern.toml");

/// A folder with a `postern.toml`.
struct Folder(TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("postern.toml"), text).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, environment: &[(&str, &str)]) -> Result<Settings, Faults> {
        let environment = environment.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
        let credentials = Credentials::In(self.path("credentials"));
        Settings::read(&self.path("postern.toml"), Some(environment.collect()), credentials)
    }
}

/// The keys and problems of a text that stands behind the minimal one.
fn faults_of(more: &str) -> Vec<Fault> {
    Folder::with(&format!("{MINIMAL}{more}")).read(&[]).map(|_| ()).unwrap_err().0
}

/// The only fault of such a text, in one line.
fn fault_of(more: &str) -> String {
    let faults = faults_of(more);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults[0].to_string()
}

/// The documented file with its defaults written out, and with its examples or without.
fn spelled_out(with_examples: bool) -> String {
    let line = |line: &str| {
        let bare = match line.strip_prefix("#     ") {
            Some(example) if with_examples => example,
            _ => line,
        };
        let default =
            bare.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c == '[' || c.is_alphabetic()));
        format!("{}\n", default.unwrap_or(bare))
    };
    DOCUMENTED.lines().map(line).collect()
}

/// The same without the sections for which this program was not built.
fn buildable(text: &str) -> String {
    let mut is_wanted = true;
    let wanted = |line: &&str| {
        if line.starts_with('[') {
            is_wanted = cfg!(feature = "saml") || !(line.starts_with("[[saml") || line.starts_with("[saml"));
        }
        is_wanted
    };
    text.split_inclusive('\n').filter(wanted).collect()
}

#[test]
fn the_documented_file_gives_the_defaults_with_and_without_its_comments() {
    let folder = Folder::with(MINIMAL);
    let minimal = folder.read(&[]).unwrap();
    for text in [DOCUMENTED.to_owned(), spelled_out(false)] {
        fs::write(folder.path("postern.toml"), text).unwrap();
        assert_eq!(folder.read(&[]).unwrap(), minimal);
    }
}

#[test]
fn the_documented_examples_are_right() {
    let folder = Folder::with(&buildable(&spelled_out(true)));
    fs::create_dir(folder.path("credentials")).unwrap();
    fs::write(folder.path("credentials/smarthost"), "hunter2\n").unwrap();
    fs::write(folder.path("credentials/directory"), "hunter3\n").unwrap();
    let settings = folder.read(&[]).unwrap();

    assert_eq!(settings.listeners.len(), 3);
    assert!(matches!(&settings.listeners[2].role, Role::Relay { trusted } if trusted.len() == 2));
    let [key] = settings.dkim.as_slice() else { panic!("{:?}", settings.dkim) };
    assert_eq!((key.domain.as_str(), key.selector.as_str()), ("corp.example", "postern2026"));
    assert_eq!(key.key_file, folder.path("dkim/postern2026.pem"));
    assert_eq!(settings.saml.len(), usize::from(cfg!(feature = "saml")));
    let Route::Smarthosts(smarthosts) = settings.relay.route else { panic!("no smarthost") };
    assert_eq!(smarthosts[0].login, Some(("postern".to_owned(), Secret::new("hunter2"))));
}

#[test]
fn the_domain_of_invitations_is_none_of_the_staff() {
    for domain in ["corp.example", "example"] {
        let fault = fault_of(&format!("[invite]\ndomain = \"{domain}\"\n"));
        assert!(fault.starts_with("invite.domain: the addresses of corp.example would"), "{fault}");
    }
    let folder = Folder::with(&format!("{MINIMAL}[invite]\ndomain = \"Invite.corp.example\"\n"));
    assert_eq!(folder.read(&[]).unwrap().invite.domain, Domain::parse("invite.corp.example"));
}

#[test]
fn a_limit_of_invitations_can_be_lifted() {
    let text = "[invite]\nper_hour = 7\nper_day = \"unlimited\"\n";
    let rates = Folder::with(&format!("{MINIMAL}{text}")).read(&[]).unwrap().invite.rates;
    assert_eq!(
        rates,
        Rates { per_hour: Some(7), per_day: None, per_invitee: Some(5), per_domain: Some(200) }
    );
    let fault = fault_of("[invite]\nper_hour = 0\n");
    assert!(fault.contains("from 1 to 1000000, or \"unlimited\""), "{fault}");
}

#[test]
fn name_servers_are_addresses_and_may_have_a_port() {
    let folder =
        Folder::with(&format!("{MINIMAL}[dns]\nservers = [\"192.0.2.53\", \"[2001:db8::1]:5353\"]\n"));
    let servers: Vec<SocketAddr> =
        ["192.0.2.53:53", "[2001:db8::1]:5353"].map(|text| text.parse().unwrap()).into();
    assert_eq!(folder.read(&[]).unwrap().dns.servers, servers);
    for wrong in ["ns.corp.example", "192.0.2.53:0"] {
        let fault = fault_of(&format!("[dns]\nservers = [\"{wrong}\"]\n"));
        assert!(
            fault.starts_with(&format!("dns.servers: “{wrong}” is not the address of a name server")),
            "{fault}"
        );
    }
}

#[test]
fn accounts_of_guests_may_last_for_ever() {
    let folder = Folder::with(&format!("{MINIMAL}[guests]\nend_after = \"never\"\n"));
    assert_eq!(folder.read(&[]).unwrap().guests.end_after, None);
    let fault = fault_of("[guests]\nend_after = \"30 days\"\n");
    assert!(fault.starts_with("guests.end_after: ") && fault.ends_with("Or write \"never\"."), "{fault}");
}

#[test]
fn every_key_is_documented() {
    // A key that nobody knows is answered with all that are known.
    let strange = spelled_out(true).lines().fold(String::new(), |text, line| {
        let strange = if line.starts_with('[') { "\nxyzxyzxyzxyz = 1" } else { "" };
        text + line + strange + "\n"
    });
    let documented: BTreeSet<String> = spelled_out(true)
        .lines()
        .filter_map(|line| Some(line.split_once(" = ")?.0.to_owned()))
        .filter(|key| !key.starts_with('#'))
        .chain(["smarthost", "route", "attributes", "groups", "rights"].map(str::to_owned))
        .collect();
    let faults = Folder::with(&strange).read(&[]).unwrap_err().0;
    let lists: Vec<&str> =
        faults.iter().filter_map(|fault| fault.remedy.strip_prefix("These are known here: ")).collect();
    assert!(lists.len() >= 12, "{faults:#?}");
    for list in lists {
        for key in list.trim_end_matches('.').split(", ") {
            assert!(documented.contains(key), "conf/postern.toml does not document {key}");
        }
    }
}

#[test]
fn a_trial_in_one_folder_has_the_same_defaults() {
    let read = Folder::with(MINIMAL).read(&[]).unwrap();
    let folder = Path::new("/trial");
    let invite = Address::parse("invite@corp.example").unwrap();
    let trial = Settings::in_directory(folder, &[invite], "127.0.0.1:8443".parse().unwrap()).unwrap();
    assert_eq!(trial.organisation, read.organisation);
    assert_eq!((trial.invite, trial.limits, trial.relay), (read.invite, read.limits, read.relay));
    assert_eq!((trial.listeners, trial.log), (read.listeners, read.log));
    assert_eq!((trial.registration, trial.guests), (read.registration, read.guests));
    assert_eq!(trial.web.public_url, "https://127.0.0.1:8443");
    assert!(trial.server.key.starts_with(folder) && trial.storage.directory.starts_with(folder));
    assert!(Settings::in_directory(folder, &[], "127.0.0.1:0".parse().unwrap()).is_err());
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let settings = Folder::with(MINIMAL).read(&[]).unwrap();
    assert_eq!(settings.web.public_url, "https://postern.corp.example");
    assert_eq!(settings.invite.addresses[0].to_string(), "invite@corp.example");
    assert_eq!(settings.organisation.notice_address.to_string(), "postern@corp.example");
    assert_eq!(settings.invite.lifespan.in_days(), 14);
    assert!(!settings.registration.verify_email);
    assert_eq!(settings.guests.end_after, Some(Duration::from_hours(365 * 24)));
    assert_eq!(settings.limits.message_octets, 52_428_800);
    assert_eq!(settings.relay.give_up_after, Duration::from_hours(5 * 24));
    assert_eq!(settings.listeners.iter().map(|one| one.address.port()).collect::<Vec<_>>(), [587, 465]);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_key_and_remedy() {
    let faults = faults_of(
        r#"
        notice_adress = "post@corp.example"
        [limits]
        recipients = "many"
        message_size = 50
        idle = "300"
        [invite]
        lifespan = "120 days"
        addresses = ["invite@corp.example", "nobody"]
        [newsletter]
        x = 1
        "#,
    );
    // Which sections there are is another test's.
    let remedy = |fault: &'_ Fault| fault.remedy.split(": server,").next().unwrap_or_default().to_owned();
    let told: Vec<(String, String)> = faults.iter().map(|fault| (fault.key.clone(), remedy(fault))).collect();
    assert_eq!(
        told.iter().map(|(key, remedy)| (key.as_str(), remedy.as_str())).collect::<Vec<_>>(),
        [
            ("organisation.notice_adress", "Did you mean notice_address?"),
            ("invite.addresses", "Write an address such as \"invite@corp.example\"."),
            ("invite.lifespan", "Change one of the three."),
            (
                "limits.message_size",
                "Write a whole number and one of B, KiB, MiB, GiB, TiB, kB, MB, GB, TB, for example \"50 MiB\"."
            ),
            ("limits.recipients", "Write a whole number from 100 to 100000."),
            (
                "limits.idle",
                "Write a whole number and a unit, for example \"30 seconds\", \"5 minutes\", \"1 hour\" or \"14 days\"."
            ),
            ("newsletter", "These are known here"),
        ]
    );
}

#[test]
fn a_faulty_smarthost_does_not_make_the_keys_beside_it_unknown() {
    let fault = fault_of("[relay]\nretry_first = \"1 second\"\n[[relay.smarthost]]\nhost = \"no host\"\n");
    assert!(fault.starts_with("relay.smarthost #1.host: “no host” is neither"), "{fault}");
}

#[test]
fn a_command_that_needs_no_secret_does_without_the_credentials() {
    let file = "[[relay.smarthost]]\nhost = \"hop.example\"\nuser = \"postern\"\npassword_file = \"credential:hop\"\n";
    let folder = Folder::with(&format!("{MINIMAL}{file}"));
    assert!(folder.read(&[]).is_err());
    let settings = Settings::load_without_credentials(&folder.path("postern.toml")).unwrap();
    assert!(matches!(settings.relay.route, Route::Smarthosts(hosts) if hosts[0].login.is_some()));
}

#[test]
fn what_must_be_written_is_asked_for_by_name() {
    let faults = Folder::with("").read(&[]).unwrap_err();
    let keys: Vec<&str> = faults.0.iter().map(|fault| fault.key.as_str()).collect();
    let needed =
        ["server.hostname", "server.certificate", "server.key", "organisation.name", "organisation.domains"];
    assert_eq!(keys, needed);
    assert!(faults.to_string().starts_with("5 settings are wrong:\n  server.hostname: it is missing. Write"));
}

#[test]
fn the_environment_wins_and_is_named_when_it_is_wrong() {
    let folder = Folder::with(MINIMAL);
    let settings = folder
        .read(&[
            ("POSTERN__LIMITS__RECIPIENTS", "500"),
            ("POSTERN__ORGANISATION__DOMAINS", "corp.example, corp2.example"),
            ("POSTERN__INVITE__ENABLED", "false"),
            ("POSTERN__RELAY__TRUST", ""),
            ("POSTERNX", "not ours"),
        ])
        .unwrap();
    assert_eq!(settings.limits.recipients, 500);
    assert_eq!(settings.organisation.domains.len(), 2);
    assert!(!settings.invite.enabled);
    assert_eq!(settings.relay.trust, None);

    let faults = folder.read(&[("POSTERN__LIMITS__RECIPIENT", "500")]).unwrap_err().0;
    assert_eq!(faults[0].key, "POSTERN__LIMITS__RECIPIENT");
    assert_eq!(faults[0].remedy, "Did you mean recipients?");
    let faults = folder.read(&[("POSTERN__LISTENER", "[::]:25")]).unwrap_err().0;
    assert_eq!((faults[0].key.as_str(), faults.len()), ("listener", 1));
}

#[test]
fn files_are_found_beside_the_configuration_or_where_systemd_put_them() {
    let folder = Folder::with(&MINIMAL.replace("tls/privkey.pem", "credential:tls.key"));
    let settings = folder.read(&[]).unwrap();
    assert_eq!(settings.server.certificate, folder.path("tls/fullchain.pem"));
    assert_eq!(settings.server.key, folder.path("credentials/tls.key"));
    assert_eq!(settings.templates, Some(folder.path("templates")));
    assert_eq!(settings.storage.directory, Path::new("/var/lib/postern"));

    let without = Settings::read(&folder.path("postern.toml"), Some(HashMap::new()), Credentials::Lacking)
        .unwrap_err()
        .0;
    assert!(without[0].remedy.contains("LoadCredential=tls.key:"), "{}", without[0]);
}

#[test]
fn passwords_do_not_travel_in_clear_and_are_not_shown() {
    let folder = Folder::with(&format!(
        "{MINIMAL}[[relay.smarthost]]\nhost = \"192.0.2.1\"\ntls = \"none\"\nuser = \"u\"\npassword_file = \"pw\""
    ));
    fs::write(folder.path("pw"), "hunter2").unwrap();
    let faults = folder.read(&[]).unwrap_err().0;
    assert_eq!(faults[0].key, "relay.smarthost #1.tls");

    let text = fs::read_to_string(folder.path("postern.toml")).unwrap().replace("192.0.2.1", "127.0.0.1");
    fs::write(folder.path("postern.toml"), text).unwrap();
    let shown = format!("{:?}", folder.read(&[]).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn what_does_not_fit_together_is_found() {
    let listener = "[[listener]]\naddress = \"192.0.2.1:25\"\n";
    assert!(fault_of(&format!("{listener}tls = \"none\"")).starts_with("listener #1.tls: without TLS"));
    assert!(fault_of(&format!("{listener}role = \"relay\"")).contains("needs the networks"));
    assert!(fault_of(&format!("{listener}trusted = \"10.0.0.0/8\"")).contains("trusts nobody"));
    assert!(fault_of(&format!("{listener}{listener}")).contains("192.0.2.1:25 is used twice"));
    assert!(fault_of("[web]\naddress = \"[::]:465\"").contains("[::]:465 is used twice"));
    assert!(fault_of("[relay]\nretry_first = \"2 hours\"").starts_with("relay.retry_first: it is longer"));
    assert!(
        fault_of("[storage]\nsegment_size = \"1 MiB\"\nsegment_body_max = \"2 MiB\"").contains("segment")
    );
    assert!(fault_of("[[relay.smarthost]]\nhost = \"a.example\"\nuser = \"u\"").contains("belong together"));
    let key = "[[dkim]]\ndomain = \"corp.example\"\nselector = \"a\"\nkey_file = \"a.pem\"\n";
    assert!(fault_of(&format!("{key}{key}")).contains("selector a of corp.example is given twice"));
    assert!(fault_of(&key.replace("\"a\"", "\"a b\"")).starts_with("dkim #1.selector: “a b” is not"));
    assert!(fault_of(&key.replace("key_file", "#")).starts_with("dkim #1.key_file: it is missing"));
    assert!(fault_of("[log]\nfilter = \"loud=very\"").starts_with("log.filter"));
}

#[test]
fn a_public_url_is_https_and_a_host() {
    let url = |text: &str| Folder::with(&format!("{MINIMAL}[web]\npublic_url = \"{text}\"")).read(&[]);
    assert_eq!(url("https://Post.Corp.Example:443/").unwrap().web.public_url, "https://post.corp.example");
    assert_eq!(url("https://127.0.0.1:8443").unwrap().web.public_url, "https://127.0.0.1:8443");
    for text in [
        "http://corp.example",
        "https://corp.example/path",
        "https://u@corp.example",
        "https://",
        "corp.example",
    ] {
        assert_eq!(url(text).unwrap_err().0.len(), 1, "{text}");
    }
}

#[test]
fn a_file_that_is_not_toml_or_not_there_is_one_fault_that_shows_the_place() {
    let faults = Folder::with("[server]\nhostname = postern").read(&[]).unwrap_err();
    assert!(faults.to_string().contains("line 2"), "{faults}");
    let faults = Settings::load(Path::new("/nowhere/postern.toml")).unwrap_err();
    assert!(faults.to_string().contains("/nowhere/postern.toml: it cannot be read"), "{faults}");
}
