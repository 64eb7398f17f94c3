//! How work ends: one stop signal, labelled tasks, a wait with a bound.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The life of everything that was spawned under it. Cheap to clone; all clones are one life.
///
/// A task is asked to stop, never torn off: it watches [`Lifecycle::stopping`] where it may end without loss.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    stop: CancellationToken,
    tasks: TaskTracker,
    running: Running,
}

/// How many tasks of each label now run.
#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<BTreeMap<&'static str, usize>>>);

/// One running task; dropping it, also by a panic, counts it out.
struct Counted {
    running: Running,
    label: &'static str,
}

impl Lifecycle {
    /// A life in which nothing runs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task. The label says what it is in the words of the journal: "smtp session", "delivery".
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, label: &'static str, task: F) {
        let counted = self.running.enter(label);
        self.tasks.spawn(async move {
            let _counted = counted;
            task.await;
        });
    }

    /// Ends when a stop was asked for; at once if it was before.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Asks everything to stop. Asking twice is asking once.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for all tasks, at most so long. Returns what still ran then, `smtp session (3)`; nothing if all ended.
    pub async fn finished(&self, within: Duration) -> Vec<String> {
        // A closed tracker still takes tasks: a session that ends may yet start its clean-up.
        self.tasks.close();
        match tokio::time::timeout(within, self.tasks.wait()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.running.labels(),
        }
    }
}

impl Running {
    fn enter(&self, label: &'static str) -> Counted {
        *self.counts().entry(label).or_default() += 1;
        Counted { running: self.clone(), label }
    }

    fn labels(&self) -> Vec<String> {
        self.counts().iter().map(|(label, count)| format!("{label} ({count})")).collect()
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<&'static str, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.running.counts();
        if let Some(count) = counts.get_mut(self.label) {
            *count -= 1;
            if *count == 0 {
                counts.remove(self.label);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_stop_reaches_every_task_and_is_waited_for() {
        let life = Lifecycle::new();
        for _ in 0..3 {
            let told = life.clone();
            life.spawn("session", async move { told.stopping().await });
        }
        life.stop();
        assert!(life.finished(LONG).await.is_empty());
    }

    #[tokio::test]
    async fn what_does_not_end_in_time_is_named_and_counted() {
        let life = Lifecycle::new();
        for _ in 0..2 {
            life.spawn("delivery", std::future::pending());
        }
        life.spawn("janitor", async {});
        life.stop();
        assert_eq!(life.finished(SOON).await, ["delivery (2)"]);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_not_waited_for() {
        let life = Lifecycle::new();
        life.spawn("session", async { panic!("a fault of one session") });
        assert!(life.finished(LONG).await.is_empty());
    }

    #[tokio::test]
    async fn a_task_may_start_another_one_while_all_stops() {
        let life = Lifecycle::new();
        let inner = life.clone();
        life.spawn("session", async move {
            inner.stopping().await;
            inner.spawn("clean-up", async {});
        });
        life.stop();
        assert!(life.finished(LONG).await.is_empty());
    }
}
