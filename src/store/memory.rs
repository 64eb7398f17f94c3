//! The engine that forgets: for tests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use crate::store::StoreFault;
use crate::store::engine::{Cell, Engine, Write};

/// Cells in memory.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    cells: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Engine for MemoryEngine {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.cells.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Cell>, StoreFault> {
        let from = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        Ok(cells
            .range::<[u8], _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| Cell { key: key.clone(), value: value.clone() })
            .collect())
    }

    fn write(&self, writes: Vec<Write>) -> Result<(), StoreFault> {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        for Write { key, value } in writes {
            match value {
                Some(value) => cells.insert(key, value),
                None => cells.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreFault> {
        Ok(())
    }
}
