//! A directory that does as it is told.

use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::accounts::Rights;
use crate::auth::directory::{Directory, DirectoryFault, Person, Whom};
use crate::base::address::Address;
use crate::base::secret::Secret;
use crate::sponsoring::succession::tests::{EMIL, address};

/// Knows whom it is told, by the address.
#[derive(Default)]
pub(super) struct People {
    known: Mutex<Vec<Person>>,
    pub(super) is_down: Mutex<bool>,
    /// About whom it cannot answer.
    pub(super) unreadable: Mutex<Vec<&'static str>>,
    /// Questions that were put.
    pub(super) asked: Mutex<usize>,
}

impl People {
    pub(super) fn is(&self, person: Person) {
        let mut known = self.known.lock().unwrap();
        known.retain(|other| other.entry != person.entry);
        known.push(person);
    }
}

impl Directory for People {
    fn find<'a>(&'a self, whom: Whom<'a>) -> BoxFuture<'a, Result<Option<Person>, DirectoryFault>> {
        *self.asked.lock().unwrap() += 1;
        let name = match whom {
            Whom::Name(name) | Whom::Entry(name) => name.to_owned(),
            Whom::Address(address) => address.to_string(),
        };
        let answer = if *self.is_down.lock().unwrap() {
            Err(DirectoryFault::Down("as told".to_owned()))
        } else if self.unreadable.lock().unwrap().contains(&name.as_str()) {
            Err(DirectoryFault::Answer("as told".to_owned()))
        } else {
            Ok(self.known.lock().unwrap().iter().find(|person| person.entry == name).cloned())
        };
        async move { answer }.boxed()
    }

    fn proves<'a>(
        &'a self,
        _: Option<&'a Person>,
        _: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        async { Ok(false) }.boxed()
    }

    fn rights<'a>(&'a self, _: &'a Person) -> BoxFuture<'a, Result<Rights, DirectoryFault>> {
        async { Ok(Rights::default()) }.boxed()
    }

    fn delegates<'a>(&'a self, _: &'a Person, _: &'a Address) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        async { Ok(false) }.boxed()
    }
}

pub(super) fn person(text: &str) -> Person {
    Person {
        entry: text.to_owned(),
        id: None,
        name: String::new(),
        address: address(text),
        aliases: Vec::new(),
        manager: None,
        is_barred: false,
        has_delegates: false,
    }
}

/// Somebody who has left, and whose manager is Emil.
pub(super) fn left(text: &str) -> Person {
    Person { manager: Some(EMIL.to_owned()), is_barred: true, ..person(text) }
}
