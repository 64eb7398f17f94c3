//! The form of a signature, looked at before the signature is checked.
//!
//! Whoever checks one fetches what its references name and does what its transforms ask for, and finds out only then
//! whose it is. So it may ask for what SAML needs and for nothing else (*Core* §5.4): for the element that it stands in,
//! by that one's ID, without the signature, in exclusive canonical form.

use quick_xml::events::BytesStart;

use crate::auth::saml::fence::{Element, attribute};
use crate::auth::saml::response::Objection;

/// The namespace of signatures (XML Signature §1.3).
pub(super) const DSIG: &[u8] = b"http://www.w3.org/2000/09/xmldsig#";
/// The namespace of exclusive canonical XML, and how it is asked for.
pub(super) const EXCLUSIVE: &[u8] = b"http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_WITH_COMMENTS: &[u8] = b"http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const ENVELOPED: &[u8] = b"http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Both that there are (*Core* §5.4.4).
const TRANSFORMS_MAX: usize = 2;
/// Prefixes that keep their meaning in canonical form: each is looked for at each element. Providers name one or two.
const PREFIXES_MAX: usize = 16;

/// The parts of a signature that may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Signature,
    SignedInfo,
    Canonicalization,
    Method,
    Reference,
    Transforms,
    Transform,
    Prefixes,
    Digest,
    Value,
    KeyInfo,
    /// A key or certificate. We have our own; it is not read.
    Key,
    KeyDetail,
    /// Objects and manifests, which are signed things of their own; keys that are to be fetched; and whatever else.
    Surplus,
}

/// The signatures of a document, while it is read.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    /// The ID of the root, until its signature comes.
    pub(super) root: Option<String>,
    /// The ID of the root's assertion, likewise.
    pub(super) assertion: Option<String>,
    /// What the signature at hand is to refer to, until it does.
    due: Option<String>,
    /// What it asks to be done with that.
    transforms: usize,
}

impl Part {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"Signature" => Self::Signature,
            b"SignedInfo" => Self::SignedInfo,
            b"CanonicalizationMethod" => Self::Canonicalization,
            b"SignatureMethod" => Self::Method,
            b"Reference" => Self::Reference,
            b"Transforms" => Self::Transforms,
            b"Transform" => Self::Transform,
            b"DigestMethod" | b"DigestValue" => Self::Digest,
            b"SignatureValue" => Self::Value,
            b"KeyInfo" => Self::KeyInfo,
            b"KeyName" | b"KeyValue" | b"X509Data" => Self::Key,
            b"RSAKeyValue" | b"Modulus" | b"Exponent" | b"X509Certificate" | b"X509SubjectName"
            | b"X509SKI" | b"X509CRL" | b"X509IssuerSerial" | b"X509IssuerName" | b"X509SerialNumber" => {
                Self::KeyDetail
            }
            _ => Self::Surplus,
        }
    }

    /// Whether this is where XML Signature §4 has it.
    const fn stands_in(self, parent: Self) -> bool {
        matches!(
            (parent, self),
            (Self::Signature, Self::SignedInfo | Self::Value | Self::KeyInfo)
                | (Self::SignedInfo, Self::Canonicalization | Self::Method | Self::Reference)
                | (Self::Reference, Self::Transforms | Self::Digest)
                | (Self::Transforms, Self::Transform)
                | (Self::Transform | Self::Canonicalization, Self::Prefixes)
                | (Self::KeyInfo, Self::Key)
                | (Self::Key | Self::KeyDetail, Self::KeyDetail)
        )
    }
}

impl Signatures {
    /// Looks at an element, with what it stands in.
    pub(super) fn note(
        &mut self,
        element: Element,
        start: &BytesStart<'_>,
        above: &[Element],
    ) -> Result<(), Objection> {
        if !above.contains(&Element::OfSignature(Part::Signature)) {
            return match element {
                Element::OfSignature(Part::Signature) => self.begin(above),
                _ => Ok(()),
            };
        }
        let is_in_place = match (above.last(), element) {
            (Some(Element::OfSignature(parent)), Element::OfSignature(part)) => part.stands_in(*parent),
            // A key of another kind.
            (Some(Element::OfSignature(Part::Key | Part::KeyDetail) | Element::Other), Element::Other) => {
                true
            }
            _ => false,
        };
        // Whoever checks it may overlook a prefix, and take such an attribute for one of its own.
        if !is_in_place || has_prefixed(start)? {
            return Err(Objection::Malformed);
        }
        match element {
            Element::OfSignature(part) => self.read(part, start),
            _ => Ok(()),
        }
    }

    /// §5.4.2: one of the root, and one of its assertion, each in what it signs; that has an ID.
    fn begin(&mut self, above: &[Element]) -> Result<(), Objection> {
        let signed = match above {
            [_] => self.root.take(),
            [Element::Response, Element::Assertion] => self.assertion.take(),
            _ => None,
        };
        self.transforms = 0;
        self.due = Some(signed.ok_or(Objection::Malformed)?);
        Ok(())
    }

    fn read(&mut self, part: Part, start: &BytesStart<'_>) -> Result<(), Objection> {
        let algorithm = attribute(start, b"Algorithm")?.unwrap_or_default();
        let is_exclusive = [EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS].contains(&algorithm.as_bytes());
        let is_fine = match part {
            Part::Reference => {
                let due = self.due.take().map(|id| format!("#{id}"));
                due.is_some() && due == attribute(start, b"URI")?
            }
            // §5.4.3, of which providers use this one.
            Part::Canonicalization => is_exclusive,
            Part::Transform => {
                self.transforms += 1;
                self.transforms <= TRANSFORMS_MAX && (is_exclusive || algorithm.as_bytes() == ENVELOPED)
            }
            Part::Prefixes => {
                let prefixes = attribute(start, b"PrefixList")?.unwrap_or_default();
                prefixes.split_whitespace().count() <= PREFIXES_MAX
            }
            _ => true,
        };
        if is_fine { Ok(()) } else { Err(Objection::Malformed) }
    }
}

fn has_prefixed(start: &BytesStart<'_>) -> Result<bool, Objection> {
    for attribute in start.attributes() {
        let key = attribute.map_err(|_| Objection::Malformed)?.key;
        if key.as_namespace_binding().is_none() && key.prefix().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
