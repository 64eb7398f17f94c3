//! The organisation's directory, as a story tells it: who is in it, and whether it answers.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use postern::accounts::Rights;
use postern::auth::directory::{Directory, DirectoryFault, Person, Whom};
use postern::base::address::Address;
use postern::base::secret::Secret;

use crate::harness::house::PASSWORD;

/// People who all have the house's password, and may invite people outside.
#[derive(Default)]
pub struct People {
    people: Mutex<Vec<Person>>,
    is_down: Mutex<bool>,
}

impl People {
    /// With these names and addresses.
    pub fn named(people: &[(&str, &str)]) -> Arc<Self> {
        let known = Self::default();
        for (name, address) in people {
            known.people.lock().unwrap().push(person(name, address));
        }
        Arc::new(known)
    }

    /// From now on no server answers, or all do again.
    pub fn is_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
    }

    /// Changes the person with this address.
    pub fn change(&self, address: &str, change: impl FnOnce(&mut Person)) {
        let address = Address::parse(address).unwrap();
        let mut people = self.people.lock().unwrap();
        change(people.iter_mut().find(|person| person.address == address).unwrap());
    }

    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, Result<T, DirectoryFault>> {
        let is_down = *self.is_down.lock().unwrap();
        async move { if is_down { Err(DirectoryFault::Down("as told".to_owned())) } else { Ok(answer) } }
            .boxed()
    }
}

/// Somebody whose entry is called like the address.
fn person(name: &str, address: &str) -> Person {
    Person {
        entry: address.to_owned(),
        id: Some(format!("id of {address}")),
        name: name.to_owned(),
        address: Address::parse(address).unwrap(),
        aliases: Vec::new(),
        manager: None,
        is_barred: false,
        has_delegates: false,
    }
}

impl Directory for People {
    fn find<'a>(&'a self, whom: Whom<'a>) -> BoxFuture<'a, Result<Option<Person>, DirectoryFault>> {
        let people = self.people.lock().unwrap();
        let known = people.iter().find(|person| match whom {
            Whom::Name(name) => person.address.to_string() == name,
            Whom::Entry(entry) => person.entry == entry,
            Whom::Address(address) => {
                person.address.same_mailbox(address) || person.aliases.contains(address)
            }
        });
        self.answer(known.cloned())
    }

    fn proves<'a>(
        &'a self,
        person: Option<&'a Person>,
        password: &'a Secret,
    ) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        self.answer(person.is_some_and(|person| !person.is_barred && password.reveal() == PASSWORD))
    }

    fn rights<'a>(&'a self, _: &'a Person) -> BoxFuture<'a, Result<Rights, DirectoryFault>> {
        self.answer(Rights::of_staff(true))
    }

    fn delegates<'a>(&'a self, _: &'a Person, _: &'a Address) -> BoxFuture<'a, Result<bool, DirectoryFault>> {
        self.answer(false)
    }
}
