//! The page as a whole.

use anyhow::Result;

use super::advise::{self, Advice};
use super::figures::{middle, rings};
use super::{plots, tables, yours};
use crate::choices::data::Comparison;
use crate::report::document::{Block, Document};
use crate::report::words::bytes;

/// The page of a comparison; `files` lie beside it.
///
/// # Errors
/// A plot can't be drawn.
pub(super) fn of(comparison: &Comparison, machine: &str, files: &[String]) -> Result<Document> {
    let origin = &comparison.origin;
    let mut blocks = opening(comparison);
    blocks.extend(yours::of(comparison));
    if !comparison.hashes.is_empty() {
        blocks.extend(hashes(comparison)?);
    }
    if let Some(ring) = middle(comparison) {
        blocks.extend(distributions(comparison, ring)?);
    }
    blocks.extend(together(comparison));
    blocks.extend(made(comparison, machine, files));
    let title = match (
        comparison.hashes.is_empty(),
        comparison.distributions.is_empty(),
    ) {
        (false, true) => "Hashes compared",
        (true, false) => "Distributions compared",
        _ => "Hashes and distributions compared",
    };
    Ok(Document {
        title: title.to_owned(),
        about: format!(
            "{} UTC · {} · revision {} · {} keys from `{}`",
            origin.when.replace('T', " "),
            origin.machine,
            origin.revision,
            origin.keys.distinct,
            origin.keys.source
        ),
        blocks,
    })
}

fn opening(comparison: &Comparison) -> Vec<Block> {
    let origin = &comparison.origin;
    let mut blocks = Vec::new();
    if !origin.objections.is_empty() {
        blocks.push(Block::Text(format!(
            "**The machine was not quiet** ({}): take times as ratios, all were measured in turns. \
             Counts, balance and movement do not depend on it.",
            origin.objections.join("; ")
        )));
    }
    blocks.push(Block::Heading("Recommendation".into(), "recommendation"));
    for line in yours::headline(comparison) {
        blocks.push(Block::Strong(line));
    }
    let advice = [
        ("Why this hash", advise::hash(comparison)),
        ("Why this distribution", advise::distribution(comparison)),
    ];
    for advice in advice.iter().filter_map(|(_, advice)| advice.as_ref()) {
        blocks.push(Block::Strong(advice.verdict.clone()));
    }
    for (heading, advice) in advice {
        if let Some(advice) = advice {
            blocks.extend(reasons(heading, advice));
        }
    }
    blocks
}

fn reasons(heading: &str, advice: Advice) -> Vec<Block> {
    let mut blocks = vec![Block::Small(heading.to_owned()), Block::Text(advice.rule)];
    if !advice.trade_off.is_empty() {
        blocks.push(Block::Text("**The trade-off it rests on:**".into()));
        blocks.push(Block::List(advice.trade_off));
    }
    if !advice.changes.is_empty() {
        blocks.push(Block::Text("**What would change it:**".into()));
        blocks.push(Block::List(advice.changes));
    }
    blocks
}

fn hashes(comparison: &Comparison) -> Result<Vec<Block>> {
    let mut blocks = vec![
        Block::Heading("Hashes".into(), "hashes"),
        Block::Text(
            "A hash makes a number of a key, the same each time, and any pattern in the keys should \
             be gone from the numbers. Cheap and even is what counts here; none of them keeps a \
             secret. `murmur` and its neighbours are what Dynomite and twemproxy use, bit for bit; \
             names with `twemproxy_` are where these two disagree."
                .into(),
        ),
        Block::Plots(plots::of_hashes(comparison)?),
        Block::Table(tables::hashes(comparison)),
        Block::Text(
            "Spread / chance: the worst of several numbers of buckets, √(χ² / degrees); 1 is what \
             dealing keys by chance gives. Worst bit / chance: the pair of input and output bit \
             that is farthest from changing together half of the time, over the worst of a perfect \
             hash. Ours / crate: our time over that of the \
             crate that does best against us; below 1 ours is faster."
                .into(),
        ),
    ];
    let unfit = tables::unfit(comparison);
    if !unfit.is_empty() {
        let title = "Why the others are passed over";
        blocks.push(Block::Folded(title.into(), vec![Block::List(unfit)]));
    }
    Ok(blocks)
}

fn distributions(comparison: &Comparison, ring: &str) -> Result<Vec<Block>> {
    let mut blocks = vec![
        Block::Heading("Distributions".into(), "distributions"),
        Block::Text(format!(
            "A distribution says which peer owns a number. It should be quick to ask, give every \
             peer its part, and when a peer comes or goes move only what that peer gets or leaves. \
             No one is best in all three. Hash `{}` throughout.",
            comparison.origin.reference_hash
        )),
        Block::Plots(plots::of_distributions(comparison, ring)?),
    ];
    for (_, label) in rings(comparison) {
        let mut inside = vec![
            Block::Table(tables::placed(comparison, label)),
            Block::Text("What keeps some from meeting the rule:".into()),
            Block::List(tables::passed_over(comparison, label)),
            Block::Small("Movement over what must move".into()),
            Block::Table(tables::movements(comparison, label)),
            Block::Text(
                "Each side placed from its list alone. Nodes disagree after: share of the keys for \
                 which a node that followed the change and one that started after it would name \
                 different owners, were the first to rebuild in place."
                    .into(),
            ),
            Block::Small("When a peer fails, when some keys are wanted more".into()),
            Block::Table(tables::failures(comparison, label)),
            Block::Text(
                "Three racks of this ring, a copy in each. Peers that take over: how many of the \
                 other racks share the keys of one peer; more is gentler. Zipf: the fullest peer's \
                 accesses over its part when few keys are wanted most; the hottest key alone makes \
                 most of it, so compare with chance."
                    .into(),
            ),
        ];
        let refusals = tables::refusals(comparison, label);
        if !refusals.is_empty() {
            inside.push(Block::Text("Refused:".into()));
            inside.push(Block::List(refusals));
        }
        if label == ring {
            blocks.push(Block::Small(label.to_owned()));
            blocks.extend(inside);
        } else {
            blocks.push(Block::Folded(label.to_owned(), inside));
        }
    }
    Ok(blocks)
}

fn together(comparison: &Comparison) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (pairs, loads) = (tables::pairs(comparison), tables::loads(comparison));
    if pairs.is_none() && loads.is_none() {
        return blocks;
    }
    blocks.push(Block::Heading("Together".into(), "together"));
    if let (Some(table), Some(about)) = (loads, comparison.loads.as_ref()) {
        blocks.push(Block::Text(format!(
            "Real rings of {} ringd, {} connections, {}. The objective: 99% of the responses within \
             {} ms.",
            about.nodes, about.connections, about.about, about.objective_p99_ms
        )));
        blocks.push(Block::Table(table));
    }
    if let Some(table) = pairs {
        let ring = comparison.pairs.first().map_or("", |row| &row.ring);
        blocks.push(Block::Text(format!(
            "Every hash by every distribution, {ring}: how unevenly the keys lie, in multiples of \
             what chance does (√(χ² / degrees)). About 1 is ideal; a ring of random points is far \
             above it whatever the hash."
        )));
        blocks.push(Block::Folded("All pairs".into(), vec![Block::Table(table)]));
    }
    blocks
}

fn made(comparison: &Comparison, machine: &str, files: &[String]) -> Vec<Block> {
    let origin = &comparison.origin;
    let links: Vec<String> = files
        .iter()
        .map(|file| format!("[{file}]({file})"))
        .collect();
    let keys = &origin.keys;
    let mut blocks = vec![
        Block::Heading("How this was made".into(), "made"),
        Block::Verbatim(origin.command.clone()),
        Block::Text(format!(
            "{:.0} s of work. {} accesses to {} keys of {} to {} bytes, such as {}. Times are medians \
             of rounds in which all take turns; cold lookups follow the reading of {} of other \
             memory. How each figure is measured: bench/METHODOLOGY.md.",
            origin.took_s,
            keys.accesses,
            keys.distinct,
            keys.bytes_min,
            keys.bytes_max,
            keys.examples
                .iter()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(", "),
            bytes(origin.evicted_bytes as u64)
        )),
        Block::Text(format!("Raw data: {}.", links.join(", "))),
    ];
    if let Some(why) = &origin.uncounted {
        blocks.push(Block::Text(format!("Instructions: not measured: {why}.")));
    }
    if let Some(why) = &origin.unloaded {
        blocks.push(Block::Text(format!("Real rings: not loaded: {why}.")));
    }
    if !machine.is_empty() {
        blocks.push(Block::Verbatim(machine.to_owned()));
    }
    blocks
}
