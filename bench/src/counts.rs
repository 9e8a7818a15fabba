//! What the exact instruments tell about a case.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The counts of one case in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Count {
    /// Operations that were counted.
    pub(crate) operations: u64,
    /// Instructions of all of them.
    pub(crate) instructions: u64,
    /// Heap allocations of all of them.
    pub(crate) allocations: u64,
    /// Bytes asked for by all of them.
    pub(crate) bytes: u64,
    /// The most allocations one operation may make, where that is promised.
    pub(crate) allocations_max: Option<f64>,
}

/// One run: a count for each case, by id.
pub(crate) type Counts = BTreeMap<String, Count>;

impl Count {
    /// Instructions of one operation.
    pub(crate) fn instructions_each(&self) -> f64 {
        self.each(self.instructions)
    }

    /// Heap allocations of one operation.
    pub(crate) fn allocations_each(&self) -> f64 {
        self.each(self.allocations)
    }

    /// Bytes asked for by one operation.
    pub(crate) fn bytes_each(&self) -> f64 {
        self.each(self.bytes)
    }

    fn each(&self, total: u64) -> f64 {
        total as f64 / self.operations as f64
    }
}
