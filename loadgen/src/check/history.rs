//! Is one key's history that of an atomic register? The second opinion on sampled keys.
//!
//! Every write has a value of its own, so each read names its write. A write and its reads form a
//! cluster, with the zone from the earliest end to the latest start among them. A history is
//! atomic exactly if no read ends before its write begins, no two forward zones (earliest end
//! first) overlap, and no backward zone lies within a forward one (Gibbons and Korach, "Testing
//! shared memories", SIAM J. Comput. 26, 1997).

use std::collections::HashMap;

/// One request of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) write: bool,
    /// The version written, or read; 0 is what was there before.
    pub(crate) version: u32,
    pub(crate) begun: u64,
    /// None for a write whose fate is unknown.
    pub(crate) ended: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    first_end: u64,
    last_begin: u64,
}

/// Why the history is not atomic, if it isn't.
pub(crate) fn violation(events: &[Event]) -> Option<String> {
    let mut clusters: HashMap<u32, Cluster> = HashMap::new();
    // What was there before was written before.
    let before = Event {
        write: true,
        version: 0,
        begun: 0,
        ended: Some(0),
    };
    let writes = || events.iter().chain([&before]).filter(|event| event.write);
    for write in writes() {
        let cluster = Cluster {
            first_end: write.ended.unwrap_or(u64::MAX),
            last_begin: write.begun,
        };
        clusters.insert(write.version, cluster);
    }
    for read in events.iter().filter(|event| !event.write) {
        let Some(ended) = read.ended else { continue };
        let Some(cluster) = clusters.get_mut(&read.version) else {
            return Some(format!(
                "version {} was read and never written",
                read.version
            ));
        };
        cluster.first_end = cluster.first_end.min(ended);
        cluster.last_begin = cluster.last_begin.max(read.begun);
    }
    let early = |write: &&Event| clusters[&write.version].first_end < write.begun;
    if let Some(write) = writes().find(early) {
        return Some(format!(
            "version {} was read before it was written",
            write.version
        ));
    }
    // A write without a reply that nobody read may not have happened at all.
    clusters.retain(|_, cluster| cluster.first_end < u64::MAX);
    zones(clusters)
}

fn zones(clusters: HashMap<u32, Cluster>) -> Option<String> {
    let is_forward = |(_, cluster): &(u32, Cluster)| cluster.first_end < cluster.last_begin;
    let (mut forward, backward): (Vec<_>, Vec<_>) = clusters.into_iter().partition(is_forward);
    forward.sort_unstable_by_key(|(_, cluster)| cluster.first_end);
    for pair in forward.windows(2) {
        let [(old, a), (new, b)] = pair else { continue };
        if b.first_end < a.last_begin {
            return Some(format!(
                "versions {old} and {new} were each read after the other"
            ));
        }
    }
    for (version, zone) in backward {
        // The last forward zone that starts before this one; earlier ones have ended by then.
        let next = forward.partition_point(|(_, other)| other.first_end < zone.last_begin);
        let Some((around, other)) = next.checked_sub(1).map(|index| forward[index]) else {
            continue;
        };
        if zone.first_end < other.last_begin {
            return Some(format!(
                "version {version} came and went while version {around} was there all the time"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `w1 0-5` or `r1 2-3`; `w1 0-?` has no known end.
    fn history(text: &str) -> Vec<Event> {
        let event = |part: &str| {
            let (what, span) = part.trim().split_once(' ').unwrap();
            let (begun, ended) = span.split_once('-').unwrap();
            Event {
                write: what.starts_with('w'),
                version: what[1..].parse().unwrap(),
                begun: begun.parse().unwrap(),
                ended: ended.parse().ok(),
            }
        };
        text.split(',').map(event).collect()
    }

    #[test]
    fn stories_and_what_they_come_to() {
        let atomic = [
            "r0 1-2, w1 3-4, r1 5-6",
            "w1 1-9, r1 2-3, r1 4-5",
            "w1 1-9, r0 2-3, r1 4-5",
            "w1 1-2, w2 3-9, r1 4-6, r2 5-7",
            "w1 1-2, w2 3-?, r1 4-5, r1 6-7",
            "w1 1-2, w2 3-?, w3 4-5, r3 6-7, r2 8-9",
        ];
        for text in atomic {
            assert_eq!(violation(&history(text)), None, "{text}");
        }
        let broken = [
            ("w1 1-2, r0 3-4", "version 1 came and went"),
            ("w1 1-9, r1 2-3, r0 4-5", "came and went"),
            (
                "w1 1-2, w2 3-4, r2 5-6, r1 7-8",
                "each read after the other",
            ),
            ("w1 3-4, r1 1-2", "before it was written"),
            ("r7 1-2", "never written"),
            ("w1 1-2, w2 3-?, r2 4-5, r1 6-7", "came and went"),
        ];
        for (text, reason) in broken {
            let found = violation(&history(text)).unwrap_or_default();
            assert!(found.contains(reason), "{text}: {found}");
        }
    }

    /// Tries all orders: the definition itself, for small histories.
    fn atomic_by_search(events: &[Event], done: u32, value: u32) -> bool {
        let left = |index: &usize| done & 1 << index == 0;
        let open: Vec<usize> = (0..events.len()).filter(left).collect();
        // Writes without a reply need not happen.
        if open.iter().all(|&index| events[index].ended.is_none()) {
            return true;
        }
        let first_end = open.iter().filter_map(|&index| events[index].ended).min();
        open.iter().any(|&index| {
            let event = events[index];
            let first = first_end.is_none_or(|end| event.begun <= end);
            let fits = event.write || event.version == value;
            let value = if event.write { event.version } else { value };
            first && fits && atomic_by_search(events, done | 1 << index, value)
        })
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        // Distinct instants: a permutation of begins and ends.
        let instants: Vec<u64> = (1..=14).collect();
        let kinds = prop::collection::vec((any::<bool>(), 0u32..4, 0u8..5), 7);
        (Just(instants).prop_shuffle(), kinds).prop_map(|(instants, kinds)| {
            let mut writes = 0;
            let make = |(pair, (write, version, open)): (&[u64], (bool, u32, u8))| {
                writes += u32::from(write);
                Event {
                    write,
                    version: if write { writes } else { version },
                    begun: pair[0].min(pair[1]),
                    ended: (!write || open > 0).then_some(pair[0].max(pair[1])),
                }
            };
            instants.chunks(2).zip(kinds).map(make).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn zones_say_what_a_search_of_all_orders_says(events in events()) {
            prop_assert_eq!(violation(&events).is_none(), atomic_by_search(&events, 0, 0));
        }
    }
}
