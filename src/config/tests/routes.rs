//! Ways of their own for some domains.

use super::*;

#[test]
fn the_nearest_route_of_a_domain_wins_and_its_hosts_keep_their_order() {
    let section = |domains: &str, host: &str| {
        format!("[[relay.route]]\ndomains = [{domains}]\nhost = \"{host}\"\ntls = \"none\"\n")
    };
    let file = [
        section("\"partner.example\", \"supplier.example\"", "one.example"),
        section("\"eu.partner.example\"", "two.example"),
        section("\"partner.example\"", "three.example"),
    ];
    let relay = Folder::with(&format!("{MINIMAL}{}", file.concat())).read(&[]).unwrap().relay;
    let routed = relay.routed();
    let hosts = |domain: &str| {
        let nearest =
            nearest(routed.iter().map(|(domain, hosts)| (*domain, hosts)), &Domain::parse(domain).unwrap());
        nearest.map(|(_, hosts)| hosts.iter().map(|host| host.host.as_str()).collect::<Vec<_>>())
    };
    assert_eq!(hosts("partner.example").unwrap(), ["one.example", "three.example"]);
    assert_eq!(hosts("west.partner.example").unwrap(), ["one.example", "three.example"]);
    assert_eq!(hosts("a.eu.partner.example").unwrap(), ["two.example"]);
    assert_eq!(hosts("supplier.example").unwrap(), ["one.example"]);
    assert_eq!(hosts("xpartner.example"), None);

    let fault = fault_of("[[relay.route]]\nhost = \"hop.example\"\n");
    assert!(fault.starts_with("relay.route #1.domains: it is missing"), "{fault}");
}
