//! What carries an answer, looked at before anything in it is believed.
//!
//! A signature covers the assertion, often nothing around it. So what is around must be plain: nothing that two parsers
//! could read differently, one assertion, and the outside saying what the inside will be asked for again.

use std::collections::HashSet;

use quick_xml::NsReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::auth::saml::response::Objection;
use crate::auth::saml::signature::{DSIG, EXCLUSIVE, Part, Signatures};

/// Octets of an answer before its base64 is undone. A person in some hundreds of groups fits.
pub const RESPONSE_MAX: usize = 256 * 1024;
/// Elements in one another. A signed response has about ten.
const DEPTH_MAX: usize = 64;

const PROTOCOL: &[u8] = b"urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &[u8] = b"urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";

/// What a response says of itself.
#[derive(Debug, Default)]
struct Shell {
    destination: Option<String>,
    in_response_to: Option<String>,
    statuses: Vec<String>,
    assertions: usize,
    names: usize,
    ids: HashSet<String>,
    signatures: Signatures,
}

/// Looks at a response that must be addressed to `acs` and answer the question `id`.
pub(super) fn look(xml: &str, acs: &str, id: &str) -> Result<(), Objection> {
    let shell = read(xml, Element::Response)?;
    if shell.statuses.is_empty() || shell.statuses.iter().any(|status| status != SUCCESS) {
        return Err(Objection::Status(shell.statuses.join(", ")));
    }
    if shell.assertions != 1 {
        return Err(Objection::Assertions(shell.assertions));
    }
    // Core §3.2.2: where it is there it must be right. That it is there is asked by the POST binding, Bindings §3.5.5.2.
    if shell.destination.as_deref() != Some(acs) {
        return Err(Objection::Destination);
    }
    if shell.in_response_to.as_deref() != Some(id) {
        return Err(Objection::AnotherQuestion);
    }
    Ok(())
}

/// Looks at the word that somebody has signed out, which must be addressed to `slo`.
pub(super) fn look_at_sign_out(xml: &str, slo: &str) -> Result<(), Objection> {
    let shell = read(xml, Element::LogoutRequest)?;
    // Core §3.7.1: one of three, of which we read only this.
    if shell.names != 1 {
        return Err(Objection::Nobody);
    }
    // Bindings §3.5.5.2, as above.
    if shell.destination.as_deref() != Some(slo) {
        return Err(Objection::Destination);
    }
    Ok(())
}

/// Whether the answer to our own word of a sign-out says that it is over everywhere.
pub(super) fn is_success(xml: &str) -> Result<bool, Objection> {
    Ok(read(xml, Element::LogoutResponse)?.statuses == [SUCCESS])
}

fn read(xml: &str, root: Element) -> Result<Shell, Objection> {
    let mut reader = NsReader::from_str(xml);
    let mut shell = Shell::default();
    // The names of the elements that are open, in our own terms.
    let mut open: Vec<Element> = Vec::new();
    let mut is_over = false;
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| Objection::Malformed)?;
        match event {
            Event::Start(start) | Event::Empty(start) if is_over => {
                drop(start);
                return Err(Objection::Malformed);
            }
            Event::Start(start) => {
                let element = Element::of(&namespace, &start);
                shell.note(root, element, &start, &open)?;
                if open.len() == DEPTH_MAX {
                    return Err(Objection::Malformed);
                }
                open.push(element);
            }
            Event::Empty(start) => {
                shell.note(root, Element::of(&namespace, &start), &start, &open)?;
                is_over = open.is_empty();
            }
            Event::End(_) => {
                open.pop();
                is_over = open.is_empty();
            }
            Event::Text(text) if open.is_empty() => {
                if !text.iter().all(u8::is_ascii_whitespace) {
                    return Err(Objection::Malformed);
                }
            }
            Event::Text(_) | Event::GeneralRef(_) => {}
            // Another encoding is another document to whoever heeds it; this one was read as UTF-8.
            Event::Decl(head) if open.is_empty() && !is_over => {
                let encoding = head.encoding().transpose().map_err(|_| Objection::Malformed)?;
                if encoding.is_some_and(|name| !name.eq_ignore_ascii_case(b"UTF-8")) {
                    return Err(Objection::Malformed);
                }
            }
            Event::Eof if is_over => return Ok(shell),
            // A document that ends too early; a DOCTYPE, with entities; and what canonical XML leaves out or writes
            // otherwise, so that it is signed as one thing and read as another: comments, instructions, CDATA.
            _ => return Err(Objection::Malformed),
        }
    }
}

/// The elements that say something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Response,
    LogoutRequest,
    LogoutResponse,
    NameId,
    Status,
    StatusCode,
    Assertion,
    EncryptedAssertion,
    OfSignature(Part),
    Other,
}

impl Element {
    fn of(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Self {
        let ResolveResult::Bound(namespace) = namespace else {
            return Self::Other;
        };
        match (namespace.as_ref(), start.local_name().as_ref()) {
            (PROTOCOL, b"Response") => Self::Response,
            (PROTOCOL, b"LogoutRequest") => Self::LogoutRequest,
            (PROTOCOL, b"LogoutResponse") => Self::LogoutResponse,
            (ASSERTION, b"NameID") => Self::NameId,
            (PROTOCOL, b"Status") => Self::Status,
            (PROTOCOL, b"StatusCode") => Self::StatusCode,
            (ASSERTION, b"Assertion") => Self::Assertion,
            (ASSERTION, b"EncryptedAssertion") => Self::EncryptedAssertion,
            (DSIG, name) => Self::OfSignature(Part::of(name)),
            (EXCLUSIVE, b"InclusiveNamespaces") => Self::OfSignature(Part::Prefixes),
            _ => Self::Other,
        }
    }
}

impl Shell {
    fn note(
        &mut self,
        root: Element,
        element: Element,
        start: &BytesStart<'_>,
        above: &[Element],
    ) -> Result<(), Objection> {
        if above.is_empty() != (element == root) {
            return Err(Objection::Malformed);
        }
        are_namespaces_plain(start)?;
        let id = attribute(start, b"ID")?;
        if id.as_ref().is_some_and(|id| !self.ids.insert(id.clone())) {
            return Err(Objection::Malformed);
        }
        self.signatures.note(element, start, above)?;
        match element {
            _ if above.is_empty() => {
                self.signatures.root = id;
                self.destination = attribute(start, b"Destination")?;
                self.in_response_to = attribute(start, b"InResponseTo")?;
            }
            // The second-level code, in a first one, only explains it.
            Element::StatusCode if above == [root, Element::Status] => {
                self.statuses.push(attribute(start, b"Value")?.unwrap_or_default());
            }
            Element::NameId if above == [Element::LogoutRequest] => self.names += 1,
            Element::Assertion if above == [Element::Response] => {
                self.signatures.assertion = id;
                self.assertions += 1;
            }
            // Hidden in an extension, an object of a signature, or another assertion.
            Element::Assertion => return Err(Objection::Malformed),
            Element::EncryptedAssertion => return Err(Objection::Encrypted),
            _ => {}
        }
        Ok(())
    }
}

/// A namespace is known here by how it is written, elsewhere by what that means: so nothing in it is to be resolved.
fn are_namespaces_plain(start: &BytesStart<'_>) -> Result<(), Objection> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Objection::Malformed)?;
        if attribute.key.as_namespace_binding().is_some() && attribute.value.contains(&b'&') {
            return Err(Objection::Malformed);
        }
    }
    Ok(())
}

/// An attribute's value. One that stands twice is no XML (§3.1), which quick-xml finds.
pub(super) fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Result<Option<String>, Objection> {
    let mut found = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Objection::Malformed)?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(XmlVersion::Explicit1_0);
            found = Some(value.map_err(|_| Objection::Malformed)?.into_owned());
        }
    }
    Ok(found)
}
