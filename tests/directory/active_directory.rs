//! Staff who are in an Active Directory send and invite. One domain for all, for it takes its time to be made.

use std::sync::Arc;
use std::time::Duration;

use postern::auth::directory::{Directory, Whom};
use postern::auth::ldap::LdapDirectory;
use postern::base::address::Domain;
use postern::base::clock::{Clock, SystemClock};

use crate::cases::{Cases, case};
use crate::check;
use crate::openldap::house_with;
use crate::samba::{PASSWORD, Samba, ZOES_PASSWORD};
use crate::service::free_port;

const ANN: &str = "ann@corp.example";
const BEN: &str = "ben@corp.example";
const SERVER: &str = "Samba AD";

/// Exchange's own attribute is in no directory without Exchange; this one is of the same form.
const DELEGATES: &str = "[directory.attributes]\ndelegates = \"secretary\"";

#[tokio::test(flavor = "multi_thread")]
async fn staff_of_a_domain() {
    let Some(mut samba) = Samba::start() else { return };
    for (server, url) in [("Samba AD, LDAPS", samba.tls_url()), ("Samba AD, StartTLS", samba.url())] {
        let house = house_with(samba.settings(&[&url], "")).await;
        let cases = Cases { house: &house, server };
        cases.signs_in("search and bind", "ann", PASSWORD, "235").await;
        cases.signs_in("wrong password", "ann", "A heron at the mill", "535 5.7.8").await;
        house.close().await;
    }
    let gone = format!("ldaps://localhost:{}", free_port());
    let house = house_with(samba.settings(&[&gone, &samba.tls_url()], DELEGATES)).await;
    let cases = Cases { house: &house, server: SERVER };
    names_and_passwords(cases).await;
    rights_and_addresses(cases).await;
    what_is_wrong_is_found(&samba);
    people_as_they_are(&samba).await;
    samba.stop();
    cases.signs_in("the domain controller is down", "ann", PASSWORD, "454 4.7.0").await;
    cases.relays("the domain controller is down", ANN, "454 4.7.0").await;
    cases.portal("the domain controller is down", "ann", PASSWORD, 503, "Passwords cannot be checked").await;
    house.close().await;
}

async fn names_and_passwords(cases: Cases<'_>) {
    for (what, name, password) in [
        ("user name, the first server of two is down", "ann", PASSWORD),
        ("DOMAIN\\name", "CORP\\Ann", PASSWORD),
        ("user principal name", ANN, PASSWORD),
        ("user principal name that is no address", "bb@mail.corp.example", PASSWORD),
        ("address in proxyAddresses", "press@corp.example", PASSWORD),
        ("entry with a comma, brackets and a star", "gus", PASSWORD),
        ("password outside ASCII", "zoe", ZOES_PASSWORD),
    ] {
        cases.signs_in(what, name, password, "235").await;
    }
    for (what, name, password) in [
        ("wrong password", "ann", "A heron at the mill"),
        ("unknown name", "nobody", PASSWORD),
        ("a star in the name", "an*", PASSWORD),
        ("a filter for a name", "ann)(cn=*", PASSWORD),
        ("disabled", "cleo", PASSWORD),
        ("must change the password first", "emil", PASSWORD),
        ("past the account's last day", "flora", PASSWORD),
        ("no mail address", "nomail", PASSWORD),
    ] {
        cases.signs_in(what, name, password, "535 5.7.8").await;
    }
    cases.signs_in("right password, before three wrong ones", "hugo", PASSWORD, "235").await;
    for _ in 0..3 {
        cases.signs_in("one of three guesses", "hugo", "one of many guesses", "535 5.7.8").await;
    }
    cases.signs_in("locked by guesses", "hugo", PASSWORD, "535 5.7.8").await;
    cases.portal("right password", "ann", PASSWORD, 303, "").await;
    cases.portal("disabled", "cleo", PASSWORD, 422, "do not belong together").await;
    cases.page("in the group that may administer", "ann", PASSWORD, "/admin/people", 200).await;
    cases.page("not in it", "gus", PASSWORD, "/admin/people", 403).await;
}

async fn rights_and_addresses(cases: Cases<'_>) {
    for (what, from, wanted) in [
        ("mail address", ANN, "250"),
        ("address in proxyAddresses", "press@corp.example", "250"),
        ("in a group within a group", BEN, "250"),
        ("in no group", "gus@corp.example", "550 5.7.1"),
        ("in a group, but disabled", "cleo@corp.example", "550 5.7.1"),
        ("in a group, but past the last day", "flora@corp.example", "550 5.7.1"),
        ("unknown address", "nobody@corp.example", "550 5.7.1"),
    ] {
        cases.relays(what, from, wanted).await;
    }
    cases.invites("address in proxyAddresses", "ann", PASSWORD, "press@corp.example", "250").await;
    cases.invites("in a group within a group", "ben", PASSWORD, BEN, "250").await;
    cases.invites("in no group", "gus", PASSWORD, "gus@corp.example", "550 5.7.1").await;
    cases.invites("for a superior, as a delegate", "ann", PASSWORD, BEN, "250").await;
    cases.invites("for a colleague, not as a delegate", "ben", PASSWORD, ANN, "550 5.7.1").await;
}

fn what_is_wrong_is_found(samba: &Samba) {
    let url = samba.tls_url();
    let good = Samba::section(&[&url], "");
    let report = check::said(samba.folder(), &good);
    assert_eq!(check::of_directory(&report), [check::answers(&format!("{url}:636"))], "{report}");
    let example = check::example(include_str!("../../conf/active-directory.toml"))
        .replace("\"ldaps://dc1.corp.example\", \"ldaps://dc2.corp.example\"", &format!("{url:?}"))
        .replace("CN=Postern Inviters,OU=Groups", "CN=Inviters,CN=Users")
        .replace("CN=Postern Admins,OU=Groups", "CN=Gate Keepers,CN=Users");
    let report = check::said(samba.folder(), &example);
    let said = check::of_directory(&report).join("");
    case(SERVER, "postern check of conf/active-directory.toml", said, check::answers(&format!("{url}:636")));
    for (section, key, words) in [
        (good.replace("\"service-password\"", "\"ca.pem\""), "directory.bind_dn", "wrong password"),
        (good.replace("\"postern@corp", "\"cleo@corp"), "directory.bind_dn", "sign-in (bind_dn) is refused"),
        (good.replace("trust = \"ca.pem\"", ""), "directory.trust", "an authority that is not trusted"),
        (good.replace("base = \"DC=corp", "base = \"DC=cork"), "directory.base", "DC=cork"),
        (good.replace("CN=Gate Keepers", "CN=Keepers"), "directory.groups.admin", "is not there"),
        (good.replace("CN=Gate Keepers", "CN=Domain Users"), "directory.groups.admin", "nobody is in"),
        (
            Samba::section(&[&url], "[directory.attributes]\nid = \"entryUUID\""),
            "directory.attributes.id",
            "entryUUID",
        ),
    ] {
        check::finds(SERVER, samba.folder(), &section, key, words);
    }
}

async fn people_as_they_are(samba: &Samba) {
    let domains = [Domain::parse("corp.example").unwrap()];
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let directory =
        LdapDirectory::new(&samba.settings(&[&samba.tls_url()], ""), &domains, clock.clone()).unwrap();
    let ann = directory.find(Whom::Name("ann")).await.unwrap().unwrap();
    assert_eq!(ann.address.to_string(), ANN);
    assert_eq!(ann.aliases.iter().map(ToString::to_string).collect::<Vec<_>>(), ["press@corp.example"]);
    assert_eq!(ann.id.as_ref().map(String::len), Some(32), "a GUID in hexadecimal");
    let rights = directory.rights(&ann).await.unwrap();
    assert!(rights.invite && rights.admin);
    for (name, is_barred) in [("cleo", true), ("flora", true), ("emil", false)] {
        assert_eq!(directory.find(Whom::Name(name)).await.unwrap().unwrap().is_barred, is_barred, "{name}");
    }
    let server = &directory.servers()[0];
    assert_eq!(directory.probe(server, clock.now()).await, []);
    let findings = directory.probe(server, clock.now() + Duration::from_hours(1)).await;
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    case(
        SERVER,
        "postern check, our clock an hour ahead",
        finding.problem.split(" by ").next().unwrap(),
        "its clock and ours differ",
    );
}
