//! `postern check` names what is wrong between us and the directory, with the key and the remedy.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::cases::case;
use crate::slapd::Slapd;

/// What a check says of this section, as an administrator runs it.
pub fn said(folder: &Path, section: &str) -> String {
    let authority = crate::harness::authority::Authority::new();
    let credential = authority.credential(&["postern.corp.example"]);
    std::fs::write(folder.join("certificate.pem"), credential.certificate).unwrap();
    std::fs::write(folder.join("key.pem"), credential.key).unwrap();
    let file = folder.join("postern.toml");
    let text = format!(
        "[server]\nhostname = \"postern.corp.example\"\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n\
         [organisation]\nname = \"Corp Example\"\ndomains = [\"corp.example\"]\n\
         [storage]\ndirectory = \"state\"\n{section}"
    );
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_postern"))
        .args(["check", "--config"])
        .arg(&file)
        .env_remove("CREDENTIALS_DIRECTORY")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The lines about the directory.
pub fn of_directory(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.contains("directory.") || line.contains("ldap")).collect()
}

/// The directory of a complete example, with the files of these tests.
pub fn example(text: &str) -> String {
    let (_, section) = text.split_once("[directory]").unwrap();
    let section =
        section.replace("directory-ca.pem", "ca.pem").replace("directory-password", "service-password");
    format!("[directory]{section}")
}

/// What is said of a server with which all is well.
pub fn answers(url: &str) -> String {
    format!("ok     {url} answers, and finds people and groups")
}

/// One fault and no other is found in this section: of this key, in such words.
pub fn finds(server: &str, folder: &Path, section: &str, key: &str, words: &str) {
    let report = said(folder, section);
    let lines = of_directory(&report);
    let [line] = lines.as_slice() else { panic!("{key}, {words}: {report}") };
    eprintln!("{:7} {server:19} postern check: {line}", "ok");
    assert!(line.starts_with(&format!("FAULT  {key}: ")) && line.contains(words), "{key}, {words}: {line}");
}

#[test]
fn each_fault_of_a_directory_is_said_with_its_key() {
    let Some(mut slapd) = Slapd::start() else { return };
    let folder = slapd.path("");
    let (url, tls_url) = (slapd.url(), slapd.tls_url());
    let good = Slapd::section(&[&url, &tls_url], "");
    let report = said(&folder, &good);
    assert_eq!(of_directory(&report), [answers(&url), answers(&tls_url)]);

    // So does the example that administrators begin with, but for names of files and servers.
    let example = example(include_str!("../../conf/openldap.toml"))
        .replace("\"ldap://ldap1.corp.example\", \"ldap://ldap2.corp.example\"", &format!("{url:?}"));
    let report = said(&folder, &example);
    case("OpenLDAP", "postern check of conf/openldap.toml", of_directory(&report).join(""), answers(&url));

    let gone = format!("ldaps://localhost:{}", crate::service::free_port());
    let by_number = tls_url.replace("localhost", "127.0.0.1");
    // TLS is spoken where StartTLS is, and the other way round.
    let crossed = url.replace("ldap:", "ldaps:");
    let good_tls = Slapd::section(&[&tls_url], "");
    let attribute = |key: &str, name: &str| {
        Slapd::section(&[&url], &format!("[directory.attributes]\n{key} = \"{name}\""))
    };
    let change = |from: &str, to: &str| Slapd::section(&[&tls_url], "").replace(from, to);
    for (section, key, words) in [
        (Slapd::section(&[&gone], ""), "directory.urls", "refused"),
        (Slapd::section(&[&by_number], ""), "directory.urls", "is for another name"),
        (Slapd::section(&[&crossed], ""), "directory.urls", "Check name and port"),
        (change("trust = \"ca.pem\"", ""), "directory.trust", "an authority that is not trusted"),
        (change("cn=postern,ou=services", "cn=other,ou=services"), "directory.bind_dn", "bind_password_file"),
        (change("\"service-password\"", "\"ca.pem\""), "directory.bind_dn", "bind_password_file"),
        (change("base = \"ou=people", "base = \"ou=persons"), "directory.base", "ou=persons"),
        (change("group_base = \"ou=groups", "group_base = \"ou=teams"), "directory.group_base", "ou=teams"),
        (
            Slapd::section(&[&url], "user_filter = \"(&(objectClass=account)(uid={name}))\""),
            "directory.user_filter",
            "finds nobody",
        ),
        (
            Slapd::section(&[&url], "mail_filter = \"(proxyMail={address})\""),
            "directory.mail_filter",
            "finds nobody",
        ),
        (change("admin = [\"cn=admins", "admin = [\"cn=rulers"), "directory.groups.admin", "cn=rulers"),
        (
            change("admin = [\"cn=admins,ou=groups", "admin = [\"ou=groups"),
            "directory.groups.admin",
            "nobody is in",
        ),
        (
            Slapd::section(&[&url], "user_filter = \"(|(uid={name})(objectClass=inetOrgPerson))\""),
            "directory.user_filter",
            "finds somebody",
        ),
        (
            Slapd::section(&[&url], "mail_filter = \"(|(mail={address})(sn=x))\""),
            "directory.mail_filter",
            "finds several people",
        ),
        (attribute("mail", "mobile"), "directory.attributes.mail", "in the organisation's domains"),
        (attribute("name", "title"), "directory.attributes.name", "“title”"),
        (attribute("id", "objectGUID"), "directory.attributes.id", "“objectGUID”"),
    ] {
        finds("OpenLDAP", &folder, &section, key, words);
    }
    slapd.add_twins();
    let section = Slapd::section(&[&url], "");
    finds("OpenLDAP", &folder, &section, "directory.mail_filter", "finds several people");
    slapd.show_certificate_until(SystemTime::now() + Duration::from_hours(24 * 20));
    let section = change("base = \"ou=people", "user_filter = \"(uid=d*{name})\"\nbase = \"ou=people");
    let report = said(&folder, &section);
    assert!(report.contains("FAULT  directory.urls: its certificate ends within 30 days"), "{report}");
    slapd.show_expired_certificate();
    finds("OpenLDAP", &folder, &good_tls, "directory.urls", "its certificate has expired");
    // What can be seen without asking is said without asking.
    for (section, words) in [
        (change("ldaps://", "http://"), "is not the address of a directory server"),
        (
            change("kind = \"openldap\"", "kind = \"novell\""),
            "Write \"active-directory\" or \"openldap\" or \"custom\".",
        ),
        (Slapd::section(&[&url], "user_filter = \"(uid=dora)\""), "{name} does not stand in it"),
        (Slapd::section(&[&url], "user_filter = \"((uid={name})\""), "is not a filter"),
        (Slapd::section(&[&url], "connections = 0"), "directory.connections"),
    ] {
        let report = said(&folder, &section);
        assert!(report.contains("FAULT  directory.") && report.contains(words), "{words}: {report}");
    }
}
