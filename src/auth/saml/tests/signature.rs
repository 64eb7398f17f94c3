//! Signatures that ask for more than a provider needs, and those that providers write.

use super::*;

#[tokio::test]
async fn a_signature_that_asks_for_more_than_its_element_is_not_checked() {
    let (signature, bare) = torn(&Claims::good().signed());
    let with = |signature: &str| bare.replacen("</Issuer>", &format!("</Issuer>{signature}"), 1);
    let altered = |from: &str, to: &str| {
        assert!(signature.contains(from), "{from}");
        with(&signature.replacen(from, to, 1))
    };
    let reference = {
        let (start, end) =
            (signature.find("<ds:Reference").unwrap(), signature.find("</ds:SignedInfo>").unwrap());
        &signature[start..end]
    };
    let transform = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\">\
                 <ds:XPath>count(//node()[count(//node()) &gt; 0]) &gt; 0</ds:XPath></ds:Transform>";
    let within = |inside: &str| altered("</ds:Signature>", &format!("{inside}</ds:Signature>"));
    let encoding = format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{}", response(&with(&signature)));
    let list = [
        ("a file", altered("URI=\"#_a1\"", "URI=\"file:///dev/zero\"")),
        (
            "a file by a prefix",
            altered("URI=\"#_a1\"", "xmlns:x=\"x\" x:URI=\"file:///dev/zero\" URI=\"#_a1\""),
        ),
        ("the whole document", altered("URI=\"#_a1\"", "URI=\"\"")),
        ("nothing", altered(" URI=\"#_a1\"", "")),
        ("another element", altered("URI=\"#_a1\"", "URI=\"#_r1\"")),
        ("an expression", altered("URI=\"#_a1\"", "URI=\"#xpointer(id('_a1'))\"")),
        ("a second reference", altered(reference, &reference.repeat(2))),
        ("hundreds of references", altered(reference, &reference.repeat(300))),
        ("XPath", altered(transform, xpath)),
        (
            "XSLT",
            altered(transform, &transform.replace("2001/10/xml-exc-c14n#", "TR/1999/REC-xslt-19991116")),
        ),
        ("three transforms", altered(transform, &transform.repeat(2))),
        ("inclusive form", altered("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315")),
        (
            "seventeen prefixes",
            altered(
                transform,
                &transform.replace(
                    "/>",
                    &format!(
                        "><x:InclusiveNamespaces xmlns:x=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
                         PrefixList=\"{}\"/></ds:Transform>",
                        "x ".repeat(17)
                    ),
                ),
            ),
        ),
        ("an object", within("<ds:Object/>")),
        ("a manifest", within(&format!("<ds:Object><ds:Manifest>{reference}</ds:Manifest></ds:Object>"))),
        ("a key to fetch", within("<ds:KeyInfo><ds:RetrievalMethod URI=\"file:///dev/zero\"/></ds:KeyInfo>")),
        (
            "a key to fetch, in the newer way",
            within(
                "<ds:KeyInfo><x:KeyInfoReference xmlns:x=\"http://www.w3.org/2009/xmldsig11#\" URI=\"#_a1\"/>\
                 </ds:KeyInfo>",
            ),
        ),
        ("two signatures", with(&signature.repeat(2))),
        ("a signature elsewhere", bare.replace("<Subject>", &format!("<Subject>{signature}"))),
        ("a namespace in disguise", altered("xmldsig#\"", "xmldsig&#35;\"")),
    ];
    for (name, assertion) in list {
        assert_eq!(judged(&response(&assertion)).await, Err(Objection::Malformed), "{name}");
    }
    assert_eq!(judged(&encoding).await, Err(Objection::Malformed), "another encoding");
    assert!(judged(&response(&with(&signature))).await.is_ok());
}

#[tokio::test]
async fn signatures_as_providers_write_them_are_checked() {
    let place = place("_a1", RSA_SHA256);
    let prefixes = place.replace(
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
         xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs xsi\"/></ds:Transform>",
    );
    assert_ne!(prefixes, place);
    let key = "<ds:KeyInfo><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate>\
               </ds:X509Data><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AAAA</ds:Modulus><ds:Exponent>AQAB\
               </ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo></ds:Signature>";
    let elliptic = "<ds:KeyInfo><ds:KeyValue><x:ECKeyValue xmlns:x=\"http://www.w3.org/2009/xmldsig11#\">\
                    <x:PublicKey>AAAA</x:PublicKey></x:ECKeyValue></ds:KeyValue></ds:KeyInfo></ds:Signature>";
    for (name, assertion) in [
        ("prefixes", OURS.signed(&Claims::good().xml(&prefixes))),
        ("a key", Claims::good().signed().replace("</ds:Signature>", key)),
        ("a key of another kind", Claims::good().signed().replace("</ds:Signature>", elliptic)),
    ] {
        let head = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
        judged(&format!("{head}{}", response(&assertion))).await.expect(name);
    }
}
