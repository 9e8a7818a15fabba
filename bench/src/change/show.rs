//! A change on a terminal.

use super::flows::Method;
use super::{Change, Fate, Load, PeerChange, RackChange, Side};
use crate::report::table::Table;
use crate::report::words::{bytes, percent};

/// Flows that are listed one by one.
const FLOWS_MAX: usize = 20;
/// Other distributions that are named.
const OTHERS_MAX: usize = 6;

impl Change {
    /// All of it.
    pub(crate) fn plain(&self) -> String {
        let mut text = format!("{} → {}\n", self.old.words(), self.new.words());
        for rack in &self.racks {
            text += &rack.plain();
        }
        if !self.advice.is_empty() {
            text += "\nWhat this means\n";
            for line in &self.advice {
                text += &format!("- {line}\n");
            }
        }
        text
    }

    /// The greatest part of a rack's keys that moves.
    pub(crate) fn moved_most(&self) -> f64 {
        let shares = self.racks.iter().map(|rack| rack.moved_share);
        shares.fold(0.0, f64::max)
    }
}

impl Side {
    fn words(&self) -> String {
        let tag = self.hash_tag.as_ref();
        let tag = tag.map_or_else(String::new, |tag| format!(", hash tag {tag}"));
        format!("{} ({}, {}{tag})", self.pool, self.hash, self.distribution)
    }
}

impl Method {
    fn words(self) -> &'static str {
        match self {
            Self::Exact => "exact, over all values of the hash",
            Self::Sampled => "over 2^20 values of the hash: right within 0.1 of a percent",
            Self::Independent => "as two hashes that know nothing of each other",
            Self::Keys => "over the given keys",
        }
    }
}

impl RackChange {
    fn plain(&self) -> String {
        let mut text = String::from("\n");
        if !self.rack.is_empty() {
            text += &format!("{}\n", self.rack);
        }
        let over = self
            .over_ideal
            .map_or_else(String::new, |over| format!(" ({over:.2} times that)"));
        text += &format!(
            "{} of the keys move; {} must, for parts by weight{over}; {} move between unchanged \
             servers\n({})\n",
            percent(self.moved_share),
            percent(self.ideal_share),
            percent(self.between_unaffected_share),
            self.method.words()
        );
        if let Some(keys) = self.keys {
            text += &format!(
                "of the {} given keys {} move, {} of them between unchanged servers\n",
                keys.total, keys.moved, keys.between_unaffected
            );
        }
        if let Some(size) = self.bytes {
            text += &format!("about {} to copy\n", bytes(size));
        }
        text += &format!("\n{}\n", self.peers_table().plain());
        if !self.flows.is_empty() {
            text += &format!("\n{}\n", self.flows_table().plain());
        }
        if !self.others.is_empty() && self.moved_share > 0.0 {
            text += &format!(
                "\nThe same change in a ring placed otherwise\n{}\n",
                self.others_table().plain()
            );
        }
        text
    }

    fn peers_table(&self) -> Table {
        let mut table = Table::new(["server", "weight", "before", "after", "after / its part"]);
        let share = |load: Option<Load>| load.map_or("–".into(), |load| percent(load.share));
        for peer in &self.peers {
            let over = peer.after.map(|after| after.share / after.fair);
            table.row([
                peer.titled(),
                peer.weights(),
                share(peer.before),
                share(peer.after),
                over.map_or("–".into(), |over| format!("{over:.3}")),
            ]);
        }
        if self.keys.is_some() {
            let count = |load: Option<Load>| {
                let keys = load.and_then(|load| load.keys);
                keys.map_or("–".into(), |keys| keys.to_string())
            };
            let peers = || self.peers.iter();
            table.column("keys before".into(), peers().map(|peer| count(peer.before)));
            table.column("keys after".into(), peers().map(|peer| count(peer.after)));
        }
        table
    }

    fn flows_table(&self) -> Table {
        let mut table = Table::new(["from → to", "of all keys"]);
        let shown = || self.flows.iter().take(FLOWS_MAX);
        for flow in shown() {
            table.row([format!("{} → {}", flow.from, flow.to), percent(flow.share)]);
        }
        if self.keys.is_some() {
            let keys = shown().map(|flow| flow.keys.map_or("–".into(), |keys| keys.to_string()));
            table.column("given keys".into(), keys);
        }
        if self.bytes.is_some() {
            table.column(
                "bytes".into(),
                shown().map(|flow| flow.bytes.map_or("–".into(), bytes)),
            );
        }
        let rest = self.flows.len().saturating_sub(FLOWS_MAX);
        if rest > 0 {
            let share = self.flows[FLOWS_MAX..].iter().map(|flow| flow.share).sum();
            table.last_row(format!("{rest} more"), percent(share));
        }
        table
    }

    fn others_table(&self) -> Table {
        let mut table = Table::new(["distribution", "would move", "of it in vain"]);
        for other in self.others.iter().take(OTHERS_MAX) {
            table.row([
                other.distribution.clone(),
                percent(other.moved_share),
                percent(other.between_unaffected_share),
            ]);
        }
        table
    }
}

impl PeerChange {
    fn titled(&self) -> String {
        let fate = match self.fate {
            Fate::Stays => "",
            Fate::Changed => " (changed)",
            Fate::Added => " (new)",
            Fate::Removed => " (leaves)",
        };
        format!("{}{fate}", self.name)
    }

    fn weights(&self) -> String {
        let weight = |load: Option<Load>| load.map(|load| load.weight);
        match (weight(self.before), weight(self.after)) {
            (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
            (before, after) => after
                .or(before)
                .map_or_else(String::new, |weight| weight.to_string()),
        }
    }
}
