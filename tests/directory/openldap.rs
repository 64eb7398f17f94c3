//! Staff who are in an OpenLDAP directory send and invite.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use postern::auth::directory::{Directory as _, Whom};
use postern::auth::ldap::LdapDirectory;
use postern::base::address::Domain;
use postern::base::clock::SystemClock;
use postern::config::{Directory, Listener, Role, TlsMode};

use crate::cases::{Cases, KIM, case};
use crate::harness::house::{ALICE, House, INVITE, LINK, PASSWORD as LOCAL_PASSWORD};
use crate::harness::letter::Letter;
use crate::harness::reading::Arrived;
use crate::slapd::{PASSWORD, Slapd, ZOES_PASSWORD};

const DORA: &str = "dora@corp.example";
const FRED: &str = "fred@corp.example";
const OFFICE: &str = "office@corp.example";
/// What is asked for is asked anew each time.
const UNCACHED: &str = "cache = \"0 seconds\"";
const SERVER: &str = "OpenLDAP";

/// A house whose staff are in this directory, but for Alice and Bob; with a listener for the mail server beside it.
pub async fn house_with(directory: Directory) -> House {
    House::open_with(|settings| {
        settings.directory = Some(directory);
        settings.listeners.push(Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: TlsMode::None,
            proxy_from: Vec::new(),
            role: Role::Relay { trusted: vec!["127.0.0.0/8".parse().unwrap()] },
        });
    })
    .await
}

async fn house(slapd: &Slapd, urls: &[&str], more: &str) -> House {
    house_with(slapd.settings(urls, more)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_sign_in_and_invite_by_both_ways_of_tls() {
    let Some(slapd) = Slapd::start() else { return };
    for (server, url) in [("OpenLDAP, StartTLS", slapd.url()), ("OpenLDAP, LDAPS", slapd.tls_url())] {
        let house = house(&slapd, &[&url], "").await;
        let cases = Cases { house: &house, server };
        cases.signs_in("search and bind", "dora", PASSWORD, "235").await;
        let alias = "Dora Dale <d.dale@corp.example>";
        let mut client = house.secure_client().await;
        client.sign_in("dora", PASSWORD).await.assert(235);
        let letter = Letter::new("Plans").from(alias).to(KIM).cc(INVITE);
        client.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert(250);
        client.quit().await;
        let arrived = house.hop.wait_for_mail_to(KIM).await;
        let arrived = Arrived::new(&arrived.octets);
        arrived.link(LINK);
        cases.case("AUTH, then an invitation: its From", arrived.field("From").unwrap(), alias);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whom_another_server_keeps_is_nobody_here() {
    let Some(slapd) = Slapd::start() else { return };
    slapd.modify(
        "dn: ou=branch,dc=corp,dc=example\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\n\
         ou: branch\nref: ldap://ldap.branch.example/ou=branch,dc=corp,dc=example\n",
    );
    let domains = [Domain::parse("corp.example").unwrap()];
    let settings = slapd.settings(&[&slapd.url()], "");
    let directory = LdapDirectory::new(&settings, &domains, Arc::new(SystemClock)).unwrap();
    for elsewhere in ["uid=chief,ou=branch,dc=corp,dc=example", "uid=gone,ou=people,dc=corp,dc=example"] {
        assert_eq!(directory.find(Whom::Entry(elsewhere)).await.unwrap(), None, "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_a_person_and_only_the_right_password() {
    let Some(slapd) = Slapd::start() else { return };
    slapd.add_twins();
    let directory = slapd.settings(&[&slapd.url()], "[directory.attributes]\ndisabled = \"employeeType\"");
    let house = house_with(directory).await;
    let cases = Cases { house: &house, server: SERVER };
    for (what, name, password) in [
        ("user name", "dora", PASSWORD),
        ("user name with spaces and capitals", " Dora ", PASSWORD),
        ("DOMAIN\\name", "CORP\\dora", PASSWORD),
        ("mail address", DORA, PASSWORD),
        ("further mail address", "d.dale@corp.example", PASSWORD),
        ("name with brackets", "gus(it)", PASSWORD),
        ("address of an entry with a comma, brackets and a star", "gus.o'neil@corp.example", PASSWORD),
        ("password outside ASCII", "zoe", ZOES_PASSWORD),
    ] {
        cases.signs_in(what, name, password, "235").await;
    }
    for (what, name, password) in [
        ("wrong password", "dora", "a heron at the mill"),
        ("unknown name", "nobody", PASSWORD),
        ("a star for a name", "*", PASSWORD),
        ("a filter for a name", "dora)(uid=*", PASSWORD),
        ("a star in the name", "do*a", PASSWORD),
        ("locked for good", "locked", PASSWORD),
        ("must change the password first", "must", PASSWORD),
        ("the password has expired", "faded", PASSWORD),
        ("disabled by an attribute", "leon", PASSWORD),
        ("two people of one name", "twin", PASSWORD),
        ("no address of the organisation", "outside", PASSWORD),
        ("the same, by that address", "olga@else.example", PASSWORD),
        // The account that is here already wins over the one in the directory.
        ("a local account has the address", "alice", PASSWORD),
        ("the same, by that address", ALICE, PASSWORD),
    ] {
        cases.signs_in(what, name, password, "535 5.7.8").await;
    }
    let mut client = house.secure_client().await;
    client.log_in("dora", "").await.assert_says("5", "");
    client.quit().await;
    cases.signs_in("local account", ALICE, LOCAL_PASSWORD, "235").await;
    cases.portal("right password", "dora", PASSWORD, 303, "").await;
    cases.portal("wrong password", "dora", "a heron", 422, "do not belong together").await;
    cases.portal("locked for good", "locked", PASSWORD, 422, "do not belong together").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_within_groups_give_rights_and_take_them_at_once() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.url()], UNCACHED).await;
    let cases = Cases { house: &house, server: SERVER };
    cases.invites("in a group three deep", "fred", PASSWORD, FRED, "250").await;
    cases.invites("in no group", "erik", PASSWORD, "erik@corp.example", "550 5.7.1").await;
    cases.page("in the group that may administer", "dora", PASSWORD, "/admin/people", 200).await;
    cases.page("not in it", "fred", PASSWORD, "/admin/people", 403).await;
    slapd.modify(
        "dn: cn=department,ou=groups,dc=corp,dc=example\nchangetype: modify\ndelete: member\n\
         member: uid=fred,ou=people,dc=corp,dc=example\n",
    );
    cases.invites("taken out of the group a moment ago", "fred", PASSWORD, FRED, "550 5.7.1").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_write_in_their_own_name_and_for_whom_the_directory_says() {
    let Some(slapd) = Slapd::start() else { return };
    for (is_asked, wanted) in [(true, "250"), (false, "550 5.7.1")] {
        let named = if is_asked { "[directory.attributes]\ndelegates = \"secretary\"" } else { "" };
        let house = house(&slapd, &[&slapd.url()], named).await;
        let cases = Cases { house: &house, server: SERVER };
        let what = if is_asked { "for a shared mailbox, as a delegate" } else { "delegates not asked for" };
        cases.invites(what, "fred", PASSWORD, OFFICE, wanted).await;
        cases.invites("for a colleague, not as a delegate", "fred", PASSWORD, DORA, "550 5.7.1").await;
        cases.invites("for a shared mailbox of others", "dora", PASSWORD, OFFICE, "550 5.7.1").await;
        cases.invites("for a local account", "dora", PASSWORD, ALICE, "550 5.7.1").await;
        cases.invites("for somebody outside", "fred", PASSWORD, KIM, "550 5.7.1").await;
        cases.invites("further mail address", "dora", PASSWORD, "d.dale@corp.example", "250").await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_speaks_for_people_in_the_directory() {
    let Some(slapd) = Slapd::start() else { return };
    slapd.add_twins();
    let house = house(&slapd, &[&slapd.tls_url()], UNCACHED).await;
    let cases = Cases { house: &house, server: SERVER };
    for (what, from, wanted) in [
        ("mail address", DORA, "250"),
        ("further mail address", "d.dale@corp.example", "250"),
        ("in a group three deep", FRED, "250"),
        ("in no group", "erik@corp.example", "550 5.7.1"),
        ("locked for good", "locked@corp.example", "550 5.7.1"),
        ("unknown address", "nobody@corp.example", "550 5.7.1"),
        ("two people of one address", "twin@corp.example", "550 5.7.1"),
        ("not of the organisation", "olga@else.example", "550 5.7.1"),
    ] {
        cases.relays(what, from, wanted).await;
    }
    slapd.modify(
        "dn: uid=dora,ou=people,dc=corp,dc=example\nchangetype: modify\nadd: pwdAccountLockedTime\n\
         pwdAccountLockedTime: 000001010000Z\n",
    );
    cases.relays("locked a moment ago", DORA, "550 5.7.1").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_is_a_temporary_failure_and_the_next_server_takes_over() {
    let Some(mut slapd) = Slapd::start() else { return };
    // The first of the two listens no more: nobody is kept waiting by it.
    let gone = format!("ldaps://localhost:{}", crate::service::free_port());
    let house = house(&slapd, &[&gone, &slapd.tls_url()], UNCACHED).await;
    let cases = Cases { house: &house, server: SERVER };
    cases.signs_in("the first server of two is down", "dora", PASSWORD, "235").await;

    let mut signed_in = house.secure_client().await;
    signed_in.sign_in("dora", PASSWORD).await.assert(235);
    slapd.stop();
    cases.signs_in("all servers are down", "dora", PASSWORD, "454 4.7.0").await;
    cases.signs_in("the same, wrong password", "dora", "a heron", "454 4.7.0").await;
    cases.relays("all servers are down", DORA, "454 4.7.0").await;
    cases.portal("all servers are down", "dora", PASSWORD, 503, "Passwords cannot be checked").await;
    // Accounts that are made here need no directory; nor does who was vouched for a moment ago.
    cases.signs_in("the same, a local account", ALICE, LOCAL_PASSWORD, "235").await;
    let letter = Letter::new("Plans").from(DORA).to(KIM).cc(INVITE);
    signed_in.mail(DORA, &[KIM, INVITE], &letter.octets()).await.assert(250);
    signed_in.quit().await;

    slapd.go();
    cases.relays("up again", DORA, "250").await;
    cases.signs_in("up again", "dora", PASSWORD, "235").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_prove_its_name_hears_no_password() {
    let Some(mut slapd) = Slapd::start() else { return };
    let good = Slapd::section(&[&slapd.tls_url()], "");
    for (what, section) in [
        // The certificate says localhost: by its number the server is somebody else.
        ("its certificate is for another name", good.replace("localhost", "127.0.0.1")),
        ("its certificate is of an unknown authority", good.replace("trust = \"ca.pem\"", "")),
        ("it does not take our own sign-in", good.replace("\"service-password\"", "\"ca.pem\"")),
        ("its certificate has expired", good.clone()),
    ] {
        if what.ends_with("expired") {
            slapd.show_expired_certificate();
        }
        let house = house_with(slapd.read(&section)).await;
        let cases = Cases { house: &house, server: SERVER };
        cases.signs_in(what, "dora", PASSWORD, "454 4.7.0").await;
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_the_directory_refers_to_is_not_asked() {
    let Some(slapd) = Slapd::start() else { return };
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    slapd.modify(&format!(
        "dn: cn=elsewhere,ou=people,dc=corp,dc=example\nchangetype: add\nobjectClass: referral\n\
         objectClass: extensibleObject\ncn: elsewhere\nref: ldap://{}/ou=people,dc=elsewhere,dc=example\n",
        stranger.local_addr().unwrap()
    ));
    let house = house(&slapd, &[&slapd.url()], "").await;
    let cases = Cases { house: &house, server: SERVER };
    cases.signs_in("a part of the directory is elsewhere", "dora", PASSWORD, "235").await;
    cases.signs_in("the same, unknown name", "nobody", PASSWORD, "535 5.7.8").await;
    let knocked = stranger.accept().is_ok();
    case(SERVER, "connections to where a referral points", usize::from(knocked), 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_throttled_before_the_directory_locks_the_person() {
    let Some(slapd) = Slapd::start() else { return };
    let house = house(&slapd, &[&slapd.url()], "").await;
    let cases = Cases { house: &house, server: SERVER };
    // One guess fewer than would lock the account in the directory.
    for name in ["dora", DORA] {
        cases.signs_in("one of many guesses", name, "one of many guesses", "535 5.7.8").await;
    }
    cases.signs_in("right password after two guesses", "dora", PASSWORD, "235").await;
    for _ in 0..3 {
        cases.signs_in("one of many guesses", "erik", "one of many guesses", "535 5.7.8").await;
    }
    cases.signs_in("locked by guesses", "erik", PASSWORD, "535 5.7.8").await;
    house.close().await;
}
