//! The directory and the identity providers.

use super::*;

#[test]
fn the_examples_for_directories_are_right_and_rely_on_the_usual_filters() {
    for (text, kind) in [
        (include_str!("../../../conf/active-directory.toml"), DirectoryKind::ActiveDirectory),
        (include_str!("../../../conf/openldap.toml"), DirectoryKind::OpenLdap),
    ] {
        let folder = Folder::with(text);
        fs::write(folder.path("directory-password"), "hunter3").unwrap();
        let directory = folder.read(&[]).unwrap().directory.unwrap();
        assert_eq!((directory.kind, directory.servers.len()), (kind, 2));
        assert!(directory.user_filter.contains("{name}") && directory.mail_filter.contains("{address}"));
        assert!(!format!("{directory:?}").contains("hunter3"));
    }
}

#[test]
fn every_complete_example_is_right() {
    let mut examples = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")).unwrap() {
        let path = entry.unwrap().path();
        let folder = Folder::with(&buildable(&fs::read_to_string(&path).unwrap()));
        fs::write(folder.path("directory-password"), "hunter3").unwrap();
        let read = folder.read(&[]);
        assert!(read.is_ok(), "{}: {}", path.display(), read.unwrap_err());
        examples += 1;
    }
    assert_eq!(examples, 8);
}

#[test]
fn a_directory_is_never_asked_in_clear() {
    let section = |urls: &str| {
        format!(
            "{MINIMAL}[directory]\nkind = \"custom\"\nurls = {urls}\nbind_dn = \"cn=x\"\nbase = \"dc=x\"\n\
             bind_password_file = \"pw\"\n"
        )
    };
    let urls = |urls: &str| {
        let folder = Folder::with(&section(urls));
        fs::write(folder.path("pw"), "hunter3").unwrap();
        folder.read(&[]).map(|settings| settings.directory.unwrap().servers)
    };
    let servers = urls("[\"ldaps://a.example\", \"LDAP://b.example:1389/\", \"ldap://127.0.0.1\"]").unwrap();
    let shown: Vec<_> = servers.iter().map(|server| (server.url(), server.implicit_tls)).collect();
    let of = |url: &str, implicit_tls| (url.to_owned(), implicit_tls);
    assert_eq!(
        shown,
        [
            of("ldaps://a.example:636", true),
            of("ldap://b.example:1389", false),
            of("ldap://127.0.0.1:389", false)
        ]
    );
    for url in
        ["ldapi:///run/ldapi", "a.example", "ldaps://", "ldaps://a.example:x", "ldaps://[::1]", "ldap://u@a"]
    {
        let faults = urls(&format!("{url:?}")).unwrap_err().0;
        assert_eq!((faults.len(), faults[0].key.as_str()), (1, "directory.urls"), "{faults:?}");
    }
}

#[test]
fn colleagues_are_invited_only_where_the_organisation_knows_them() {
    let key = "internal_addresses = [\"colleagues@corp.example\"]\n";
    let fault = fault_of(&format!("[invite]\n{key}"));
    assert!(fault.starts_with("invite.internal_addresses: ") && fault.contains("[directory]"), "{fault}");
    let settings = Folder::with(MINIMAL).read(&[]).unwrap();
    assert_eq!(settings.invite.internal_addresses[0].to_string(), "invite-internal@corp.example");
    assert!(settings.invite.internal_domains.is_empty());

    let text = include_str!("../../../conf/openldap.toml");
    let folder = Folder::with(&format!("{text}\n[invite]\n{key}"));
    fs::write(folder.path("directory-password"), "hunter3").unwrap();
    let settings = folder.read(&[]).unwrap();
    assert_eq!(settings.invite.internal_domains, settings.organisation.domains);
    assert_eq!(settings.invite.internal_addresses[0].to_string(), "colleagues@corp.example");
}

#[cfg(feature = "saml")]
#[test]
fn the_examples_for_identity_providers_are_right() {
    for text in [
        include_str!("../../../conf/adfs.toml"),
        include_str!("../../../conf/entra-id.toml"),
        include_str!("../../../conf/keycloak.toml"),
    ] {
        let settings = Folder::with(text).read(&[]).unwrap();
        assert_eq!(settings.saml.len(), 1);
        assert!(!settings.saml[0].rights.admin.is_empty());
    }
}

#[cfg(not(feature = "saml"))]
#[test]
fn an_identity_provider_needs_a_program_that_was_built_for_it() {
    let fault = fault_of("[[saml]]\nname = \"idp\"\nmetadata = \"idp.xml\"\n");
    assert!(fault.starts_with("saml: this program was built without the feature “saml”"), "{fault}");
}
