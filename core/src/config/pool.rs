//! What the configuration says, as values: the one pool a node serves.

use super::document::{Node, Position, Value};
use super::parts::{Address, BucketType, LogFormat, LogLevel, SecureServers, Seed, Weight};
use super::table::KEYS;
use crate::consistency::Consistency;
use crate::distribution::{DistributionKind, LoadBound, Token};
use crate::hash::HashKind;
use crate::topology::{PeerSpec, Topology, TopologyError};

/// The settings of a node. Times in ms, sizes in bytes.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The name on top of the file: the cluster's.
    pub name: String,
    /// Where clients connect.
    pub listen: Address,
    /// Where peers connect.
    pub dyn_listen: Address,
    /// Where the admin pages are; none when off.
    pub stats_listen: Option<Address>,
    /// What other nodes call this one, when it is not `dyn_listen`.
    pub advertise: Option<Address>,
    /// Whether clients and peers of other machines are kept out.
    pub protected_mode: bool,
    /// This node's datacenter.
    pub datacenter: String,
    /// This node's rack.
    pub rack: String,
    /// This node's tokens.
    pub tokens: Vec<Token>,
    /// The other nodes of the ring.
    pub seeds: Vec<Seed>,
    /// Where Dynomite would get the seeds from.
    pub dyn_seed_provider: String,
    /// Key to token.
    pub hash: HashKind,
    /// The characters around the hashed part of a key.
    pub hash_tag: Option<[u8; 2]>,
    /// Token to peer.
    pub distribution: DistributionKind,
    /// How much of its fair share a peer may get.
    pub bounded_load: Option<LoadBound>,
    /// A second distribution that is compared and never used.
    pub distribution_shadow: Option<DistributionKind>,
    /// A second hash that is compared and never used.
    pub hash_shadow: Option<HashKind>,
    /// Nodes whose share is not 1.
    pub weights: Vec<Weight>,
    /// The level of reads.
    pub read_consistency: Consistency,
    /// The level of writes.
    pub write_consistency: Consistency,
    /// Whether divergent replicas are written to.
    pub read_repairs_enabled: bool,
    /// Settings by bucket.
    pub bucket_types: Vec<BucketType>,
    /// The bucket type of all other keys.
    pub default_bucket_type: Option<String>,
    /// Which peer links ask for encryption.
    pub secure_servers: SecureServers,
    /// Whether a read without a majority is an error.
    pub strict_quorum: bool,
    /// Whether hints count toward a quorum.
    pub sloppy_quorum: bool,
    /// How long a request may take.
    pub timeout_ms: u64,
    /// Connections that may wait to be accepted.
    pub backlog: u64,
    /// Most clients at a time; 0 for the node's own limit.
    pub client_connections: u64,
    /// Unsent bytes after which a client is closed.
    pub client_output_buffer_limit: u64,
    /// Whether writes for a peer that is away are kept for it.
    pub enable_hinted_handoff: bool,
    /// How long they are kept.
    pub hint_ttl_ms: u64,
    /// How many bytes of them, over all peers.
    pub hint_store_max_bytes: u64,
    /// Most bytes of hints a second to one peer.
    pub hint_drain_rate: u64,
    /// How long a deletion is remembered.
    pub gc_grace_ms: u64,
    /// How often an idle peer link is asked for a sign of life.
    pub heartbeat_interval_ms: u64,
    /// Silence after which a peer counts as down.
    pub peer_timeout_ms: u64,
    /// How long an orderly end may take.
    pub shutdown_grace_ms: u64,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are written.
    pub log_level: LogLevel,
}

impl Default for PoolConfig {
    /// What the table of keys says.
    fn default() -> Self {
        let mut pool = Self::blank();
        for key in KEYS
            .iter()
            .filter(|key| key.is_used() && !key.default.is_empty())
        {
            let node = Node {
                at: Position::START,
                value: Value::Scalar(key.default.to_owned()),
            };
            key.apply(&mut pool, &node)
                .expect("each default is taken by its own key: tested over all rows");
        }
        pool
    }
}

impl PoolConfig {
    /// Before the table's defaults.
    fn blank() -> Self {
        let nowhere = Address {
            host: "127.0.0.1".to_owned(),
            port: 0,
        };
        Self {
            name: "dyn_o_mite".to_owned(),
            listen: nowhere.clone(),
            dyn_listen: nowhere,
            stats_listen: None,
            advertise: None,
            protected_mode: true,
            datacenter: String::new(),
            rack: String::new(),
            tokens: Vec::new(),
            seeds: Vec::new(),
            dyn_seed_provider: String::new(),
            hash: HashKind::by_name("murmur").expect("a row of the table of hashes"),
            hash_tag: None,
            distribution: DistributionKind::by_name("vnode")
                .expect("a row of the table of distributions"),
            bounded_load: None,
            distribution_shadow: None,
            hash_shadow: None,
            weights: Vec::new(),
            read_consistency: Consistency::DcOne,
            write_consistency: Consistency::DcOne,
            read_repairs_enabled: false,
            bucket_types: Vec::new(),
            default_bucket_type: None,
            secure_servers: SecureServers::None,
            strict_quorum: false,
            sloppy_quorum: false,
            timeout_ms: 0,
            backlog: 0,
            client_connections: 0,
            client_output_buffer_limit: 0,
            enable_hinted_handoff: false,
            hint_ttl_ms: 0,
            hint_store_max_bytes: 0,
            hint_drain_rate: 0,
            gc_grace_ms: 0,
            heartbeat_interval_ms: 0,
            peer_timeout_ms: 0,
            shutdown_grace_ms: 0,
            log_format: LogFormat::default(),
            log_level: LogLevel::default(),
        }
    }

    /// The name other nodes know this one by.
    #[must_use]
    pub fn local_name(&self) -> String {
        self.advertise
            .as_ref()
            .unwrap_or(&self.dyn_listen)
            .to_string()
    }

    /// Whether the node is alone.
    #[must_use]
    pub const fn is_single(&self) -> bool {
        self.seeds.is_empty()
    }

    /// The ring of these settings, refused when it would leave a peer without keys.
    ///
    /// # Errors
    /// What is wrong with the ring, and what would work.
    pub fn topology(&self) -> Result<Topology, TopologyError> {
        let topology = self.ring()?;
        topology.check_spread()?;
        Ok(topology)
    }

    /// The ring of these settings, whatever it leaves to a peer: for asking who would own a key.
    ///
    /// # Errors
    /// What is wrong with the ring.
    pub fn ring(&self) -> Result<Topology, TopologyError> {
        let topology = Topology::build(
            self.peers(),
            &self.local_name(),
            self.hash,
            self.bounded_distribution(),
            self.hash_tag,
        )?;
        match self.shadow() {
            Some((hash, distribution)) => topology.with_shadow(hash, distribution),
            None => Ok(topology),
        }
    }

    /// What the shadow would place keys by: what is not set is as in use. `None` when nothing
    /// would differ.
    #[must_use]
    pub fn shadow(&self) -> Option<(HashKind, DistributionKind)> {
        let used = (self.hash, self.bounded_distribution());
        let shadow = (
            self.hash_shadow.unwrap_or(used.0),
            self.distribution_shadow.unwrap_or(used.1),
        );
        (shadow != used).then_some(shadow)
    }

    /// The distribution in use, with its bound if there is one.
    fn bounded_distribution(&self) -> DistributionKind {
        match self.bounded_load {
            Some(bound) => self.distribution.bounded(bound),
            None => self.distribution,
        }
    }

    fn weight_of(&self, name: &str) -> u32 {
        let listed = self
            .weights
            .iter()
            .find(|listed| listed.address.to_string() == name);
        listed.map_or(1, |listed| listed.weight)
    }

    /// Every node of the ring, this one first.
    fn peers(&self) -> Vec<PeerSpec> {
        let alone = self.is_single() && self.tokens.is_empty();
        let tokens = if alone {
            vec![Token::of_hash(0)]
        } else {
            self.tokens.clone()
        };
        let local = PeerSpec {
            name: self.local_name(),
            datacenter: self.datacenter.clone(),
            rack: self.rack.clone(),
            tokens,
            weight: self.weight_of(&self.local_name()),
        };
        let others = self.seeds.iter().map(|seed| PeerSpec {
            name: seed.address.to_string(),
            datacenter: seed.datacenter.clone(),
            rack: seed.rack.clone(),
            tokens: seed.tokens.clone(),
            weight: self.weight_of(&seed.address.to_string()),
        });
        std::iter::once(local).chain(others).collect()
    }
}
