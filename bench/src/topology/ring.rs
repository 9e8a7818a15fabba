//! The ring of a `dynomite.yml` or of ringd's file: this node and its seeds.

use ringlab_core::config::document::{Entry, Position};
use ringlab_core::config::{Address, KEYS, PoolConfig, Seed, Weight};
use ringlab_core::distribution::{Claimant, Token};
use ringlab_core::hash::HashKind;

use super::file::{File, Word};
use super::{Datacenter, Pool, Rack};

/// Keys that place keys.
const PLACING: [&str; 9] = [
    "hash",
    "hash_tag",
    "distribution",
    "datacenter",
    "rack",
    "dyn_listen",
    "dyn_seeds",
    "tokens",
    "weights",
];

/// Keys that only files of a ring have.
pub(super) fn is_its_key(key: &str) -> bool {
    key.starts_with("dyn_") || matches!(key, "tokens" | "datacenter" | "rack")
}

/// A node and where it lives.
struct Peer {
    datacenter: String,
    rack: String,
    claimant: Claimant,
}

/// What has been read so far.
struct Reading {
    settings: PoolConfig,
    at: Position,
    hash: Option<HashKind>,
    local: String,
    tokens: Vec<Token>,
    seeds: Vec<(Position, Seed)>,
    weights: Vec<(Position, Weight)>,
    provider: Option<Word>,
}

/// Reads the first pool; none when something is missing, which is a problem of the file then.
pub(super) fn read(file: &mut File, pools: Vec<Entry>) -> Option<Pool> {
    let mut pools = pools.into_iter();
    let pool = pools.next()?;
    for extra in pools {
        let text = format!(
            "a second pool '{}': a file of a ring tells of one node; passed over",
            extra.key
        );
        file.note(extra.at, text);
    }
    let settings = PoolConfig::default();
    let mut reading = Reading {
        at: pool.at,
        hash: Some(settings.hash),
        local: settings.dyn_listen.to_string(),
        tokens: Vec::new(),
        seeds: Vec::new(),
        weights: Vec::new(),
        provider: None,
        settings,
    };
    reading.settings.name.clone_from(&pool.key);
    for entry in file.keys(pool) {
        reading.entry(file, &entry);
    }
    reading.finish(file)
}

impl Reading {
    fn entry(&mut self, file: &mut File, entry: &Entry) {
        let key = entry.key.as_str();
        match key {
            "hash" => {
                self.hash = file.word(entry).and_then(|word| {
                    let kind = HashKind::by_name(&word.text.to_ascii_lowercase());
                    file.taken(word.at, kind)
                });
            }
            "hash_tag" => self.settings.hash_tag = file.hash_tag(entry),
            "distribution" => self.distribution(file, entry),
            "datacenter" => set(file, entry, &mut self.settings.datacenter),
            "rack" => set(file, entry, &mut self.settings.rack),
            "dyn_listen" if self.settings.advertise.is_none() => set(file, entry, &mut self.local),
            "dyn_listen" => {}
            "advertise" => {
                set(file, entry, &mut self.local);
                self.settings.advertise = Some(self.settings.dyn_listen.clone());
            }
            "tokens" => {
                for word in file.words(entry) {
                    let tokens = tokens(&word.text);
                    self.tokens
                        .extend(file.taken(word.at, tokens).into_iter().flatten());
                }
            }
            "dyn_seeds" => self.seeds(file, entry),
            "weights" => {
                for (at, word) in each_word(file, entry) {
                    let weight = Weight::parse(word.trim_end_matches(','));
                    self.weights
                        .extend(file.taken(at, weight).map(|weight| (at, weight)));
                }
            }
            "dyn_seed_provider" => self.provider = file.word(entry),
            key if is_known(key) => {}
            _ => file.unknown(entry, &PLACING),
        }
    }

    fn distribution(&mut self, file: &mut File, entry: &Entry) {
        let Some(kind) = file.distribution(entry) else {
            return;
        };
        self.settings.distribution = kind;
        if kind.name() != "vnode" {
            let text = format!(
                "ringd places by {}; Dynomite ignores this key and always places by vnode",
                kind.name()
            );
            file.note(entry.at, text);
        }
    }

    fn seeds(&mut self, file: &mut File, entry: &Entry) {
        for (at, word) in each_word(file, entry) {
            let seed = Seed::parse(&word).map_err(|error| {
                format!("seed '{word}': {error}; the form is HOST:PORT:RACK:DATACENTER:TOKENS")
            });
            if let Some(seed) = file.taken(at, seed) {
                self.seeds.push((at, seed));
            }
        }
    }

    fn finish(mut self, file: &mut File) -> Option<Pool> {
        self.note_provider(file);
        if let Ok(address) = Address::parse(&self.local) {
            // As seeds are written.
            self.local = address.to_string();
        }
        if self.seeds.is_empty() && self.tokens.is_empty() {
            // A node alone owns all, whatever its token.
            self.tokens.push(Token::of_hash(0));
        }
        let mut peers = vec![Peer {
            datacenter: self.settings.datacenter.clone(),
            rack: self.settings.rack.clone(),
            claimant: claimant(self.local.clone(), self.tokens.clone()),
        }];
        for (at, seed) in std::mem::take(&mut self.seeds) {
            let name = seed.address.to_string();
            if let Some(first) = peers.iter().position(|peer| peer.claimant.name == name) {
                self.refuse_twice(file, at, first, &seed);
                continue;
            }
            peers.push(Peer {
                datacenter: seed.datacenter,
                rack: seed.rack,
                claimant: claimant(name, seed.tokens),
            });
        }
        self.weigh(file, &mut peers);
        let vnode = self.settings.distribution.name() == "vnode";
        if vnode && peers.iter().any(|peer| peer.claimant.tokens.is_empty()) {
            let text = "this node has no tokens: write 'tokens:' with at least one, such as \
                        tokens: '0'; `cargo lab tokens` finds good ones";
            file.problem(self.at, text);
        }
        Some(Pool {
            name: self.settings.name,
            hash: self.hash?,
            hash_tag: self.settings.hash_tag,
            distribution: self.settings.distribution,
            datacenters: placed(peers),
        })
    }

    fn weigh(&self, file: &mut File, peers: &mut [Peer]) {
        for (at, weight) in &self.weights {
            let name = weight.address.to_string();
            match peers.iter_mut().find(|peer| peer.claimant.name == name) {
                Some(peer) => peer.claimant.weight = weight.weight,
                None => file.problem(
                    *at,
                    format!("weights names {name}, which is no node of the ring"),
                ),
            }
        }
    }

    /// This node among its own seeds says nothing new; another one twice contradicts itself.
    fn refuse_twice(&self, file: &mut File, at: Position, first: usize, seed: &Seed) {
        let name = &seed.address;
        if first == 0 && seed.tokens == self.tokens {
            file.note(at, format!("{name} is this node itself; counted once"));
        } else {
            let text = format!("{name} stands here a second time; keep one line of it");
            file.problem(at, text);
        }
    }

    fn note_provider(&self, file: &mut File) {
        let elsewhere = |provider: &&Word| provider.text != "simple_provider";
        if let Some(provider) = self.provider.as_ref().filter(elsewhere) {
            let text = format!(
                "with {} the other nodes come from a service, not from this file: the ring is \
                 what dyn_seeds lists here ({})",
                provider.text,
                self.seeds.len()
            );
            file.note(provider.at, text);
        }
    }
}

/// The words of a list's lines, each with its line's place.
fn each_word(file: &mut File, entry: &Entry) -> Vec<(Position, String)> {
    let lines = file.words(entry);
    let words = lines.iter().flat_map(|line| {
        let words = line.text.split_whitespace();
        words.map(|word| (line.at, word.to_owned()))
    });
    words.collect()
}

fn set(file: &mut File, entry: &Entry, to: &mut String) {
    if let Some(word) = file.word(entry) {
        *to = word.text;
    }
}

/// Keys of Dynomite's and ringd's files, and of twemproxy's that Dynomite took over.
fn is_known(key: &str) -> bool {
    KEYS.iter().any(|known| known.name == key)
}

/// `1,1001`, with commas or spaces between them.
fn tokens(text: &str) -> Result<Vec<Token>, String> {
    text.split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| Token::parse_digits(part).map_err(|error| error.to_string()))
        .collect()
}

fn claimant(name: String, tokens: Vec<Token>) -> Claimant {
    Claimant {
        name,
        tokens,
        weight: 1,
    }
}

/// Datacenters, racks and peers, all by name.
fn placed(mut peers: Vec<Peer>) -> Vec<Datacenter> {
    peers.sort_by(|a, b| {
        (&a.datacenter, &a.rack, &a.claimant.name).cmp(&(&b.datacenter, &b.rack, &b.claimant.name))
    });
    let mut datacenters: Vec<Datacenter> = Vec::new();
    for peer in peers {
        if datacenters
            .last()
            .is_none_or(|last| last.name != peer.datacenter)
        {
            datacenters.push(Datacenter {
                name: peer.datacenter,
                racks: Vec::new(),
            });
        }
        let racks = &mut datacenters.last_mut().expect("pushed above").racks;
        if racks.last().is_none_or(|last| last.name != peer.rack) {
            racks.push(Rack {
                name: peer.rack,
                claimants: Vec::new(),
                addresses: Vec::new(),
            });
        }
        let rack = racks.last_mut().expect("pushed above");
        rack.addresses.push(peer.claimant.name.clone());
        rack.claimants.push(peer.claimant);
    }
    datacenters
}
