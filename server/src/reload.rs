//! `SIGHUP`: the configuration is read again; what can change while serving does.

use std::collections::BTreeSet;

use ringlab_core::config::{BucketType, Configured, PoolConfig};
use ringlab_core::io::{Control, ControlHandle};
use tracing::{error, info, warn};

use crate::args::Args;
use crate::logging;

/// A key that can change while serving, and how.
struct Reloadable {
    key: &'static str,
    apply: fn(&PoolConfig, &ControlHandle),
}

static RELOADABLE: &[Reloadable] = &[
    Reloadable {
        key: "log_level",
        apply: |pool, _| logging::set_level(pool.log_level),
    },
    Reloadable {
        key: "read_consistency",
        apply: consistency,
    },
    Reloadable {
        key: "write_consistency",
        apply: consistency,
    },
    // Read when it is needed, from the configuration that is kept.
    Reloadable {
        key: "shutdown_grace",
        apply: |_, _| (),
    },
];

/// Reads the configuration again and says what came of it. A wrong one changes nothing.
pub fn reload(args: &Args, current: &mut Configured, control: &ControlHandle) {
    let mut new = match args.configure() {
        Ok(new) => new,
        Err(problem) => return error!("not reloaded: {problem:#}"),
    };
    let changed = changed(current, &new);
    if changed.is_empty() {
        info!("reloaded: nothing has changed");
    }
    for key in changed {
        match RELOADABLE.iter().find(|row| row.key == key) {
            Some(row) => {
                (row.apply)(&new.pool, control);
                info!(key, "reloaded");
            }
            None => {
                warn!(key, "changed, but only a restart takes it");
                keep(key, current, &mut new);
            }
        }
    }
    *current = new;
}

/// The keys that are written in one and not, or differently, in the other.
fn changed(old: &Configured, new: &Configured) -> BTreeSet<&'static str> {
    let keys = old.written.keys().chain(new.written.keys()).copied();
    keys.filter(|key| old.written.get(key) != new.written.get(key))
        .collect()
}

/// What is served stays what the next reload compares with.
fn keep(key: &'static str, current: &Configured, new: &mut Configured) {
    match current.written.get(key) {
        Some(text) => new.written.insert(key, text.clone()),
        None => new.written.remove(key),
    };
}

fn consistency(pool: &PoolConfig, control: &ControlHandle) {
    let inherits = |bucket: &BucketType| {
        bucket.read_consistency.is_none() || bucket.write_consistency.is_none()
    };
    if pool.bucket_types.iter().any(inherits) {
        warn!("bucket types without levels of their own keep the pool's old ones until a restart");
    }
    let (read, write) = (pool.read_consistency, pool.write_consistency);
    let set = Control::Configure(Box::new(move |node| node.set_consistency(read, write)));
    if control.send(set).is_err() {
        warn!("the worker has stopped");
    }
}

#[cfg(test)]
mod tests {
    use ringlab_core::config::Reader;

    use super::*;

    fn configured(text: &str) -> Configured {
        let mut reader = Reader::new();
        reader.file("f", text);
        reader.finish().expect(text)
    }

    #[test]
    fn what_changed() {
        let old = configured("p:\n  rack: a\n  backlog: 5\n  tokens: [1, 2]\n");
        let new = configured("p:\n  rack: b\n  timeout: 5\n  tokens:\n  - 1\n  - 2\n");
        let keys: Vec<_> = changed(&old, &new).into_iter().collect();
        assert_eq!(keys, ["backlog", "rack", "timeout"]);
        assert!(changed(&old, &old).is_empty());
    }
}
