//! Envelopes and headers, and what they say.

use super::*;
use crate::base::mailbox::Mailbox;

/// What an envelope says, with these addresses in To.
fn sort_with(recipients: &[&str], to: &[&str], read_headers: bool) -> Result<Sorted, Refusal> {
    let invite = Invite {
        domain: Domain::parse("invite.corp.example"),
        read_headers,
        ..Invite::at(vec![
            "invite@corp.example".parse().unwrap(),
            "guests+new@corp.example".parse().unwrap(),
            "welcome@invite.corp.example".parse().unwrap(),
        ])
    };
    let domains = [Domain::parse("corp.example").unwrap()];
    let recipients: Vec<_> = recipients
        .iter()
        .map(|text| Recipient { address: text.parse().unwrap(), parameters: RcptParameters::default() })
        .collect();
    let to = to.iter().map(|text| Mailbox::from(text.parse::<Address>().unwrap())).collect();
    let languages = [Language::ENGLISH, Language::parse("de").unwrap()].into();
    Sorter { invite: &invite, domains: &domains, languages: &languages }
        .sort(&recipients, &Facts { to, ..Facts::default() })
}

fn sort(recipients: &[&str]) -> Result<Sorted, Refusal> {
    sort_with(recipients, &[], true)
}

fn listed(sorted: Result<Sorted, Refusal>) -> Guestlist {
    let Ok(Sorted::Invitation(list)) = sorted else { panic!("{sorted:?}") };
    list
}

fn names(side: &[Recipient]) -> Vec<String> {
    side.iter().map(|recipient| recipient.address.to_string()).collect()
}

fn invitation(recipients: &[&str]) -> (Vec<String>, Vec<String>) {
    let list = listed(sort(recipients));
    (names(&list.invitees), names(&list.courtesy))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn without_an_invite_address_it_is_ordinary_mail() {
    assert!(matches!(sort(&["kim@partner.example", "invited@corp.example"]), Ok(Sorted::Ordinary)));
}

#[test]
fn everybody_outside_is_invited_and_colleagues_get_a_copy() {
    assert_eq!(
        invitation(&["kim@partner.example", "Invite@Corp.Example", "bo@corp.example", "li@other.example"]),
        (owned(&["kim@partner.example", "li@other.example"]), owned(&["bo@corp.example"]))
    );
}

#[test]
fn the_last_equals_sign_of_a_tag_is_the_at() {
    assert_eq!(invitation(&["invite+a=b=partner.example@corp.example"]).0, owned(&["a=b@partner.example"]));
}

#[test]
fn one_person_written_twice_is_invited_once() {
    assert_eq!(
        invitation(&["Kim@partner.example", "invite+kim=partner.example@corp.example"]).0,
        owned(&["Kim@partner.example"])
    );
}

#[test]
fn an_unknown_tag_is_refused_by_name() {
    let refusal = sort(&["kim@partner.example", "invite+recepit@corp.example"]).unwrap_err();
    assert!(refusal.to_string().starts_with("“+recepit” in invite+recepit@corp.example is not known"));
    assert!(matches!(sort(&["invite+kim=@corp.example"]), Err(Refusal::BadTag { .. })));
}

#[test]
fn a_lifetime_within_the_bounds_may_be_asked_for_and_the_shortest_counts() {
    let lifespan = |recipients: &[&str]| listed(sort(recipients)).wishes.lifespan;
    let kim = "kim@partner.example";
    assert_eq!(lifespan(&[kim, "invite+30d@corp.example"]), Some(Lifespan::days(30)));
    assert_eq!(lifespan(&[kim, "invite+30d+7d@corp.example"]), Some(Lifespan::days(7)));
    assert_eq!(
        lifespan(&[kim, "invite+30d@corp.example", "Guests+New+2D@corp.example"]),
        Some(Lifespan::days(2))
    );
    assert_eq!(lifespan(&[kim, "guests+new@corp.example"]), None);
    let refusal = sort(&[kim, "invite+91d@corp.example"]).unwrap_err();
    assert!(refusal.to_string().contains("between 1 and 90 days"), "{refusal}");
    let refusal = sort(&[kim, "invite+30d+soon@corp.example"]).unwrap_err();
    assert!(refusal.to_string().starts_with("“+soon” in"), "{refusal}");
    assert!(matches!(sort(&[kim, "invite+@corp.example"]), Err(Refusal::BadTag { .. })));
}

#[test]
fn a_suffixed_address_invites_whom_it_begins_with() {
    assert_eq!(
        invitation(&["kim+plans@partner.example.invite.corp.example", "bo@corp.example"]),
        (owned(&["kim+plans@partner.example"]), owned(&["bo@corp.example"]))
    );
    for faulty in ["kim@invite.corp.example", "kim@partner.invite.corp.example"] {
        let refusal = sort(&[faulty]).unwrap_err();
        assert!(refusal.to_string().contains("kim@partner.example.invite.corp.example"), "{refusal}");
    }
    // An invite address may lie in that domain.
    let forms = ["welcome@invite.corp.example", "welcome+li=other.example@invite.corp.example"];
    assert_eq!(invitation(&forms).0, owned(&["li@other.example"]));
    assert!(
        listed(sort(&["kim@partner.example", "welcome+9d@invite.corp.example"])).wishes.lifespan.is_some()
    );
    // Only whole labels are a suffix.
    assert!(matches!(sort(&["kim@partner.reinvite.corp.example"]), Ok(Sorted::Ordinary)));
}

#[test]
fn who_is_named_must_be_outside_and_no_invite_address() {
    for (recipient, expected) in [
        ("invite+bo=corp.example@corp.example", Refusal::Colleague("bo@corp.example".parse().unwrap())),
        ("bo@corp.example.invite.corp.example", Refusal::Colleague("bo@corp.example".parse().unwrap())),
        (
            "invite+invite=corp.example@corp.example",
            Refusal::InviteAddress("invite@corp.example".parse().unwrap()),
        ),
        (
            "invite+9d@corp.example.invite.corp.example",
            Refusal::InviteAddress("invite+9d@corp.example".parse().unwrap()),
        ),
        (
            "kim@partner.example.invite.corp.example.invite.corp.example",
            Refusal::InviteAddress("kim@partner.example.invite.corp.example".parse().unwrap()),
        ),
    ] {
        assert_eq!(sort(&["li@other.example", recipient]).unwrap_err(), expected, "{recipient}");
    }
}

#[test]
fn the_header_says_who_is_invited_where_the_envelope_does_not() {
    let to = ["kim@partner.example", "bo@corp.example", "KIM@partner.example", "invite@corp.example"];
    let list = listed(sort_with(&["invite+7d@corp.example"], &to, true));
    assert_eq!(names(&list.invitees), ["kim@partner.example"]);
    assert_eq!(names(&list.courtesy), [""; 0], "the server before us has given them theirs");
    assert_eq!(list.wishes.lifespan, Some(Lifespan::days(7)));
    assert_eq!(names(&listed(sort_with(&["invite@corp.example"], &to, false)).invitees), [""; 0]);

    // As soon as the envelope names anybody, it is right and the header is not.
    for other in ["li@other.example", "bo@corp.example", "invite+li=other.example@corp.example"] {
        let list = listed(sort_with(&["invite@corp.example", other], &to, true));
        assert!(!names(&list.invitees).contains(&owned(&to)[0]), "{other}");
    }
    assert!(matches!(sort_with(&["bo@corp.example"], &to, true), Ok(Sorted::Ordinary)));
}

#[test]
fn invite_addresses_of_others_change_in_the_header_too() {
    let to = [
        "kim@partner.example.invite.corp.example",
        "li@other.example.invite.corp.example",
        "invite+30d@corp.example",
    ];
    let list = listed(sort_with(&to[..1], &to, true));
    assert_eq!(names(&list.invitees), ["kim@partner.example"]);
    let pair = |text: &str, real: &str| (text.parse::<Address>().unwrap(), real.parse::<Address>().unwrap());
    assert!(list.readdress.replace.contains(&pair(to[1], "li@other.example")));
    assert!(list.readdress.remove.contains(&to[2].parse().unwrap()));
}

/// All forms at once, in every order, and each of them left out: always the same people.
#[test]
fn every_combination_of_forms_gives_each_person_one_link() {
    let forms = [
        ("kim@partner.example", Some("kim@partner.example"), false),
        ("invite@corp.example", None, true),
        ("invite+Kim=partner.example@corp.example", Some("kim@partner.example"), true),
        ("li@other.example.invite.corp.example", Some("li@other.example"), true),
        ("invite+li=OTHER.example@corp.example", Some("li@other.example"), true),
        ("bo@corp.example", None, false),
    ];
    for chosen in 1..1_u32 << forms.len() {
        let mut recipients: Vec<_> =
            (0..forms.len()).filter(|form| chosen >> form & 1 == 1).map(|form| forms[form]).collect();
        for _ in 0..recipients.len() {
            recipients.rotate_left(1);
            let addresses: Vec<&str> = recipients.iter().map(|(address, ..)| *address).collect();
            let sorted = sort(&addresses);
            if !recipients.iter().any(|(_, _, invites)| *invites) {
                assert!(matches!(sorted, Ok(Sorted::Ordinary)), "{addresses:?}");
                continue;
            }
            let list = listed(sorted);
            let expected: BTreeSet<&str> = recipients.iter().filter_map(|(_, person, _)| *person).collect();
            let mut invited: Vec<String> =
                list.invitees.iter().map(|recipient| recipient.address.key()).collect();
            invited.sort();
            assert_eq!(invited, expected.into_iter().collect::<Vec<_>>(), "{addresses:?}");
            assert_eq!(names(&list.courtesy).len(), usize::from(addresses.contains(&"bo@corp.example")));
        }
    }
}

#[test]
fn a_language_that_there_is_may_stand_in_the_tag() {
    let tagged = |tags: &[&str]| {
        let invite = tags.iter().map(|tag| format!("invite+{tag}@corp.example"));
        let all: Vec<_> = invite.chain(["kim@partner.example".to_owned()]).collect();
        sort(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let list = listed(tagged(&["30d+DE", "en"]));
    assert_eq!(
        (list.wishes.lifespan, list.wishes.language),
        (Some(Lifespan::days(30)), Language::parse("de"))
    );
    let list = listed(sort(&["invite@corp.example", "kim@partner.example"]));
    assert_eq!(list.wishes.language, None);
    assert!(matches!(tagged(&["fr"]), Err(Refusal::BadTag { tag, .. }) if tag == "fr"));
}
