//! Whether the nodes hold the same keys with the same values. Each node is asked for its own copy.

use std::collections::BTreeMap;

use anyhow::Result;
use redis::Connection;

use super::witness::{self, Testimony};
use crate::cluster::Place;

/// Keys asked for at a time.
const BATCH: usize = 1000;

/// All a node holds.
type Contents = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the comparison found.
#[derive(Debug)]
pub(crate) struct Agreement {
    /// By node, how many keys it says it holds.
    pub(crate) sizes: Vec<u64>,
    /// Keys that some node does not hold, or holds with another value.
    pub(crate) differing: usize,
    /// Acknowledged writes of the witness that some node lacks.
    pub(crate) lost: usize,
    /// The first of them, in words.
    pub(crate) example: Option<String>,
}

impl Agreement {
    /// Whether there is nothing to say against it.
    pub(crate) fn is_whole(&self) -> bool {
        let same = self.sizes.windows(2).all(|pair| pair[0] == pair[1]);
        same && self.differing == 0 && self.lost == 0 && self.sizes.first().is_some_and(|n| *n > 0)
    }
}

/// Compares the nodes, which must be set to read with `DC_ONE`: a node then reads its own copy.
///
/// # Errors
/// A node that does not answer.
pub(crate) fn compare(places: &[Place], testimony: &Testimony) -> Result<Agreement> {
    let mut sizes = Vec::new();
    let mut contents = Vec::new();
    for place in places {
        let mut connection = witness::connect(place.client)?;
        sizes.push(redis::cmd("DBSIZE").query(&mut connection)?);
        contents.push(all(&mut connection)?);
    }
    let mut agreement = Agreement {
        sizes,
        differing: 0,
        lost: 0,
        example: None,
    };
    agreement.count_differing(places, &contents);
    agreement.count_lost(places, &contents, testimony);
    Ok(agreement)
}

impl Agreement {
    fn count_differing(&mut self, places: &[Place], contents: &[Contents]) {
        let mut keys: Vec<&Vec<u8>> = contents.iter().flat_map(BTreeMap::keys).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let first = contents[0].get(key);
            let other = contents.iter().position(|node| node.get(key) != first);
            if let Some(other) = other {
                self.differing += 1;
                let key = String::from_utf8_lossy(key);
                let (a, b) = (&places[0].name, &places[other].name);
                self.say(|| format!("{key} differs between {a} and {b}"));
            }
        }
    }

    fn count_lost(&mut self, places: &[Place], contents: &[Contents], testimony: &Testimony) {
        for (number, value) in testimony.acknowledged.iter().enumerate() {
            let key = witness::key(number as u64);
            for (place, node) in places.iter().zip(contents) {
                let held = node.get(key.as_bytes()).and_then(Option::as_deref);
                let held = held
                    .and_then(|text| std::str::from_utf8(text).ok())
                    .and_then(|text| text.parse::<u64>().ok());
                // A later write may have arrived without its acknowledgement.
                if *value > 0 && held.is_none_or(|held| held < *value) {
                    self.lost += 1;
                    self.say(|| format!("{} holds {held:?} in {key}, not {value}", place.name));
                }
            }
        }
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        self.example.get_or_insert_with(text);
    }
}

fn all(connection: &mut Connection) -> Result<Contents> {
    let mut keys = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("COUNT").arg(BATCH);
        let (next, page): (u64, Vec<Vec<u8>>) = scan.query(connection)?;
        keys.extend(page);
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    let mut contents = Contents::new();
    for batch in keys.chunks(BATCH) {
        let mut pipe = redis::pipe();
        for key in batch {
            pipe.cmd("GET").arg(key);
        }
        let values: Vec<Option<Vec<u8>>> = pipe.query(connection)?;
        contents.extend(batch.iter().cloned().zip(values));
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(pairs: &[(&str, &str)]) -> Contents {
        let pair = |(key, value): &(&str, &str)| {
            (key.as_bytes().to_vec(), Some(value.as_bytes().to_vec()))
        };
        pairs.iter().map(pair).collect()
    }

    fn places() -> Vec<Place> {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        ["n1", "n2"]
            .map(|name| Place {
                name: name.into(),
                rack: name.into(),
                client: address,
                peer: address,
                admin: address,
            })
            .into()
    }

    #[test]
    fn a_missing_or_older_copy_is_found() {
        let places = places();
        let nodes = [
            contents(&[("a", "1"), ("b", "1"), ("witness:0", "100")]),
            contents(&[("a", "2"), ("witness:0", "90")]),
        ];
        let mut agreement = Agreement {
            sizes: vec![3, 2],
            differing: 0,
            lost: 0,
            example: None,
        };
        agreement.count_differing(&places, &nodes);
        assert_eq!(agreement.differing, 3);
        let testimony = Testimony {
            acknowledged: vec![95],
            ..Testimony::default()
        };
        agreement.count_lost(&places, &nodes, &testimony);
        assert_eq!(agreement.lost, 1);
        assert!(!agreement.is_whole());
        assert_eq!(
            agreement.example.as_deref(),
            Some("a differs between n1 and n2")
        );
    }
}
