//! What a change means, in plain words. Each sentence rests on a rule and a figure of the change.

use super::{Change, Fate, PeerChange, RackChange};
use crate::report::words::percent;

/// Moves that are so many times what must move are worth a word.
const OVER_IDEAL: f64 = 1.3;
/// As is a share that moves in vain.
const IN_VAIN: f64 = 0.0005;
/// And a peer that has so much more than its part, or so much less.
const OVERLOADED: f64 = 1.2;
const UNDERLOADED: f64 = 0.7;
/// Keys so many standard deviations of chance above a share, and so much above it, are the hash's.
const SIGMAS: f64 = 6.0;
const OVER_SHARE: f64 = 1.03;
/// A rehearsal that costs nothing: ringd can name the owners of both while one serves.
const REHEARSE: &str = "ringd counts beforehand, with your real traffic, how many requests would \
                        go elsewhere: distribution_shadow and hash_shadow";

/// The sentences, the weightiest first.
pub(super) fn of(change: &Change) -> Vec<String> {
    let mut said = Vec::new();
    for rack in &change.racks {
        let place = match change.racks.len() {
            1 => String::new(),
            _ => format!("{}: ", rack.rack),
        };
        let mut say = |text: String| {
            let text = format!("{place}{text}");
            if !said.contains(&text) {
                said.push(text);
            }
        };
        placing(change, rack, &mut say);
        movement(change, rack, &mut say);
        loads(change, rack, &mut say);
        spread_of_keys(change, rack, &mut say);
        copying(rack, &mut say);
    }
    for rack in &change.racks_added {
        said.push(format!(
            "rack {rack} is new: a whole copy of the keys goes there"
        ));
    }
    for rack in &change.racks_removed {
        said.push(format!("rack {rack} goes: its copy of the keys with it"));
    }
    said
}

fn placing(change: &Change, rack: &RackChange, say: &mut dyn FnMut(String)) {
    let (old, new) = (&change.old, &change.new);
    if old.hash != new.hash {
        say(format!(
            "The hash changes from {} to {}: where a key lies now says nothing about where it \
             will lie, so {} of the keys move whatever the distribution. Keep {0} unless all keys \
             can be copied or loaded again. {REHEARSE}.",
            old.hash,
            new.hash,
            percent(rack.moved_share)
        ));
    } else if old.distribution != new.distribution {
        say(format!(
            "The distribution changes from {} to {}: that moves {} of the keys, once. {REHEARSE}.",
            old.distribution,
            new.distribution,
            percent(rack.moved_share)
        ));
    }
    if old.hash_tag != new.hash_tag {
        say(
            "The hash tag changes: keys that hold its characters may move besides what is said \
             here of all others; give some with --keys to see them."
                .into(),
        );
    }
}

fn movement(change: &Change, rack: &RackChange, say: &mut dyn FnMut(String)) {
    if rack.moved_share <= 0.0 {
        say("No key moves.".into());
        return;
    }
    let distribution = &change.new.distribution;
    if change.old.hash != change.new.hash || change.old.distribution != *distribution {
        return;
    }
    let over = rack.over_ideal.unwrap_or(f64::INFINITY);
    if over > OVER_IDEAL {
        let times = match rack.over_ideal {
            Some(over) => format!("{over:.1} times what must"),
            None => "though nothing must".to_owned(),
        };
        let why = match distribution.as_str() {
            "modula" => {
                ": modula takes the remainder by the sum of weights, and with another sum nearly \
                 every key has another remainder"
            }
            _ => "",
        };
        say(format!(
            "{} of the keys move, {times}{why}.",
            percent(rack.moved_share)
        ));
        if let Some(better) = rack
            .others
            .first()
            .filter(|o| 2.0 * o.moved_share < rack.moved_share)
        {
            say(format!(
                "Were the keys placed by {}, this change would move {} ({} in vain). Going over \
                 to it moves nearly all keys once; it pays when servers come and go.",
                better.distribution,
                percent(better.moved_share),
                percent(better.between_unaffected_share)
            ));
        }
    }
    if rack.between_unaffected_share > IN_VAIN && distribution != "modula" {
        let why = match distribution.as_str() {
            "ketama" => {
                ": a server has points in proportion to its weight over the mean weight, rounded \
                 down in single precision, so a newcomer changes the others' points too"
            }
            _ => "",
        };
        say(format!(
            "{} of the keys move between servers that nothing happened to{why}.",
            percent(rack.between_unaffected_share)
        ));
    }
}

fn loads(change: &Change, rack: &RackChange, say: &mut dyn FnMut(String)) {
    let vnode = change.new.distribution == "vnode";
    for peer in &rack.peers {
        let Some(after) = peer.after else {
            continue;
        };
        if after.share <= 0.0 {
            say(format!(
                "{} gets no key at all: hash {} under {} never reaches it.",
                peer.name, change.new.hash, change.new.distribution
            ));
        } else if peer.fate == Fate::Added && after.share < UNDERLOADED * after.fair {
            let how = if vnode {
                "; `cargo lab tokens` finds tokens that give it its part"
            } else {
                ""
            };
            say(format!(
                "{} takes only {} of the keys where {} would be its part{how}.",
                peer.name,
                percent(after.share),
                percent(after.fair)
            ));
        }
    }
    if let Some((peer, load)) = fullest(rack).filter(|(_, load)| *load > OVERLOADED) {
        let how = if change.new.hash == "crc32" {
            "that hash has 15 bits, too few for a ring of 32; `crc32a` is the whole CRC-32"
        } else if vnode {
            "`cargo lab tokens` finds better tokens"
        } else {
            "look at its weight, or choose a distribution with even shares (`cargo lab compare`)"
        };
        say(format!(
            "After the change {} holds {:.2} times its part of the keys: {how}.",
            peer.name, load
        ));
    }
}

/// The given keys beside the shares of the hash's values: what a hash does to keys of a pattern.
fn spread_of_keys(change: &Change, rack: &RackChange, say: &mut dyn FnMut(String)) {
    let Some(total) = rack.keys.map(|keys| keys.total as f64) else {
        return;
    };
    let deviating = rack.peers.iter().filter_map(|peer| {
        let after = peer.after?;
        let (got, mean) = (after.keys? as f64, after.share * total);
        let chance = (mean * (1.0 - after.share)).sqrt().max(1.0);
        Some((peer, after, got, (got - mean) / chance))
    });
    let worst = deviating.max_by(|a, b| a.3.total_cmp(&b.3));
    let Some((peer, after, got, sigmas)) = worst else {
        return;
    };
    if sigmas > SIGMAS && got > OVER_SHARE * after.share * total {
        say(format!(
            "Your keys do not lie as evenly as hash values do: {} gets {} of them where {} of the \
             values are its own, which no chance does. Keys with a pattern and {} do not go \
             together; `cargo lab compare hashes --keys FILE` shows which hash suits them.",
            peer.name,
            percent(got / total),
            percent(after.share),
            change.new.hash
        ));
    }
}

/// The peer with the most over its part afterwards.
fn fullest(rack: &RackChange) -> Option<(&PeerChange, f64)> {
    let loads = rack.peers.iter().filter_map(|peer| {
        let after = peer.after?;
        Some((peer, after.share / after.fair))
    });
    loads.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn copying(rack: &RackChange, say: &mut dyn FnMut(String)) {
    for peer in &rack.peers {
        let Some((address, after)) = peer.moves_to.as_ref().zip(peer.after) else {
            continue;
        };
        say(format!(
            "{} keeps its name and so its keys, but is at {address} now: its {} of the keys must \
             be copied there, or are gone.",
            peer.name,
            percent(after.share)
        ));
    }
    if rack.moved_share <= 0.0 {
        return;
    }
    let most = |name: fn(&super::Flow) -> &str| {
        let of = |peer: &PeerChange| {
            let flows = rack.flows.iter().filter(|flow| name(flow) == peer.name);
            flows.map(|flow| flow.share).sum::<f64>()
        };
        let sums = rack.peers.iter().map(|peer| (peer.name.as_str(), of(peer)));
        sums.max_by(|a, b| a.1.total_cmp(&b.1))
    };
    if let (Some((from, out)), Some((to, into))) = (most(|flow| &flow.from), most(|flow| &flow.to))
    {
        say(format!(
            "{from} gives the most ({}), {to} takes the most ({}). A cache misses up to {} more \
             until the moved keys are loaded again; a store needs them copied first.",
            percent(out),
            percent(into),
            percent(rack.moved_share)
        ));
    }
}
