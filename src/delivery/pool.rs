//! Connections that wait for their next message.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::delivery::client::Client;
use crate::delivery::hop::Hop;

/// Open connections by next hop; never more than a bound, none longer than it may idle.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    connections_max: usize,
    pub(super) idle_timeout: Duration,
}

#[derive(Default)]
struct Idle {
    /// The latest last; a hop whose connections are all in use has none.
    by_hop: HashMap<Hop, Vec<(Client, Instant)>>,
    count: usize,
    closed: bool,
}

impl Pool {
    pub(super) fn new(connections_max: usize, idle_timeout: Duration) -> Self {
        Self { idle: Mutex::default(), connections_max, idle_timeout }
    }

    /// The connection to a hop that was used last, so that those of a quieter time grow old.
    pub(super) fn take(&self, hop: &Hop) -> Option<Client> {
        let mut idle = self.idle();
        let (client, _) = idle.by_hop.get_mut(hop)?.pop()?;
        idle.count -= 1;
        Some(client)
    }

    /// Keeps a connection, or gives it back to be closed where there is no room.
    pub(super) fn put(&self, hop: &Hop, client: Client) -> Option<Client> {
        let mut idle = self.idle();
        if idle.closed || idle.count >= self.connections_max {
            return Some(client);
        }
        idle.count += 1;
        let waiting = (client, Instant::now());
        match idle.by_hop.get_mut(hop) {
            Some(others) => others.push(waiting),
            None => drop(idle.by_hop.insert(hop.clone(), vec![waiting])),
        }
        None
    }

    /// Takes out what has waited too long, and forgets hops to which nothing waits.
    pub(super) fn expired(&self) -> Vec<Client> {
        let mut idle = self.idle();
        let mut expired = Vec::new();
        idle.by_hop.retain(|_, waiting| {
            let young = waiting.partition_point(|(_, since)| since.elapsed() >= self.idle_timeout);
            expired.extend(waiting.drain(..young).map(|(client, _)| client));
            !waiting.is_empty()
        });
        idle.count -= expired.len();
        expired
    }

    /// Takes out everything; from now on nothing is kept.
    pub(super) fn close(&self) -> Vec<Client> {
        let mut idle = self.idle();
        idle.closed = true;
        idle.count = 0;
        idle.by_hop.drain().flat_map(|(_, waiting)| waiting).map(|(client, _)| client).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
