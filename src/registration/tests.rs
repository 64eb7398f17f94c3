//! Activation, with everything below it real: books, queue, spool, templates, and the store's memory engine.

use std::path::PathBuf;

use mailparse::MailHeaderMap;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::*;
use crate::base::address::{Address, Domain};
use crate::base::clock::{Lifespan, ManualClock, Timestamp};
use crate::base::id::InvitationId;
use crate::base::language::Language;
use crate::invites::{Life, State};
use crate::mail::edit::Source;
use crate::store::spool::Spool;
use crate::template::{Shelf, Templates};

const PASSWORD: &str = "violet tractor seven";
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct House {
    registration: Registration,
    spool: Spool,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl House {
    fn open() -> Self {
        Self::with(&config::Registration::default())
    }

    fn with(settings: &config::Registration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage =
            config::Storage { reserve: 0, ..config::Storage::in_directory(folder.path().to_owned()) };
        let (store, spool) = Store::in_memory(&storage).unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_500_000_000)));
        let queue =
            Queue::open(store.clone(), spool.clone(), clock.clone(), &config::Relay::default()).unwrap();
        let server = config::Server {
            hostname: Domain::parse("gate.corp.example").unwrap(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            stop_within: Duration::ZERO,
        };
        let organisation = config::Organisation {
            name: "Harbour Ltd".to_owned(),
            domains: vec![Domain::parse("corp.example").unwrap()],
            notice_address: address("postern@corp.example"),
            language: Language::ENGLISH,
        };
        let web = config::Web {
            address: ([127, 0, 0, 1], 0).into(),
            public_url: "https://gate.corp.example".to_owned(),
            session_lifetime: Duration::from_hours(12),
            staff_networks: Vec::new(),
        };
        let shelf = Shelf::new(Templates::built_in());
        let notices =
            Notices::new(queue.clone(), spool.clone(), shelf, clock.clone(), &server, &organisation, &web);
        let invite = config::Invite::at(Vec::new());
        let switches = Switchboard::open(store.clone(), clock.clone(), &invite, settings).unwrap();
        let registration = Registration::new(
            store.clone(),
            Accounts::new(store.clone()),
            Invites::new(store),
            Passwords::new(4),
            notices,
            queue,
            clock.clone(),
            Rules::new(&organisation, &web, switches),
        );
        Self { registration, spool, clock, _folder: folder }
    }

    /// An invitation whose mail was handed over just now, and its link.
    async fn invite(&self, invitee: &str) -> (InvitationId, Token) {
        self.invite_by("Ann Berg", "ann@corp.example", invitee).await
    }

    async fn invite_by(&self, name: &str, inviter: &str, guest: &str) -> (InvitationId, Token) {
        let link = Token::fresh().unwrap();
        let invitation = Invitation {
            id: InvitationId::fresh(),
            inviter: Mailbox::named(name, address(inviter)),
            invitee: address(guest).into(),
            internal: false,
            subject: "Plans for the quay".to_owned(),
            message_id: Some("<m1@corp.example>".to_owned()),
            lifespan: Lifespan::days(14),
            created: self.clock.now(),
            state: State::Queued,
            life: Life::default(),
            language: None,
        };
        let mut batch = Batch::new();
        self.registration.invites.insert(&mut batch, &invitation, &link).unwrap();
        self.registration.store.commit(batch).await.unwrap();
        let stored = self.invitation(invitation.id);
        let mut batch = Batch::new();
        self.registration.invites.mark_sent(&mut batch, &stored, self.clock.now(), "250 Ok").unwrap();
        self.registration.store.commit(batch).await.unwrap();
        (invitation.id, link)
    }

    fn invitation(&self, id: InvitationId) -> Stored<Invitation> {
        self.registration.invites.by_id(id).unwrap().unwrap()
    }

    async fn answer(&self, link: &Token, name: &str, password: &str) -> Result<Answer, ActivationFault> {
        self.registration.activate(&link.hash(), name, &Secret::new(password), PEER).await
    }

    async fn activate(&self, link: &Token, name: &str, password: &str) -> Result<Activated, ActivationFault> {
        match self.answer(link, name, password).await? {
            Answer::Opened(activated) => Ok(activated),
            Answer::Applied(_) => panic!("nothing is to be verified here"),
        }
    }

    fn accounts(&self) -> Vec<Account> {
        self.registration.accounts.list(None, 100).unwrap()
    }

    /// What the queue holds, as (recipient, octets), in order of recipient.
    async fn mails(&self) -> Vec<(String, Vec<u8>)> {
        let mut mails = Vec::new();
        let mut claims = Vec::new();
        for _ in 0..self.registration.queue.len() {
            let claim = self.registration.queue.claim().await.unwrap();
            assert_eq!(claim.message.sender, crate::base::address::ReversePath::Null);
            let body = self.spool.open(&claim.message.body).unwrap();
            let octets = body.read(0..body.len()).unwrap().to_vec();
            assert!(octets[..usize::try_from(claim.message.header_len).unwrap()].ends_with(b"\r\n\r\n"));
            mails.extend(claim.envelopes().map(|envelope| (envelope.recipient.to_string(), octets.clone())));
            claims.push(claim);
        }
        mails.sort();
        mails
    }
}

#[tokio::test]
async fn a_link_becomes_an_account_that_is_signed_in() {
    let house = House::open();
    let (id, link) = house.invite("kim@partner.example").await;
    let activated = house.activate(&link, "  Kim Roe ", PASSWORD).await.unwrap();

    let account = &activated.account;
    assert_eq!(account.kind, Kind::Guest);
    assert_eq!(account.mailbox, Mailbox::named("Kim Roe", address("kim@partner.example")));
    assert_eq!(account.inviters, [Mailbox::named("Ann Berg", address("ann@corp.example"))]);
    assert_eq!(house.accounts(), std::slice::from_ref(account));
    let passwords = &house.registration.passwords;
    assert!(passwords.verify(&Secret::new(PASSWORD), account.credential.password()).await.unwrap());

    let now = house.clock.now();
    let (session, of) = house.registration.accounts.session(&activated.session.hash(), now).unwrap().unwrap();
    assert_eq!(&of, account);
    assert_eq!(session.ends, now + Duration::from_hours(12));
    assert!(
        matches!(house.invitation(id).value.state, State::Accepted { account: by, .. } if by == account.id)
    );
}

#[tokio::test]
async fn both_sides_are_told() {
    let house = House::open();
    let (_, link) = house.invite("kim@partner.example").await;
    house.activate(&link, "Kim <b>Roe</b>", PASSWORD).await.unwrap();

    let mails = house.mails().await;
    let [(to_inviter, accepted), (to_guest, welcome)] = mails.as_slice() else {
        panic!("{} mails", mails.len())
    };
    assert_eq!((to_inviter.as_str(), to_guest.as_str()), ("ann@corp.example", "kim@partner.example"));

    let accepted = mailparse::parse_mail(accepted).unwrap();
    let field = |name: &str| accepted.headers.get_first_value(name).unwrap();
    assert_eq!(field("Subject"), "Kim <b>Roe</b> has accepted your invitation");
    assert_eq!(field("From"), "\"Harbour Ltd\" <postern@corp.example>");
    assert_eq!(field("In-Reply-To"), "<m1@corp.example>");
    assert_eq!(field("References"), "<m1@corp.example>");
    assert_eq!(field("Auto-Submitted"), "auto-generated");
    let text = accepted.subparts[0].get_body().unwrap();
    assert!(text.contains("kim@partner.example") && text.contains("Plans for the quay"), "{text}");
    let html = accepted.subparts[1].get_body().unwrap();
    assert!(html.contains("&lt;b&gt;Roe") && !html.contains("<b>Roe"), "{html}");

    let welcome = mailparse::parse_mail(welcome).unwrap();
    assert_eq!(welcome.headers.get_first_value("Subject").unwrap(), "Your account with Harbour Ltd is open");
    assert_eq!(welcome.headers.get_first_value("In-Reply-To"), None);
    for part in &welcome.subparts {
        let body = part.get_body().unwrap();
        assert!(body.contains("https://gate.corp.example") && body.contains("ann@corp.example"), "{body}");
        assert!(!body.contains(PASSWORD) && !body.contains(link.reveal()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_post_the_same_link_at_once_one_gets_the_account() {
    let house = House::open();
    let (_, link) = house.invite("kim@partner.example").await;
    let mut crowd = JoinSet::new();
    for number in 0..8 {
        let (registration, hash) = (house.registration.clone(), link.hash());
        crowd.spawn(async move {
            registration.activate(&hash, &format!("Kim {number}"), &Secret::new(PASSWORD), PEER).await
        });
    }
    let (mut opened, mut used) = (0, 0);
    for outcome in crowd.join_all().await {
        match outcome {
            Ok(_) => opened += 1,
            Err(ActivationFault::Standing(standing)) if matches!(*standing, Standing::Used(_)) => used += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((opened, used), (1, 7));
    assert_eq!(house.accounts().len(), 1);
    assert_eq!(house.mails().await.len(), 2, "one notice to each side");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_invitations_of_one_person_make_one_account() {
    let house = House::open();
    let (_, one) = house.invite("kim@partner.example").await;
    let (_, other) = house.invite_by("Bo", "bo@corp.example", "Kim@Partner.example").await;
    let outcomes =
        tokio::join!(house.activate(&one, "Kim", PASSWORD), house.activate(&other, "Kim", PASSWORD));
    assert!(
        matches!(
            outcomes,
            (Ok(_), Err(ActivationFault::HasAccount)) | (Err(ActivationFault::HasAccount), Ok(_))
        ),
        "{outcomes:?}"
    );
    let accounts = house.accounts();
    let [account] = accounts.as_slice() else { panic!("{accounts:?}") };
    let mut inviters: Vec<String> =
        account.inviters.iter().map(|inviter| inviter.address.to_string()).collect();
    inviters.sort();
    assert_eq!(inviters, ["ann@corp.example", "bo@corp.example"]);
    let told: Vec<String> = house.mails().await.into_iter().map(|(recipient, _)| recipient).collect();
    assert_eq!(told.len(), 3, "each inviter, and a welcome: {told:?}");
}

#[tokio::test]
async fn a_guest_who_is_invited_again_keeps_the_password_and_gets_a_contact() {
    let house = House::open();
    let (_, first) = house.invite("kim@partner.example").await;
    let before = house.activate(&first, "Kim", PASSWORD).await.unwrap().account;
    let (id, second) = house.invite_by("Bo", "bo@corp.example", "kim@partner.example").await;
    let outcome = house.activate(&second, "Mallory", "another lamp tango").await;
    assert!(matches!(outcome, Err(ActivationFault::HasAccount)), "{outcome:?}");

    let after = house.accounts().remove(0);
    assert_eq!(after, before.with_inviter(&Mailbox::named("Bo", address("bo@corp.example"))));
    assert!(
        matches!(house.invitation(id).value.state, State::Accepted { account, .. } if account == before.id)
    );
    let again = house.activate(&second, "Kim", PASSWORD).await;
    assert!(
        matches!(&again, Err(ActivationFault::Standing(standing)) if matches!(**standing, Standing::Used(_))),
        "{again:?}"
    );
}

#[tokio::test]
async fn looking_changes_nothing_and_the_fifteenth_day_is_too_late() {
    let house = House::open();
    let (id, link) = house.invite("kim@partner.example").await;
    let before = house.invitation(id).version;
    for _ in 0..100 {
        assert!(matches!(house.registration.look(&link.hash()).unwrap(), Standing::Open(_)));
    }
    assert_eq!(house.invitation(id).version, before);

    house.clock.advance(Lifespan::days(14).duration() + Duration::from_millis(1));
    let outcome = house.activate(&link, "Kim", PASSWORD).await;
    assert!(
        matches!(&outcome, Err(ActivationFault::Standing(standing)) if matches!(**standing, Standing::Expired(_))),
        "{outcome:?}"
    );
    assert!(house.accounts().is_empty());
}

#[tokio::test]
async fn a_person_who_has_seen_the_page_is_noted_once() {
    let house = House::open();
    let (id, link) = house.invite("kim@partner.example").await;
    let first = house.clock.now();
    house.registration.opened(&link.hash()).await.unwrap();
    house.clock.advance(Duration::from_mins(1));
    house.registration.opened(&link.hash()).await.unwrap();
    assert!(matches!(house.invitation(id).value.state, State::Opened { at, .. } if at == first));
    house.registration.opened(&Token::fresh().unwrap().hash()).await.unwrap();
}

#[tokio::test]
async fn what_was_typed_wrong_is_named_and_changes_nothing() {
    let house = House::open();
    let (id, link) = house.invite("kim@partner.example").await;
    let before = house.invitation(id).version;
    for (name, fault) in [
        (" \t ", NameFault::Empty),
        (&"é".repeat(65), NameFault::TooLong),
        ("Kim\r\nBcc: eve@x.example", NameFault::Control),
        ("Kim\u{202e}elpmaxe.proc", NameFault::Control),
        ("\u{200b}", NameFault::Control),
    ] {
        let outcome = house.activate(&link, name, PASSWORD).await;
        assert!(matches!(&outcome, Err(ActivationFault::Name(found)) if *found == fault), "{outcome:?}");
    }
    for password in ["short", "password1", "violet harbour ltd tractor"] {
        let outcome = house.activate(&link, "Kim", password).await;
        assert!(matches!(outcome, Err(ActivationFault::Password(_))), "{outcome:?}");
    }
    assert_eq!(house.invitation(id).version, before);
    assert!(house.accounts().is_empty());
    assert!(house.activate(&link, &"é".repeat(64), PASSWORD).await.is_ok());
}
