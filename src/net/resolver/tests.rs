use std::collections::BTreeSet;

use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{A, AAAA, TXT};
use tokio::net::UdpSocket;

use super::*;

const LONG: Duration = Duration::from_secs(10);

/// What the name server of these tests says about a name.
fn zone(name: &str, kind: RecordType) -> Option<Result<Vec<RData>, ResponseCode>> {
    let mx = |preference, host: &str| RData::MX(MX::new(preference, Name::from_ascii(host).unwrap()));
    let records = match (name, kind) {
        ("partner.example.", RecordType::MX) => {
            vec![mx(20, "C.partner.example."), mx(10, "a.partner.example."), mx(10, "b.partner.example.")]
        }
        ("mute.example.", RecordType::MX) => vec![mx(0, ".")],
        ("muddled.example.", RecordType::MX) => vec![mx(0, "."), mx(5, "a.partner.example.")],
        ("a.partner.example.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 1))],
        ("a.partner.example.", RecordType::AAAA) => {
            vec![RData::AAAA(AAAA::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))]
        }
        ("key._domainkey.corp.example.", RecordType::TXT) => {
            vec![RData::TXT(TXT::new(vec!["v=DKIM1; ".to_owned(), "p=AbC".to_owned()]))]
        }
        ("four.example.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 4))],
        ("four.example." | "broken.example.", _) => return Some(Err(ResponseCode::ServFail)),
        ("silent.example.", _) => return None,
        ("bare.example.", _) => Vec::new(),
        _ => return Some(Err(ResponseCode::NXDomain)),
    };
    Some(Ok(records))
}

/// Answers from [`zone`] until the test ends.
async fn zone_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(&buffer[..length]).unwrap();
            let query = question.queries[0].clone();
            let Some(answer) = zone(&query.name().to_ascii().to_lowercase(), query.query_type()) else {
                continue;
            };
            let mut reply = Message::response(question.metadata.id, question.metadata.op_code);
            reply.metadata.recursion_available = true;
            reply.add_query(query.clone());
            match answer {
                Ok(records) => {
                    for data in records {
                        reply.add_answer(Record::from_rdata(query.name().clone(), 60, data));
                    }
                }
                Err(code) => reply.metadata.response_code = code,
            }
            socket.send_to(&reply.to_vec().unwrap(), client).await.unwrap();
        }
    });
    address
}

async fn resolver(within: Duration) -> HickoryResolver {
    HickoryResolver::asking(&[zone_server().await], within).unwrap()
}

#[test]
fn the_resolver_starts_whatever_the_system_has_to_say() {
    HickoryResolver::asking(&[], LONG).unwrap();
}

async fn hosts_of(resolver: &dyn Resolver, domain: &str) -> Result<MailHosts, DnsFault> {
    resolver.mail_hosts(&Domain::parse(domain).unwrap()).await
}

fn hosts(names: &[(u16, &str)]) -> MailHosts {
    MailHosts::Hosts(names.iter().map(|&(preference, name)| MailHost::new(preference, name)).collect())
}

#[tokio::test]
async fn lower_preference_comes_first_and_equal_ones_take_turns() {
    let resolver = resolver(LONG).await;
    let mut seen = BTreeSet::new();
    for _ in 0..64 {
        let MailHosts::Hosts(hosts) = hosts_of(&resolver, "partner.example").await.unwrap() else {
            panic!("no hosts")
        };
        assert_eq!(hosts[2].name, "c.partner.example");
        assert!(hosts[0].preference == hosts[1].preference && hosts[1].preference < hosts[2].preference);
        seen.insert(hosts);
    }
    assert_eq!(seen.len(), 2, "both orders of equals in 64 tries");
}

#[tokio::test]
async fn a_domain_without_mx_takes_its_own_mail() {
    let resolver = resolver(LONG).await;
    assert_eq!(hosts_of(&resolver, "bare.example").await, Ok(hosts(&[(0, "bare.example")])));
    assert_eq!(resolver.addresses("bare.example").await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_null_mx_counts_only_where_it_stands_alone() {
    let resolver = resolver(LONG).await;
    assert_eq!(hosts_of(&resolver, "mute.example").await, Ok(MailHosts::NullMx));
    assert_eq!(hosts_of(&resolver, "muddled.example").await, Ok(hosts(&[(5, "a.partner.example")])));
}

#[tokio::test]
async fn what_does_not_exist_is_told_from_what_nobody_answers() {
    let resolver = resolver(Duration::from_millis(300)).await;
    assert_eq!(hosts_of(&resolver, "gone.example").await, Err(DnsFault::NoSuchDomain));
    assert_eq!(resolver.addresses("gone.example").await, Err(DnsFault::NoSuchDomain));
    for domain in ["broken.example", "silent.example"] {
        let fault = hosts_of(&resolver, domain).await.unwrap_err();
        assert!(matches!(fault, DnsFault::Temporary(_)), "{domain}: {fault}");
    }
}

#[tokio::test]
async fn addresses_of_both_families_are_found_and_one_family_is_enough() {
    let resolver = resolver(LONG).await;
    let both: Vec<IpAddr> = vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    assert_eq!(resolver.addresses("a.partner.example").await.unwrap(), both);
    assert_eq!(resolver.addresses("four.example").await.unwrap(), ["192.0.2.4".parse::<IpAddr>().unwrap()]);
    assert_eq!(resolver.addresses("::1").await.unwrap(), ["::1".parse::<IpAddr>().unwrap()]);
}

#[tokio::test]
async fn the_strings_of_a_text_are_one() {
    let resolver = resolver(LONG).await;
    assert_eq!(resolver.texts("key._domainkey.corp.example").await.unwrap(), [b"v=DKIM1; p=AbC"]);
    assert_eq!(resolver.texts("bare.example").await.unwrap(), [b""; 0]);
    assert_eq!(resolver.texts("gone.example").await, Err(DnsFault::NoSuchDomain));
    assert!(matches!(resolver.texts("broken.example").await, Err(DnsFault::Temporary(_))));
}

#[tokio::test]
async fn a_fixed_zone_answers_by_the_same_rules() {
    let mut zone = FixedZone::default();
    zone.mx.insert("mute.example".to_owned(), MailHosts::NullMx);
    zone.addresses.insert("bare.example".to_owned(), vec!["192.0.2.1".parse().unwrap()]);
    zone.texts.insert("key.example".to_owned(), vec![b"p=".to_vec()]);
    zone.silent.insert("silent.example".to_owned());

    assert_eq!(hosts_of(&zone, "mute.example").await, Ok(MailHosts::NullMx));
    assert_eq!(hosts_of(&zone, "bare.example").await, Ok(hosts(&[(0, "bare.example")])));
    assert_eq!(hosts_of(&zone, "gone.example").await, Err(DnsFault::NoSuchDomain));
    assert!(matches!(hosts_of(&zone, "silent.example").await, Err(DnsFault::Temporary(_))));
    assert!(matches!(zone.addresses("silent.example").await, Err(DnsFault::Temporary(_))));
    assert_eq!(zone.texts("key.example").await.unwrap(), [b"p="]);
    assert_eq!(zone.texts("gone.example").await, Err(DnsFault::NoSuchDomain));
    assert!(matches!(zone.texts("silent.example").await, Err(DnsFault::Temporary(_))));
}
