//! Words of a sign-out that a provider really signed, and what somebody makes of them on the way.

use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;

use super::*;

async fn heard(xml: &str) -> Result<Departure, String> {
    let saml = load(&metadata(&[&OURS.certificate])).unwrap();
    saml.departure(STANDARD.encode(xml), now()).await.map_err(|failure| failure.to_string())
}

#[tokio::test]
async fn a_word_says_who_has_signed_out_of_which_sessions() {
    let good = Farewell { indexes: &["_s1", "_s2"], ..Farewell::good() };
    let departure = heard(&good.signed()).await.unwrap();
    assert_eq!((departure.provider.as_str(), departure.id.as_str()), ("idp", "_f1"));
    assert_eq!(departure.name, "ann@corp.example");
    assert_eq!(departure.indexes, ["_s1", "_s2"]);
    let escaped = Farewell { name: "R&amp;D &#x41;nn", ..Farewell::good() };
    assert_eq!(heard(&escaped.signed()).await.unwrap().name, "R&D Ann");
}

#[tokio::test]
async fn a_word_that_the_provider_has_not_said_to_us_just_now_is_refused() {
    let good = Farewell::good;
    let signature = "its signature is not the provider's";
    let to_others = "it is addressed to somebody else";
    let late = "it does not hold now; are both clocks right?";
    let malformed = "it is not a plain SAML response";
    let signed = good().signed();
    let (torn_off, bare) = torn(&signed);
    let evil = Farewell { id: "_evil", name: "eve@corp.example", ..good() };
    let vouched = Claims::good().signed();
    let transform = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let list = [
        ("unsigned", good().xml(""), signature),
        ("another name", signed.replace("ann@corp", "eve@corp"), signature),
        ("signed by somebody else", FOREIGN.signed(&good().xml(&place("_f1", RSA_SHA256))), signature),
        ("SHA-1", OURS.signed(&good().xml(&place("_f1", RSA_SHA1))), signature),
        (
            "another issuer",
            Farewell { issuer: "https://evil.example", ..good() }.signed(),
            "there is no identity provider of this name",
        ),
        (
            "another destination",
            Farewell { destination: "https://evil.example/saml/slo", ..good() }.signed(),
            to_others,
        ),
        ("to where answers go", Farewell { destination: ACS, ..good() }.signed(), to_others),
        ("expired", Farewell { ends: TimeDelta::seconds(-61), ..good() }.signed(), late),
        ("old", Farewell { issued: TimeDelta::seconds(-151), ..good() }.signed(), late),
        ("not yet said", Farewell { issued: TimeDelta::seconds(90), ..good() }.signed(), late),
        ("a comment in the name", signed.replace("ann@", "an<!--x-->n@"), malformed),
        (
            "a comment that was signed",
            Farewell { name: "ann@corp.example<!---->.evil.example", ..good() }.signed(),
            malformed,
        ),
        ("the signed one within", evil.xml(&format!("<x>{signed}</x>")), malformed),
        ("its signature on another", evil.xml(&torn_off), malformed),
        ("a file", signed.replace("URI=\"#_f1\"", "URI=\"file:///dev/zero\""), malformed),
        (
            "a third transform",
            signed.replace("</ds:Transforms>", &format!("{transform}</ds:Transforms>")),
            malformed,
        ),
        (
            "its signature with what it signs",
            evil.xml(&torn_off.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{}</ds:Object></ds:Signature>", bare.replace("LogoutRequest", "Logout")),
            )),
            malformed,
        ),
        ("a signed sign-in in an unsigned word", evil.xml(&vouched), malformed),
        ("an answer", response(&vouched), malformed),
        ("nobody", Farewell { name: " ", ..good() }.signed(), "it names nobody"),
        (
            "somebody in code",
            good().xml("").replace("NameID", "EncryptedID"),
            "it names nobody who has signed out",
        ),
    ];
    for (name, xml, words) in list {
        let objection = heard(&xml).await.expect_err(name);
        assert!(objection.starts_with(words), "{name}: {objection}");
    }
}

#[test]
fn our_own_word_is_signed_as_an_address_carries_it() {
    let folder = tempfile::tempdir().unwrap();
    let seal = seal::Seal::load(&OURS.files(folder.path())).unwrap();
    let address =
        seal.address("https://idp.corp.example/slo?a=b", "SAMLRequest", "<x y=\"ü+/\"/>", "r s").unwrap();
    let query = address.strip_prefix("https://idp.corp.example/slo?a=b&").unwrap();
    let (signed, signature) = query.split_once("&Signature=").unwrap();
    assert!(signed.starts_with("SAMLRequest=") && signed.contains("&RelayState=r%20s&SigAlg=http%3A%2F%2F"));
    let plain = |text: &str| text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let word = plain(signed.split(['=', '&']).nth(1).unwrap());
    assert_eq!(seal::inflated(&word).unwrap(), "<x y=\"ü+/\"/>");

    let key = X509::from_der(&STANDARD.decode(&OURS.certificate).unwrap()).unwrap().public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let signature = STANDARD.decode(plain(signature)).unwrap();
    assert!(verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap());
}

#[test]
fn a_certificate_that_is_not_the_keys_is_no_seal() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = config::Seal {
        certificate_file: FOREIGN.files(theirs.path()).certificate_file,
        ..OURS.files(ours.path())
    };
    let fault = seal::Seal::load(&files).err().unwrap();
    assert!(fault.contains("is not that of the key in"), "{fault}");
}

#[test]
fn what_swells_in_an_address_is_not_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let seal = seal::Seal::load(&OURS.files(folder.path())).unwrap();
    let address =
        seal.address("https://idp.corp.example/", "SAMLResponse", &" ".repeat(RESPONSE_MAX + 1), "");
    let address = address.unwrap().replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    let word = address.split_once("SAMLResponse=").unwrap().1.split('&').next().unwrap();
    assert_eq!(seal::inflated(word), Err(Objection::TooLarge));
}
