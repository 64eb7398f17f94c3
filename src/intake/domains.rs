//! Whether the domain of an invitee can be meant: it may be invited, is not misspelt, exists, and takes mail.
//!
//! The DNS is asked for all domains of a message at once, by the session's own task, which waits for nobody else and
//! holds up nobody else. Silence never refuses: what has not answered in time, or could not even be asked, passes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::base::address::{Address, Domain};
use crate::config::Guests;
use crate::intake::refusal::Refusal;
use crate::intake::spelling;
use crate::net::resolver::{DnsFault, MailHosts, Resolver};

/// Questions at once, of all messages together: what one process may ask of a name server without being a nuisance.
const QUESTIONS_MAX: usize = 256;

/// Judges the domains of invitees. Cheap to clone.
#[derive(Clone)]
pub struct Domains {
    resolver: Arc<dyn Resolver>,
    places: Arc<Semaphore>,
    rules: Guests,
    within: Duration,
}

/// What the DNS says of a domain that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Missing,
    TakesNoMail,
}

impl Domains {
    /// `within` bounds the wait for all answers together.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>, rules: Guests, within: Duration) -> Self {
        Self { resolver, places: Arc::new(Semaphore::new(QUESTIONS_MAX)), rules, within }
    }

    /// Whether all of these people can be invited, as far as their domains tell.
    ///
    /// # Errors
    /// The refusal of the first who cannot.
    pub async fn check(&self, invitees: &[&Address]) -> Result<(), Refusal> {
        invitees.iter().try_for_each(|invitee| self.permit(invitee))?;
        if !self.rules.must_exist {
            return Ok(());
        }
        let flaws = self.ask(invitees).await;
        invitees.iter().try_for_each(|&invitee| match flaws.get(invitee.domain()) {
            None => Ok(()),
            Some(Flaw::Missing) => Err(Refusal::NoSuchDomain(invitee.clone())),
            Some(Flaw::TakesNoMail) => Err(Refusal::TakesNoMail(invitee.clone())),
        })
    }

    /// What can be told without asking anybody.
    fn permit(&self, invitee: &Address) -> Result<(), Refusal> {
        let Guests { allowed, blocked, typing_errors, .. } = &self.rules;
        let listed = |list: &[Domain]| list.iter().any(|listed| invitee.domain().is_within(listed));
        if listed(blocked) {
            return Err(Refusal::BlockedDomain(invitee.clone()));
        }
        if !allowed.is_empty() {
            // The admin has spelt those.
            return if listed(allowed) { Ok(()) } else { Err(Refusal::NotAllowedDomain(invitee.clone())) };
        }
        let meant = spelling::meant(invitee.domain()).filter(|_| *typing_errors).and_then(Domain::parse);
        match meant {
            None => Ok(()),
            Some(meant) => Err(Refusal::Misspelt {
                written: invitee.clone(),
                meant: Address::new(invitee.local().clone(), meant),
            }),
        }
    }

    /// The flaws of those domains that have one. Each domain is asked for once.
    async fn ask(&self, invitees: &[&Address]) -> BTreeMap<Domain, Flaw> {
        let domains: BTreeSet<&Domain> = invitees.iter().map(|invitee| invitee.domain()).collect();
        let questions = domains.into_iter().map(|domain| async move {
            let flaw = timeout(self.within, self.flaw(domain)).await.unwrap_or_else(|_| {
                tracing::info!(%domain, "the DNS did not answer in time; the invitation passes");
                None
            });
            flaw.map(|flaw| (domain.clone(), flaw))
        });
        join_all(questions).await.into_iter().flatten().collect()
    }

    async fn flaw(&self, domain: &Domain) -> Option<Flaw> {
        let _place = self.places.acquire().await.ok()?;
        match self.resolver.mail_hosts(domain).await {
            Ok(MailHosts::Hosts(hosts)) => match hosts.as_slice() {
                [only] if only.name == domain.as_str() => self.without_mx(domain).await,
                _ => None,
            },
            Ok(MailHosts::NullMx) => Some(Flaw::TakesNoMail),
            Err(DnsFault::NoSuchDomain) => Some(Flaw::Missing),
            Err(fault @ DnsFault::Temporary(_)) => {
                tracing::info!(%domain, %fault, "the invitation passes");
                None
            }
        }
    }

    /// A domain without MX takes mail itself (RFC 5321 §5.1), if it has an address at all.
    async fn without_mx(&self, domain: &Domain) -> Option<Flaw> {
        match self.resolver.addresses(domain.as_str()).await {
            Ok(addresses) => addresses.is_empty().then_some(Flaw::TakesNoMail),
            Err(DnsFault::NoSuchDomain) => Some(Flaw::Missing),
            Err(fault @ DnsFault::Temporary(_)) => {
                tracing::info!(%domain, %fault, "the invitation passes");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use crate::net::resolver::{Answer, FixedZone, MailHost};

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<Address> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn listed(texts: &[&str]) -> Vec<Domain> {
        texts.iter().map(|text| Domain::parse(text).unwrap()).collect()
    }

    fn zone() -> FixedZone {
        let hosts = MailHosts::Hosts(vec![MailHost::new(10, "mx.partner.example")]);
        FixedZone {
            mx: [("partner.example".to_owned(), hosts), ("mute.example".to_owned(), MailHosts::NullMx)]
                .into(),
            addresses: [
                ("small.example".to_owned(), vec![[192, 0, 2, 1].into()]),
                ("web.example".to_owned(), Vec::new()),
            ]
            .into(),
            silent: ["silent.example".to_owned()].into(),
            ..FixedZone::default()
        }
    }

    async fn check(rules: Guests, invitees: &[&str]) -> Result<(), Refusal> {
        let invitees = addresses(invitees);
        let domains = Domains::new(Arc::new(zone()), rules, Duration::from_secs(5));
        domains.check(&invitees.iter().collect::<Vec<_>>()).await
    }

    #[tokio::test]
    async fn the_first_flaw_in_the_order_of_the_envelope_is_named() {
        let [kim, lee, mo] = ["kim@partner.example", "lee@nowhere.example", "mo@mute.example"];
        let rules = Guests::default;
        assert_eq!(check(rules(), &[kim, "ann@silent.example"]).await, Ok(()));
        assert_eq!(check(rules(), &[kim, lee, mo]).await, Err(Refusal::NoSuchDomain(lee.parse().unwrap())));
        assert_eq!(check(rules(), &[mo, lee]).await, Err(Refusal::TakesNoMail(mo.parse().unwrap())));
        assert_eq!(check(Guests { must_exist: false, ..rules() }, &[lee, mo]).await, Ok(()));
    }

    #[tokio::test]
    async fn without_mx_a_domain_needs_an_address() {
        let web = "kim@web.example".parse().unwrap();
        assert_eq!(check(Guests::default(), &["kim@small.example"]).await, Ok(()));
        assert_eq!(check(Guests::default(), &["kim@web.example"]).await, Err(Refusal::TakesNoMail(web)));
    }

    #[tokio::test]
    async fn lists_count_for_what_lies_below_and_blocked_wins() {
        let rules = Guests {
            allowed: listed(&["partner.example"]),
            blocked: listed(&["old.partner.example"]),
            must_exist: false,
            ..Guests::default()
        };
        assert_eq!(check(rules.clone(), &["a@partner.example", "a@eu.partner.example"]).await, Ok(()));
        let [other, old]: [Address; 2] =
            ["a@otherpartner.example", "a@x.old.partner.example"].map(|text| text.parse().unwrap());
        assert_eq!(
            check(rules.clone(), &["a@otherpartner.example"]).await,
            Err(Refusal::NotAllowedDomain(other))
        );
        assert_eq!(check(rules, &["a@x.old.partner.example"]).await, Err(Refusal::BlockedDomain(old)));
    }

    #[tokio::test]
    async fn a_typing_error_is_refused_unless_the_admin_has_typed_it() {
        let rules = Guests { must_exist: false, ..Guests::default() };
        let refusal = check(rules.clone(), &["kim@gmial.com"]).await.unwrap_err();
        assert!(refusal.to_string().contains("did you mean kim@gmail.com?"), "{refusal}");
        assert_eq!(check(Guests { typing_errors: false, ..rules.clone() }, &["kim@gmial.com"]).await, Ok(()));
        assert_eq!(
            check(Guests { allowed: listed(&["gmial.com"]), ..rules }, &["kim@gmial.com"]).await,
            Ok(())
        );
    }

    /// A name server that never answers.
    struct Silence;

    impl Resolver for Silence {
        fn mail_hosts<'a>(&'a self, _: &'a Domain) -> Answer<'a, MailHosts> {
            Box::pin(future::pending())
        }

        fn addresses<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<std::net::IpAddr>> {
            Box::pin(future::pending())
        }

        fn texts<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
            Box::pin(future::pending())
        }
    }

    #[tokio::test]
    async fn a_name_server_that_never_answers_refuses_nobody_and_asks_for_all_at_once() {
        let names: Vec<String> = (0..1000).map(|number| format!("kim@partner{number}.example")).collect();
        let invitees = addresses(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let within = Duration::from_millis(20);
        let domains = Domains::new(Arc::new(Silence), Guests::default(), within);
        let invitees: Vec<&Address> = invitees.iter().collect();
        let checked = domains.check(&invitees);
        // One after another it would take 20 seconds.
        assert_eq!(timeout(Duration::from_secs(10), checked).await, Ok(Ok(())));
        assert_eq!(domains.places.available_permits(), QUESTIONS_MAX);
    }
}
