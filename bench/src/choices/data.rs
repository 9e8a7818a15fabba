//! What a comparison found, as `comparison.json` has it: plain structs for the pages to read.
//!
//! Units stand in the fields' names or beside them: `_ns` nanoseconds, `_us` microseconds, `_share`
//! and `_cv` parts of 1 (0.031 is 3.1%). A load is relative to what the peer should have by its
//! weight: 1 is just right, 1.25 a quarter too much. A figure that chance alone moves has its
//! `floor` beside it: what an ideal hash and an ideal distribution would show with as many keys.

use serde::{Deserialize, Serialize};

/// Counts up with each change that a reader must know of. 1 is the demo's short comparison.
pub(crate) const SCHEMA_VERSION: u32 = 2;

/// Everything a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// By hash, in table order; empty when only distributions were asked for.
    pub(crate) hashes: Vec<HashRow>,
    /// By placing and ring: all rings of one placing, then the next; empty when only hashes were.
    pub(crate) distributions: Vec<RingRow>,
    /// Every hash by every placing; only of `all`.
    pub(crate) pairs: Vec<PairRow>,
    /// Real rings under load; only of `all`, and none where they could not be run.
    pub(crate) loads: Option<RingLoads>,
}

/// Where a comparison comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// When it began, in UTC: `2026-01-31T23-59-58`.
    pub(crate) when: String,
    /// Which kind of machine; `machine.txt` tells more.
    pub(crate) machine: String,
    /// Of which commit; `+` when files differed from it; `unknown` outside a repository.
    pub(crate) revision: String,
    /// The command that repeats it.
    pub(crate) command: String,
    /// `hashes`, `distributions` or `all`.
    pub(crate) noun: String,
    /// The keys.
    pub(crate) keys: KeysAbout,
    /// The hash under which distributions are compared.
    pub(crate) reference_hash: String,
    /// Peers of the made-up rings, rising.
    pub(crate) peers: Vec<usize>,
    /// The topology file, where one was given.
    pub(crate) topology: Option<TopologyAbout>,
    /// Why there are no instructions, where there are none.
    pub(crate) uncounted: Option<String>,
    /// Why no real rings were loaded, where none were.
    pub(crate) unloaded: Option<String>,
    /// What speaks against timing on this machine at the beginning; empty when nothing does.
    pub(crate) objections: Vec<String>,
    /// Bytes that were read between two cold lookups: twice the last cache.
    pub(crate) evicted_bytes: usize,
    /// Seconds of work, over all goes of an interrupted comparison.
    pub(crate) took_s: f64,
}

/// The keys that were hashed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeysAbout {
    /// The generator, or the file's name.
    pub(crate) source: String,
    /// Lines, or draws of a generator: each is one access.
    pub(crate) accesses: u64,
    /// Keys that differ.
    pub(crate) distinct: usize,
    /// Shortest, mean and longest key in bytes.
    pub(crate) bytes_min: usize,
    pub(crate) bytes_mean: f64,
    pub(crate) bytes_max: usize,
    /// Share of the accesses that go to the most wanted key.
    pub(crate) hottest_share: f64,
    /// The first keys, for people; bytes that can't be shown are escaped.
    pub(crate) examples: Vec<String>,
}

/// A topology file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TopologyAbout {
    /// Its path as it was given.
    pub(crate) file: String,
    /// The hash it names.
    pub(crate) hash: String,
    /// The distribution it names.
    pub(crate) distribution: String,
    /// The hash tag it names.
    pub(crate) hash_tag: Option<String>,
    /// Its racks, as the rings of this comparison are called.
    pub(crate) racks: Vec<String>,
}

/// The middle of repeated times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Time {
    /// Nanoseconds: the median of the rounds.
    pub(crate) ns: f64,
    /// A quarter of the rounds was faster.
    pub(crate) p25_ns: f64,
    /// A quarter of the rounds was slower.
    pub(crate) p75_ns: f64,
}

/// A crate that does the same, timed in the same rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rival {
    /// Crate and function.
    pub(crate) name: String,
    pub(crate) time: Time,
    /// Our time over its time: the median over the rounds of neighbouring samples. Below 1 is
    /// faster than the crate.
    pub(crate) ratio: f64,
    /// Its instructions an operation.
    pub(crate) instructions: Option<f64>,
}

/// One hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HashRow {
    /// The name in the configuration.
    pub(crate) name: String,
    pub(crate) about: String,
    /// Width of its values.
    pub(crate) bits: u8,
    /// By length of key, rising; the given keys come last.
    pub(crate) speeds: Vec<Speed>,
    pub(crate) quality: Option<Quality>,
}

/// What hashing one key costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Speed {
    /// Bytes of the key; none for the given keys with their own lengths, mixed.
    pub(crate) length: Option<usize>,
    pub(crate) time: Time,
    /// Instructions a key, loop and call included.
    pub(crate) instructions: Option<f64>,
    pub(crate) rivals: Vec<Rival>,
}

/// How well a hash mixes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quality {
    /// The given keys in buckets.
    pub(crate) buckets: Vec<Buckets>,
    /// Of the bits of the values of the given keys, the one whose share of ones is farthest from a
    /// half: how far, and what chance alone does to the worst of so many bits (its median).
    pub(crate) bias_worst: f64,
    pub(crate) bias_floor: f64,
    /// Share of output bits that change with one input bit, over 16-byte keys: 0.5 is ideal.
    pub(crate) avalanche_mean: f64,
    /// The pair of input and output bit farthest from a half: how far (0.5 is: never or always
    /// together), and what chance alone does to the worst of so many pairs (its median).
    pub(crate) avalanche_worst: f64,
    pub(crate) avalanche_floor: f64,
    pub(crate) collisions: Collisions,
}

/// Keys in buckets, against an even spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Buckets {
    /// How many.
    pub(crate) count: usize,
    /// `remainder` of the value, as modula divides, or equal `ranges` of it, as rings do.
    pub(crate) by: String,
    pub(crate) evenness: Evenness,
}

/// How evenly keys lie over peers or buckets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evenness {
    /// Keys that were counted.
    pub(crate) keys: u64,
    /// Standard deviation of the loads over their mean. The floor is √((N−1)/K), for equal weights.
    pub(crate) cv: Floored,
    /// The greatest load.
    pub(crate) peak: Floored,
    /// The least load.
    pub(crate) least: Floored,
    /// The load that 99% of the peers stay at or below (below 100 peers: the greatest).
    pub(crate) p99: Floored,
    /// χ² against shares by weight.
    pub(crate) chi_square: f64,
    /// Its degrees of freedom, which is what an ideal hash shows on average.
    pub(crate) degrees: usize,
    /// Probability of so large a χ² by chance. Near 1: more even than chance, as of a remainder of
    /// numbers in sequence.
    pub(crate) p_value: f64,
}

/// A figure and what chance alone makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Floored {
    pub(crate) seen: f64,
    /// The median over draws in which each key goes to a peer by chance, in proportion to weights.
    pub(crate) floor: f64,
}

/// Different keys with one value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Collisions {
    /// Keys minus values that differ, over the hash's whole width.
    pub(crate) found: u64,
    /// What an ideal hash of that width gives on average.
    pub(crate) expected: f64,
    /// The same over the low 32 bits, which is what a ring of tokens sees.
    pub(crate) found_32: u64,
    pub(crate) expected_32: f64,
}

/// One placing over one ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RingRow {
    /// How reports call it: the distribution, and how points are given where there is a choice
    /// (`vnode`: one even token each or the file's tokens; `vnode/160`: random ones).
    pub(crate) placing: String,
    /// The distribution's name in the configuration.
    pub(crate) distribution: String,
    pub(crate) about: String,
    /// `8 peers`, or a rack of the topology file.
    pub(crate) ring: String,
    /// Whether the ring comes from the topology file, and whether this is the distribution it names.
    pub(crate) given: bool,
    pub(crate) configured: bool,
    pub(crate) peers: usize,
    /// The hash.
    pub(crate) hash: String,
    /// Why ringd would not serve with it; all below is missing then, but `servers`.
    pub(crate) refused: Option<String>,
    pub(crate) lookup: Option<Lookup>,
    pub(crate) table: Option<TableCost>,
    pub(crate) balance: Option<Balance>,
    /// By change: `add`, `remove`, `weight`, `replace`.
    pub(crate) movements: Vec<Movement>,
    pub(crate) replicas: Option<Replicas>,
    /// Load by accesses under Zipf laws, rising exponents.
    pub(crate) zipf: Vec<ZipfLoad>,
    pub(crate) bounded: Option<Bounded>,
    /// Each peer: of rings of the topology file only, in the file's order.
    pub(crate) servers: Vec<ServerLoad>,
}

/// What finding an owner costs, from a hash that is there already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lookup {
    /// 4,096 hashes in turn: the table is in the cache as far as it goes in.
    pub(crate) warm: Time,
    /// One lookup right after `evicted_bytes` of other memory were read.
    pub(crate) cold: Time,
    /// Instructions a lookup, loop and call included.
    pub(crate) instructions: Option<f64>,
    /// Why they were not counted, where the others were.
    pub(crate) uncounted: Option<String>,
    pub(crate) rivals: Vec<Rival>,
}

/// What having the table costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableCost {
    /// Making it from a list of peers.
    pub(crate) build: Time,
    /// Making the next one from it, with one peer more.
    pub(crate) rebuild: Time,
    /// Rows: points, slices, entries.
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// How evenly the given keys lie over the peers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Balance {
    /// Each key once.
    pub(crate) keys: Evenness,
    /// Standard deviation of the shares over the fair ones, without the chance of sampling: exact
    /// where a table divides the values, what is aimed at where each key is drawn (`jump`, the
    /// `rendezvous`). None where no key has a share (`random`).
    pub(crate) share_cv: Option<f64>,
    /// Greatest load when each key counts as often as it is accessed; equal to that by keys when
    /// no line of the file comes twice.
    pub(crate) peak_accesses: f64,
}

/// What a change moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// `add` one of weight 1 at the end, `remove` the middle one, `weight` of the middle one
    /// doubled, `replace` the middle one by one of another name with its tokens and weight.
    pub(crate) change: String,
    /// Share of the keys that have another owner.
    pub(crate) moved_share: f64,
    /// The least share that must move for shares by weight.
    pub(crate) ideal_share: f64,
    /// The one over the other; 0 where weights have no effect.
    pub(crate) over_ideal: f64,
    /// Share of the keys that moved from one unaffected peer to another: nobody needed that.
    pub(crate) between_others_share: f64,
    /// The same two when the new table is made from the new list alone, as by a node that starts.
    pub(crate) fresh_over_ideal: f64,
    pub(crate) fresh_between_others_share: f64,
    /// Share of the keys for which a node that followed the change and one that started after it
    /// name different owners. Must be 0 where nodes of one ring may restart.
    pub(crate) restart_disagrees_share: f64,
}

/// Who shares keys with whom: three racks of this ring, one owner a rack, as ringd places replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replicas {
    pub(crate) racks: usize,
    /// Keys that were placed.
    pub(crate) keys: usize,
    /// Different sets of owners seen, and how many there can be (or keys, when these are fewer).
    pub(crate) sets: usize,
    pub(crate) sets_max: usize,
    /// Peers of the other racks that share keys with one peer: mean, least and most over peers of
    /// the first rack. These take over when it fails.
    pub(crate) fan_out_mean: f64,
    pub(crate) fan_out_min: usize,
    pub(crate) fan_out_max: usize,
    /// The greatest part of a failed peer's keys that one peer of another rack holds: mean over
    /// the peers, and the worst.
    pub(crate) takeover_mean_share: f64,
    pub(crate) takeover_worst_share: f64,
    /// Share of the keys whose owners are all in different racks. ringd places one in each rack,
    /// so anything but 1 is a fault.
    pub(crate) rack_diversity_share: f64,
}

/// Load when keys are wanted unequally.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ZipfLoad {
    /// The key of rank r is wanted in proportion to r^-exponent; ranks are dealt by chance.
    pub(crate) exponent: f64,
    /// Greatest load.
    pub(crate) peak: Floored,
    /// Standard deviation of the loads over their mean.
    pub(crate) cv: Floored,
    /// Part of all accesses that go to the most wanted key: its owner has at least that.
    pub(crate) hottest_share: f64,
}

/// Bounded loads: no peer above a ratio of the mean, the rest goes on to the next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bounded {
    /// Greatest load that is allowed.
    pub(crate) ratio: f64,
    /// Greatest load that came.
    pub(crate) peak: f64,
    /// Candidates that were full when a key came by: the mean over the keys.
    pub(crate) hops_mean: f64,
    /// Share of the keys that are not at their first choice.
    pub(crate) displaced_share: f64,
    /// Keys that move when one is added, over the least that must.
    pub(crate) moved_over_ideal: f64,
}

/// One peer of a given ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerLoad {
    pub(crate) name: String,
    pub(crate) weight: u32,
    /// Its part by weight.
    pub(crate) fair_share: f64,
    /// Keys and accesses that come to it.
    pub(crate) keys: u64,
    pub(crate) accesses: u64,
    /// Keys over its fair part; 1 is just right.
    pub(crate) load: f64,
    /// Standard deviations of chance that the keys are away from the fair part: beyond ±4 it is
    /// the placing, not chance.
    pub(crate) sigmas: f64,
}

/// One hash by one placing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PairRow {
    pub(crate) hash: String,
    pub(crate) placing: String,
    pub(crate) distribution: String,
    pub(crate) ring: String,
    pub(crate) peers: usize,
    /// Why ringd would not serve with it.
    pub(crate) refused: Option<String>,
    /// The given keys over the peers.
    pub(crate) spread: Option<Evenness>,
}

/// Real rings of ringd under load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RingLoads {
    /// Nodes of each ring, all in one rack; the load goes to the first one.
    pub(crate) nodes: usize,
    /// Response that 99% of the requests must meet, in ms.
    pub(crate) objective_p99_ms: f64,
    pub(crate) connections: u32,
    /// What the load is, in words.
    pub(crate) about: String,
    pub(crate) rows: Vec<RingLoad>,
}

/// One pair under load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RingLoad {
    pub(crate) hash: String,
    pub(crate) distribution: String,
    /// Why this pair was taken.
    pub(crate) why: String,
    /// Processor time of all nodes for one request, user and system, in ns: over the slices, which
    /// alternate between the pairs.
    pub(crate) cpu: Time,
    /// Over the first pair's in neighbouring slices: median, least and most.
    pub(crate) cpu_ratio: [f64; 3],
    pub(crate) slices: usize,
    /// Highest rate tried that met the objective, and lowest that did not, a second.
    pub(crate) met_per_s: Option<f64>,
    pub(crate) missed_per_s: Option<f64>,
    /// Every try: rate offered, p99 of the response in ms (none: too few answers), whether it met
    /// the objective.
    pub(crate) tries: Vec<Try>,
}

/// One rate that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Try {
    pub(crate) rate_per_s: f64,
    pub(crate) completed_per_s: f64,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) failed: u64,
    pub(crate) met: bool,
}
