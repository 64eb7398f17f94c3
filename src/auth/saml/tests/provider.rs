//! A provider of the tests: what it says, and its signature.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use samael::crypto::{Crypto, CryptoProvider};

use crate::config;

pub(crate) const PORTAL: &str = "https://portal.corp.example";
pub(crate) const ACS: &str = "https://portal.corp.example/saml/acs";
pub(crate) const SLO: &str = "https://portal.corp.example/saml/slo";
pub(crate) const ENTITY: &str = "https://portal.corp.example/saml/metadata";
pub(crate) const IDP: &str = "https://idp.corp.example/metadata";
pub(crate) const QUESTION: &str = "_0123456789abcdef";
pub(crate) const ASSERTION_NS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const RSA_SHA256: (&str, &str) =
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256");
pub(crate) const RSA_SHA1: (&str, &str) =
    ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1");

/// Keys take long to make; the tests of this file share them.
pub(crate) static OURS: LazyLock<Signatory> = LazyLock::new(Signatory::fresh);
pub(crate) static FOREIGN: LazyLock<Signatory> = LazyLock::new(Signatory::fresh);

/// Somebody with a key.
pub(crate) struct Signatory {
    pub(crate) key: Vec<u8>,
    pub(crate) certificate: String,
}

impl Signatory {
    pub(crate) fn fresh() -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::new(vec!["idp.corp.example".to_owned()]).unwrap();
        let certificate = STANDARD.encode(certificate.self_signed(&key).unwrap().der());
        Self { key: key.serialize_der(), certificate }
    }

    /// As the two files that the settings name.
    pub(crate) fn files(&self, folder: &Path) -> config::Seal {
        let write = |name: &str, of: &str, base64: &str| {
            let file = folder.join(name);
            fs::write(&file, format!("-----BEGIN {of}-----\n{base64}\n-----END {of}-----\n")).unwrap();
            file
        };
        config::Seal {
            key_file: write("key.pem", "PRIVATE KEY", &STANDARD.encode(&self.key)),
            certificate_file: write("certificate.pem", "CERTIFICATE", &self.certificate),
        }
    }

    /// Fills in the signatures that `xml` has places for.
    pub(crate) fn signed(&self, xml: &str) -> String {
        let document = Crypto::sign_xml(xml, &self.key).unwrap();
        document.split_once("?>").unwrap().1.trim().to_owned()
    }
}

/// What an assertion says. [`Claims::good`] is believed; each test changes one thing.
pub(crate) struct Claims {
    pub(crate) id: &'static str,
    pub(crate) name_id: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) recipient: &'static str,
    pub(crate) question: &'static str,
    pub(crate) begins: TimeDelta,
    pub(crate) ends: TimeDelta,
    pub(crate) has_conditions: bool,
    pub(crate) has_sign_in: bool,
}

impl Claims {
    pub(crate) const fn good() -> Self {
        Self {
            id: "_a1",
            name_id: "ann@corp.example",
            issuer: IDP,
            audience: ENTITY,
            recipient: ACS,
            question: QUESTION,
            begins: TimeDelta::minutes(-1),
            ends: TimeDelta::minutes(5),
            has_conditions: true,
            has_sign_in: true,
        }
    }

    /// As XML, with a place for a signature.
    pub(crate) fn xml(&self, signature: &str) -> String {
        let Self { id, name_id, issuer, audience, recipient, question, .. } = self;
        let now = Utc::now();
        let (begins, ends, now) = (instant(now + self.begins), instant(now + self.ends), instant(now));
        let audience = match *audience {
            "" => String::new(),
            name => format!("<AudienceRestriction><Audience>{name}</Audience></AudienceRestriction>"),
        };
        let conditions =
            format!("<Conditions NotBefore=\"{begins}\" NotOnOrAfter=\"{ends}\">{audience}</Conditions>");
        let conditions = if self.has_conditions { conditions } else { String::new() };
        let sign_in = format!(
            "<AuthnStatement AuthnInstant=\"{now}\"><AuthnContext><AuthnContextClassRef>\
             urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement>"
        );
        let sign_in = if self.has_sign_in { sign_in } else { String::new() };
        format!(
            "<Assertion xmlns=\"{ASSERTION_NS}\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\">\
             <Issuer>{issuer}</Issuer>{signature}<Subject>\
             <NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{name_id}</NameID>\
             <SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><SubjectConfirmationData \
             InResponseTo=\"{question}\" Recipient=\"{recipient}\" NotOnOrAfter=\"{ends}\"/>\
             </SubjectConfirmation></Subject>{conditions}{sign_in}<AttributeStatement>\
             <Attribute Name=\"displayName\"><AttributeValue>Ann Berg</AttributeValue></Attribute>\
             <Attribute Name=\"groups\"><AttributeValue>inviters</AttributeValue>\
             <AttributeValue>staff</AttributeValue></Attribute></AttributeStatement></Assertion>"
        )
    }

    /// Signed as providers do it.
    pub(crate) fn signed(&self) -> String {
        OURS.signed(&self.xml(&place(self.id, RSA_SHA256)))
    }
}

/// What the word of a sign-out says. [`Farewell::good`] is believed; each test changes one thing.
pub(crate) struct Farewell<'a> {
    pub(crate) id: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) destination: &'a str,
    pub(crate) issued: TimeDelta,
    pub(crate) ends: TimeDelta,
    pub(crate) name: &'a str,
    pub(crate) indexes: &'a [&'a str],
}

impl Farewell<'_> {
    pub(crate) const fn good() -> Self {
        Self {
            id: "_f1",
            issuer: IDP,
            destination: SLO,
            issued: TimeDelta::zero(),
            ends: TimeDelta::minutes(5),
            name: "ann@corp.example",
            indexes: &[],
        }
    }

    /// As XML, with a place for a signature.
    pub(crate) fn xml(&self, signature: &str) -> String {
        let Self { id, issuer, destination, name, .. } = self;
        let (issued, ends) = (instant(Utc::now() + self.issued), instant(Utc::now() + self.ends));
        let indexes = self.indexes.iter().fold(String::new(), |indexes, index| {
            indexes + "<samlp:SessionIndex>" + index + "</samlp:SessionIndex>"
        });
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{issued}\" NotOnOrAfter=\"{ends}\" Destination=\"{destination}\">\
             <Issuer xmlns=\"{ASSERTION_NS}\">{issuer}</Issuer>{signature}<NameID xmlns=\"{ASSERTION_NS}\">{name}\
             </NameID>{indexes}</samlp:LogoutRequest>"
        )
    }

    /// Signed as providers do it.
    pub(crate) fn signed(&self) -> String {
        OURS.signed(&self.xml(&place(self.id, RSA_SHA256)))
    }
}

/// An empty signature over the element with this ID.
pub(crate) fn place(id: &str, (signing, digest): (&str, &str)) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"{signing}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/></ds:Signature>"
    )
}

/// The response around an assertion: its ID, its status, where it goes, what it answers, and what is inside.
pub(crate) fn response(inside: &str) -> String {
    shell("_r1", "Success", ACS, QUESTION, inside)
}

pub(crate) fn shell(id: &str, status: &str, destination: &str, question: &str, inside: &str) -> String {
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{destination}\" InResponseTo=\"{question}\">\
         <Issuer xmlns=\"{ASSERTION_NS}\">{IDP}</Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"/></samlp:Status>{inside}</samlp:Response>",
        instant(Utc::now())
    )
}

pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn metadata(keys: &[&str]) -> String {
    let key = |key: &&str| {
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>{key}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    };
    let keys = keys.iter().map(key).collect::<Vec<_>>().concat();
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{keys}<SingleLogoutService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.corp.example/slo\"/>\
         <SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.corp.example/sso\"/>\
         </IDPSSODescriptor></EntityDescriptor>"
    )
}
