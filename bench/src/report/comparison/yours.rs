//! The user's own topology: which server is skewed, why, and what to do.

use super::advise;
use super::figures::{moved, placings};
use crate::choices::data::{Comparison, RingRow, ServerLoad};
use crate::report::document::Block;
use crate::report::table::Table;
use crate::report::words::percent;

/// A server so much above its part, by more than chance, is skewed.
const LOAD_MAX: f64 = 1.10;
const SIGMAS: f64 = 4.0;
/// A part so many times the mean is somebody's weight.
const HEAVY: f64 = 1.5;
/// A key that draws so much of all accesses is hot.
const HOT: f64 = 0.05;
/// Servers that are listed.
const SERVERS_MAX: usize = 64;

/// The part of the page; nothing without a topology.
pub(super) fn of(comparison: &Comparison) -> Vec<Block> {
    let Some(about) = &comparison.origin.topology else {
        return Vec::new();
    };
    let tag = about.hash_tag.as_ref();
    let tag = tag.map_or_else(String::new, |tag| format!(", hash tag `{tag}`"));
    let keys = &comparison.origin.keys;
    let mut blocks = vec![
        Block::Heading("Your topology".into(), "yours"),
        Block::Text(format!(
            "`{}` places by `{}` and `{}`{tag}. {} accesses to {} keys from `{}`, as that ring \
             places them now:",
            about.file, about.hash, about.distribution, keys.accesses, keys.distinct, keys.source
        )),
    ];
    for row in configured(comparison) {
        blocks.extend(rack(comparison, row));
    }
    blocks
}

/// The rings of the file as they are placed now.
fn configured(comparison: &Comparison) -> impl Iterator<Item = &RingRow> {
    let rows = comparison.distributions.iter();
    rows.filter(|row| row.given && row.configured)
}

/// What is to be said first: one line for each rack that is not as it should be.
pub(super) fn headline(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for row in configured(comparison) {
        lines.extend(findings(comparison, row).into_iter().take(1));
    }
    lines
}

fn rack(comparison: &Comparison, row: &RingRow) -> Vec<Block> {
    let mut blocks = vec![Block::Small(row.ring.clone())];
    let findings = findings(comparison, row);
    if findings.is_empty() && row.refused.is_none() {
        blocks.push(Block::Text(
            "Every server has its part of the keys, within what chance does. Nothing to do.".into(),
        ));
    } else {
        blocks.push(Block::List(findings));
    }
    if !row.servers.is_empty() {
        blocks.push(Block::Table(table(row)));
    }
    blocks
}

fn table(row: &RingRow) -> Table {
    let mut table = Table::new([
        "server",
        "weight",
        "part by weight",
        "keys",
        "accesses",
        "keys / part",
    ]);
    let mut servers: Vec<&ServerLoad> = row.servers.iter().collect();
    servers.sort_by_key(|server| std::cmp::Reverse(server.keys));
    for server in servers.iter().take(SERVERS_MAX) {
        table.row([
            server.name.clone(),
            server.weight.to_string(),
            percent(server.fair_share),
            server.keys.to_string(),
            server.accesses.to_string(),
            format!("{:.3}", server.load),
        ]);
    }
    table
}

/// What is wrong and what to do, the worst first.
pub(super) fn findings(comparison: &Comparison, row: &RingRow) -> Vec<String> {
    let mut said = Vec::new();
    let servers = &row.servers;
    let keys: u64 = servers.iter().map(|server| server.keys).sum();
    let counted = servers.len() > 1 && keys > 0;
    if counted {
        empty_ones(row, keys, &mut said);
        heavy_ones(row, keys, &mut said);
    }
    if let Some(why) = &row.refused {
        said.push(format!("**ringd would not serve this ring**: {why}."));
    }
    // The refusal says why a refused ring is uneven: no luck of names, nor another distribution.
    if !counted || row.refused.is_some() {
        return said;
    }
    skewed_ones(comparison, row, keys, &mut said);
    hot_key(comparison, row, &mut said);
    said
}

fn empty_ones(row: &RingRow, keys: u64, said: &mut Vec<String>) {
    let empty: Vec<&str> = row
        .servers
        .iter()
        .filter(|server| server.keys == 0)
        .map(|server| server.name.as_str())
        .collect();
    if empty.is_empty() {
        return;
    }
    let most = row.servers.iter().max_by_key(|server| server.keys);
    let most = most.map_or_else(String::new, |server| {
        let share = server.keys as f64 / keys as f64;
        format!("; `{}` has {}", server.name, percent(share))
    });
    let why = match row.hash.as_str() {
        "crc32" => {
            ": `crc32` has 15 bits, so that on a ring of 32 bits all keys lie before its first \
             points. Use `crc32a`, the whole CRC-32, or any other hash: every key moves once"
        }
        _ => "",
    };
    said.push(format!(
        "**{} of {} servers get no key** ({}){most}{why}.",
        empty.len(),
        row.servers.len(),
        shortened(&empty)
    ));
}

fn shortened(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(4)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len().saturating_sub(4);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Servers whose weight, not their luck, gives them so much.
fn heavy_ones(row: &RingRow, keys: u64, said: &mut Vec<String>) {
    let mut weights: Vec<u32> = row.servers.iter().map(|server| server.weight).collect();
    weights.sort_unstable();
    let usual = weights[weights.len() / 2];
    let mean = 1.0 / row.servers.len() as f64;
    let mut off: Vec<&ServerLoad> = row
        .servers
        .iter()
        .filter(|server| {
            server.weight != usual
                && (server.fair_share > HEAVY * mean || server.fair_share < mean / HEAVY)
        })
        .collect();
    off.sort_by_key(|server| std::cmp::Reverse(server.keys));
    for server in off.iter().take(3) {
        let share = server.keys as f64 / keys as f64;
        said.push(format!(
            "**`{}` gets {} of the keys**, where an equal part is {}: its weight is {}, the usual \
             one here is {usual}. If it is not a machine {} one, write weight {usual}; try what that \
             moves with `cargo lab plan-change`.",
            server.name,
            percent(share),
            percent(mean),
            server.weight,
            if server.weight > usual { "several times as strong as the usual" } else { "so much weaker than the usual" },
        ));
    }
}

/// Servers that have more than their weight says.
fn skewed_ones(comparison: &Comparison, row: &RingRow, keys: u64, said: &mut Vec<String>) {
    let skewed = |server: &&ServerLoad| server.load > LOAD_MAX && server.sigmas > SIGMAS;
    let mut over: Vec<&ServerLoad> = row.servers.iter().filter(skewed).collect();
    over.sort_by(|a, b| b.load.total_cmp(&a.load));
    let Some(worst) = over.first() else {
        return;
    };
    let others = match over.len() - 1 {
        0 => String::new(),
        more => format!(" ({more} more are above {LOAD_MAX})"),
    };
    said.push(format!(
        "**`{}` is skewed**: {} of the keys where its part is {} ({:.2} times, {:.0} standard \
         deviations of chance){others}. {}",
        worst.name,
        percent(worst.keys as f64 / keys as f64),
        percent(worst.fair_share),
        worst.load,
        worst.sigmas,
        remedy(comparison, row)
    ));
}

/// What would even it out, by the same rule as the general recommendation.
fn remedy(comparison: &Comparison, row: &RingRow) -> String {
    let mut words = match row.distribution.as_str() {
        "vnode" => "The tokens lie unevenly: `cargo lab tokens -c FILE` gives even ones, and says \
                    what moves. "
            .to_owned(),
        "ketama" => "A ring of 160 points a server is that uneven by nature; the names decide who \
                     is lucky. "
            .to_owned(),
        _ => String::new(),
    };
    let better = advise::placing_for(comparison, &row.ring);
    let better = better.filter(|name| *name != row.placing).and_then(|name| {
        let all = placings(comparison, &row.ring);
        all.into_iter().find(|one| one.row.placing == name)
    });
    if let Some(better) = better {
        let own = row
            .balance
            .as_ref()
            .map_or(0.0, |balance| balance.keys.peak.seen);
        words += &format!(
            "With `{}` the fullest would be at {:.3} instead of {own:.3}",
            better.row.placing, better.peak
        );
        if let Some(add) = moved(better.row, "add") {
            words += &format!(
                "; another server then moves {} of the keys",
                percent(add.moved_share)
            );
        }
        words += ". Going over to it moves nearly every key once: `cargo lab plan-change`.";
    }
    words
}

fn hot_key(comparison: &Comparison, row: &RingRow, said: &mut Vec<String>) {
    let hottest = comparison.origin.keys.hottest_share;
    let accesses: u64 = row.servers.iter().map(|server| server.accesses).sum();
    let busiest = row.servers.iter().max_by_key(|server| server.accesses);
    if let Some(busiest) = busiest.filter(|_| hottest > HOT && accesses > 0) {
        said.push(format!(
            "**One key draws {} of all accesses**, and no distribution divides a key: `{}` answers \
             {} of them. Cache that key nearer to those who ask, or read it from several replicas.",
            percent(hottest),
            busiest.name,
            percent(busiest.accesses as f64 / accesses as f64)
        ));
    }
}
