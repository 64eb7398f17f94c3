//! Entries as a server sends them (RFC 4511 §4.5.2), read without trust in their form.

use ldap3::ResultEntry;
use ldap3::asn1::StructureTag;

/// One entry, as far as it was asked for.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Where it stands.
    pub(super) name: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Reads what a search found; `None` where it is no entry.
    pub(super) fn read(found: ResultEntry) -> Option<Self> {
        let [name, attributes] = pair(found.0)?;
        let mut entry = Self { name: text(name)?, attributes: Vec::new() };
        for attribute in attributes.expect_constructed()? {
            let [name, values] = pair(attribute)?;
            let values = values.expect_constructed()?.into_iter();
            let values = values.map(StructureTag::expect_primitive).collect::<Option<Vec<_>>>()?;
            entry.attributes.push((text(name)?, values));
        }
        Some(entry)
    }

    /// All values of an attribute; attribute names have no case (RFC 4512 §2.5).
    pub(super) fn values<'a>(&'a self, attribute: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let of_it = self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        of_it.into_iter().flat_map(|(_, values)| values).map(Vec::as_slice)
    }

    /// Those that are text.
    pub(super) fn texts<'a>(&'a self, attribute: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.values(attribute).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first that is text.
    pub(super) fn text(&self, attribute: &str) -> Option<&str> {
        self.texts(attribute).next()
    }

    #[cfg(test)]
    pub(super) fn with(attributes: &[(&str, &[&str])]) -> Self {
        let octets = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let attributes = attributes.iter().map(|&(name, values)| (name.to_owned(), octets(values)));
        Self { name: "uid=x,dc=corp,dc=example".to_owned(), attributes: attributes.collect() }
    }
}

fn pair(tag: StructureTag) -> Option<[StructureTag; 2]> {
    tag.expect_constructed()?.try_into().ok()
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;

    fn tag(payload: PL) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload }
    }

    #[test]
    fn what_has_another_form_is_no_entry() {
        let text = |text: &str| tag(PL::P(text.as_bytes().to_vec()));
        let list = |tags: Vec<StructureTag>| tag(PL::C(tags));
        let read = |tag| Entry::read(ResultEntry::new(tag));
        let mail = list(vec![text("mail"), list(vec![text("ann@corp.example"), tag(PL::P(vec![0xff]))])]);
        let entry = read(list(vec![text("uid=ann"), list(vec![mail])])).unwrap();
        assert_eq!((entry.name.as_str(), entry.text("MAIL")), ("uid=ann", Some("ann@corp.example")));
        assert_eq!((entry.values("mail").count(), entry.texts("mail").count()), (2, 1));
        assert_eq!(entry.text("cn"), None);
        for strange in [
            text("uid=ann"),
            list(vec![]),
            list(vec![text("uid=ann")]),
            list(vec![tag(PL::P(vec![0xff])), list(vec![])]),
            list(vec![text("uid=ann"), text("mail")]),
            list(vec![text("uid=ann"), list(vec![list(vec![text("mail"), text("x")])])]),
            list(vec![text("uid=ann"), list(vec![list(vec![text("mail"), list(vec![list(vec![])])])])]),
        ] {
            assert!(read(strange.clone()).is_none(), "{strange:?}");
        }
    }
}
