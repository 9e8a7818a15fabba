//! What a comparison is about: the keys, the rings, the reference hash, how much is measured.

use std::path::PathBuf;

use anyhow::Result;
use ringlab_core::hash::{HashKind, tag_range};

use super::cold;
use super::given::Given;
use super::journal::Fingerprint;
use super::keyset::{KeySet, fold};
use super::rings::Ring;
use super::zipf::Wanted;

/// The hash under which distributions are compared, unless a topology names one: Dynomite's own,
/// of 32 bits, which every distribution takes.
const REFERENCE: &str = "murmur";
/// Peers of the ring over which all pairs are compared.
const PAIR_PEERS: usize = 32;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Noun {
    /// Speed and mixing of every hash
    Hashes,
    /// Speed, balance and movement of every distribution
    Distributions,
    /// Both, all pairs of them, and real rings under load
    All,
}

impl Noun {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hashes => "hashes",
            Self::Distributions => "distributions",
            Self::All => "all",
        }
    }

    pub(crate) fn has_hashes(self) -> bool {
        self != Self::Distributions
    }

    pub(crate) fn has_distributions(self) -> bool {
        self != Self::Hashes
    }
}

/// What was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) noun: Noun,
    pub(crate) keys: String,
    pub(crate) peers: Vec<usize>,
    /// The rings of a topology file.
    pub(crate) given: Option<Given>,
    /// Whether instructions are counted.
    pub(crate) count: bool,
    /// Whether real rings are loaded, and the objective.
    pub(crate) load: bool,
    pub(crate) objective_p99_ms: f64,
    /// A hash other than the reference.
    pub(crate) hash: Option<String>,
    /// Where ringd and ringload are; else they are built.
    pub(crate) programs: Option<PathBuf>,
}

/// All that units of work need.
pub(crate) struct Setting {
    pub(crate) asked: Asked,
    pub(crate) keys: KeySet,
    pub(crate) reference: HashKind,
    /// The keys under the reference hash.
    pub(crate) hashes: Vec<u64>,
    pub(crate) wanted: Wanted,
    /// Made-up ones by rising peers, then those of the file.
    pub(crate) rings: Vec<Ring>,
    pub(crate) evicted_bytes: usize,
}

impl Setting {
    /// Reads or makes the keys, and makes the rings.
    ///
    /// # Errors
    /// Keys or a hash that are not there.
    pub(crate) fn of(asked: Asked) -> Result<Self> {
        let keys = KeySet::of(&asked.keys)?;
        let named = asked.given.as_ref().map(|given| given.about.hash.as_str());
        let name = asked.hash.as_deref().or(named).unwrap_or(REFERENCE);
        let reference =
            HashKind::by_name(name).map_err(|error| crate::exit::Usage(error.to_string()))?;
        let made_up = asked.peers.iter().map(|peers| Ring::made_up(*peers));
        let given = asked.given.iter().flat_map(|given| given.racks.clone());
        let rings: Vec<Ring> = made_up.chain(given).collect();
        Ok(Self {
            hashes: tagged(&keys, asked.given.as_ref(), reference),
            wanted: Wanted::of(keys.len()),
            evicted_bytes: cold::evicted_bytes(),
            keys,
            reference,
            rings,
            asked,
        })
    }

    /// The keys, or what their tags leave of them, under a hash.
    pub(crate) fn values(&self, hash: HashKind) -> Vec<u64> {
        tagged(&self.keys, self.asked.given.as_ref(), hash)
    }

    /// The ring of that label.
    pub(crate) fn ring(&self, label: &str) -> Option<&Ring> {
        self.rings.iter().find(|ring| ring.label == label)
    }

    /// The racks over which replicas of a ring are placed: the file's, where it has several, else
    /// this one and two like it.
    pub(crate) fn racks_with(&self, ring: &Ring) -> Vec<Ring> {
        match &self.asked.given {
            Some(given) if ring.configured.is_some() && given.racks.len() > 1 => {
                let others = given.racks.iter().filter(|rack| rack.label != ring.label);
                std::iter::once(ring).chain(others).cloned().collect()
            }
            _ => ring.three_racks(),
        }
    }

    /// The rings over which all pairs are compared: the file's first, else one of the made-up.
    pub(crate) fn pair_ring(&self) -> Option<&Ring> {
        let given = self.rings.iter().find(|ring| ring.configured.is_some());
        let usual = self
            .rings
            .iter()
            .find(|ring| ring.peers.len() == PAIR_PEERS);
        given.or(usual).or(self.rings.first())
    }

    /// What every unit depends on.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut parts = Fingerprint::new();
        let mut part = |name: &str, value: String| parts.insert(name.to_owned(), value);
        let program = std::env::current_exe().and_then(std::fs::read);
        let digest = program.map_or(0, |bytes| fold(bytes.into_iter()));
        part("binary", format!("{digest:016x}"));
        part("cpu", crate::report::kind());
        part("compare", self.asked.noun.name().to_owned());
        let keys = format!("{} ({:016x})", self.asked.keys, self.keys.digest());
        part("keys", keys);
        let peers: Vec<String> = self.asked.peers.iter().map(ToString::to_string).collect();
        part("peers", peers.join(","));
        part("hash", self.reference.name().to_owned());
        if let Some(given) = &self.asked.given {
            part(
                "topology",
                format!("{} ({:016x})", given.about.file, given.digest),
            );
        }
        if self.asked.load {
            part("p99", format!("{} ms", self.asked.objective_p99_ms));
        }
        parts
    }
}

fn tagged(keys: &KeySet, given: Option<&Given>, hash: HashKind) -> Vec<u64> {
    let tag = given.and_then(|given| given.hash_tag);
    keys.iter()
        .map(|key| hash.hash(tag_range(key, tag)))
        .collect()
}
