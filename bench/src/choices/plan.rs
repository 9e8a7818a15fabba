//! The units of work of a comparison, what each is about and how long it takes about.

use anyhow::{Context, Result};
use ringlab_core::distribution::Claimant;
use ringlab_core::hash::{HASHES, HashKind};
use ringlab_core::limits::PEERS_MAX;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::balance::Counted;
use super::data::{Balance, Bounded, Movement, PairRow, Replicas, ServerLoad, TableCost, ZipfLoad};
use super::journal::Journal;
use super::rings::{Placing, Ring, placings};
use super::setting::Setting;
use super::{bounded, counts, engine};
use super::{hash_quality, hash_speed, lookup_speed, movement, pairs, replicas, table_cost};

/// A unit of work: measured as a whole, written down as one line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Work {
    /// All hashes at one length, or on the given keys.
    HashSpeed(Option<usize>),
    /// How one hash mixes.
    HashQuality(String),
    /// All placings of one ring.
    Lookups(String),
    /// All else of one placing of one ring.
    Placed(String, String),
    /// Instructions of all hashes and lookups.
    Counts,
    /// One hash by all placings.
    Pairs(String),
    /// Real rings of the leading pairs.
    Loads,
}

/// What one placing of one ring comes to, apart from times of lookups.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) refused: Option<String>,
    pub(crate) table: Option<TableCost>,
    pub(crate) balance: Option<Balance>,
    pub(crate) movements: Vec<Movement>,
    pub(crate) replicas: Option<Replicas>,
    pub(crate) zipf: Vec<ZipfLoad>,
    pub(crate) bounded: Option<Bounded>,
    pub(crate) servers: Vec<ServerLoad>,
}

/// Every unit, in the order in which they are done.
pub(crate) fn units(setting: &Setting) -> Vec<Work> {
    let noun = setting.asked.noun;
    let mut all = Vec::new();
    if noun.has_hashes() {
        let lengths = hash_speed::LENGTHS.into_iter().map(Some);
        all.extend(lengths.chain([None]).map(Work::HashSpeed));
        let names = HASHES.iter().map(|row| row.name.to_owned());
        all.extend(names.map(Work::HashQuality));
    }
    if noun.has_distributions() {
        for ring in &setting.rings {
            all.push(Work::Lookups(ring.label.clone()));
            let names = placings().into_iter().map(|placing| placing.name);
            all.extend(names.map(|name| Work::Placed(ring.label.clone(), name)));
        }
    }
    if setting.asked.count {
        all.push(Work::Counts);
    }
    if noun == super::setting::Noun::All {
        all.extend(HASHES.iter().map(|row| Work::Pairs(row.name.to_owned())));
        all.extend(setting.asked.load.then_some(Work::Loads));
    }
    all
}

impl Work {
    /// Its name in the journal.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::HashSpeed(Some(length)) => format!("hash-speed/{length}B"),
            Self::HashSpeed(None) => "hash-speed/keys".to_owned(),
            Self::HashQuality(hash) => format!("hash-quality/{hash}"),
            Self::Lookups(ring) => format!("lookups/{ring}"),
            Self::Placed(ring, placing) => format!("placed/{ring}/{placing}"),
            Self::Counts => "instructions".to_owned(),
            Self::Pairs(hash) => format!("pairs/{hash}"),
            Self::Loads => "loads".to_owned(),
        }
    }

    /// Seconds it takes about, on a machine of 2026 with a million keys: for the time to go.
    pub(crate) fn estimate_s(&self, setting: &Setting) -> f64 {
        let keys = setting.keys.len() as f64 / 1e6;
        let peers = |label: &str| setting.ring(label).map_or(8, |ring| ring.peers.len()) as f64;
        match self {
            Self::HashSpeed(_) => 0.4,
            Self::HashQuality(_) => 0.1 + 0.6 * keys,
            Self::Lookups(_) => 3.0,
            Self::Placed(ring, placing) if placing == "rendezvous" => {
                0.4 + keys * 0.004 * peers(ring)
            }
            Self::Placed(ring, _) => 0.6 + 0.4 * keys + 0.001 * peers(ring),
            Self::Counts => {
                30.0 + 0.03 * setting.rings.iter().map(|r| r.peers.len()).sum::<usize>() as f64
            }
            Self::Pairs(_) => 0.5 * keys,
            Self::Loads => 75.0,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Something that must be there is not.
    pub(crate) fn measure(&self, setting: &Setting, journal: &Journal) -> Result<Value> {
        let ring = |label: &str| setting.ring(label).context("a ring of the plan");
        let value = match self {
            Self::HashSpeed(length) => {
                serde_json::to_value(hash_speed::measure(*length, &setting.keys))
            }
            Self::HashQuality(hash) => {
                let hash = HashKind::by_name(hash)?;
                serde_json::to_value(hash_quality::measure(hash, &setting.keys))
            }
            Self::Lookups(label) => serde_json::to_value(lookup_speed::measure(
                ring(label)?,
                setting.reference,
                &setting.hashes,
                setting.evicted_bytes,
            )),
            Self::Placed(label, name) => {
                let placing = Placing::by_name(name).context("a placing of the plan")?;
                serde_json::to_value(placed(setting, ring(label)?, &placing))
            }
            Self::Loads => serde_json::to_value(engine::loads(setting, journal)?),
            Self::Counts => {
                serde_json::to_value(counts::measure(setting, &slow(setting, journal)?)?)
            }
            Self::Pairs(hash) => {
                let hash = HashKind::by_name(hash)?;
                let ring = setting.pair_ring().context("a ring of the plan")?;
                let values = setting.values(hash);
                let rows: Vec<PairRow> =
                    pairs::measure(hash, (&values, &setting.keys.accesses), ring);
                serde_json::to_value(rows)
            }
        };
        Ok(value?)
    }
}

/// Tables that take too long to make under valgrind, which is fifty times slower.
fn slow(setting: &Setting, journal: &Journal) -> Result<Vec<(String, String)>> {
    const BUILD_NS_MAX: f64 = 100e6;
    let mut slow = Vec::new();
    for ring in setting
        .rings
        .iter()
        .filter(|_| setting.asked.noun.has_distributions())
    {
        for placing in placings() {
            let id = Work::Placed(ring.label.clone(), placing.name.clone()).id();
            let placed: Option<Placed> = journal.read(&id)?;
            let table = placed.and_then(|placed| placed.table);
            if table.is_some_and(|table| table.build.ns > BUILD_NS_MAX) {
                slow.push((ring.label.clone(), placing.name));
            }
        }
    }
    Ok(slow)
}

fn placed(setting: &Setting, ring: &Ring, placing: &Placing) -> Placed {
    let claimants = placing.claimants(ring);
    match measured(setting, ring, placing, &claimants) {
        Ok(placed) => placed,
        Err(why) => Placed {
            refused: Some(why),
            servers: unserved((ring, placing), &claimants, setting),
            ..Placed::default()
        },
    }
}

/// What the file's own program makes of a ring that ringd refuses, such as twemproxy of a hash of
/// 15 bits: which servers have the keys, and which none.
fn unserved(
    (ring, placing): (&Ring, &Placing),
    claimants: &[Claimant],
    setting: &Setting,
) -> Vec<ServerLoad> {
    let kind = placing.kind;
    if ring.configured.as_deref() != Some(kind.name()) || placing.name != kind.name() {
        return Vec::new();
    }
    let built = kind.build(claimants, setting.reference);
    built.map_or_else(
        |_| Vec::new(),
        |built| {
            let accesses = &setting.keys.accesses;
            Counted::of(built.as_ref(), &setting.hashes, accesses).servers(claimants)
        },
    )
}

fn measured(
    setting: &Setting,
    ring: &Ring,
    placing: &Placing,
    claimants: &[Claimant],
) -> Result<Placed, String> {
    let (hash, hashes) = (setting.reference, &setting.hashes[..]);
    let built = placing.build(claimants, hash)?;
    let counted = Counted::of(built.as_ref(), hashes, &setting.keys.accesses);
    let (smaller, grown) = movement::growth(placing, claimants, PEERS_MAX);
    // A ring that can't grow by one, as of `single`, has no cost of growing.
    let table = table_cost::measure(placing, (&smaller, &grown), hash);
    let racks = setting.racks_with(ring);
    let bounds = [&smaller, &grown].map(|peers| placing.build(peers, hash));
    let bounded = match bounds {
        [Ok(built), Ok(next)] => {
            let both = (built.as_ref(), next.as_ref());
            bounded::measure(both, (&smaller, &grown), hashes)
        }
        _ => None,
    };
    Ok(Placed {
        refused: None,
        table: table.ok(),
        balance: Some(counted.balance(built.as_ref(), claimants)),
        movements: movement::measure(placing, claimants, (hash, hashes), PEERS_MAX),
        replicas: replicas::measure(placing, &racks, (hash, hashes)).ok(),
        zipf: setting.wanted.loads(built.as_ref(), claimants, hashes),
        bounded,
        servers: match ring.configured {
            Some(_) => counted.servers(claimants),
            None => Vec::new(),
        },
    })
}
