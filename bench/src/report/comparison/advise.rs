//! The recommendation: rules that are stated, figures that they saw, and what would change them.

use super::figures::{Hashing, Placing, hashings, middle, ns, placings, rings};
use crate::choices::data::Comparison;
use crate::report::words::percent;

/// A hash's worst spread over buckets may be so many times what chance gives.
const OVER_CHANCE_MAX: f64 = 1.5;
/// Its worst pair of input and output bit may be so many times as far from a half as chance.
const AVALANCHE_MAX: f64 = 1.5;
/// Their values are those of a crate's version, by no specification: not for rings that last.
const UNSPECIFIED: [&str; 2] = ["foldhash", "gxhash"];
/// A distribution's fullest peer may be so far above what chance gives.
const PEAK_OVER_MAX: f64 = 1.10;
/// It may move so much between peers that nothing happened to.
const IN_VAIN_MAX: f64 = 0.005;
/// A newcomer must get so much of its part.
const NEWCOMER_MIN: f64 = 0.8;

/// What is recommended, in one sentence, and why, in some more.
#[derive(Debug, Default)]
pub(super) struct Advice {
    pub(super) verdict: String,
    /// The rule, the trade-off, what would change it.
    pub(super) rule: String,
    pub(super) trade_off: Vec<String>,
    pub(super) changes: Vec<String>,
}

/// Which hash.
pub(super) fn hash(comparison: &Comparison) -> Option<Advice> {
    let all = hashings(comparison);
    let best = fastest(all.iter().filter(|one| hash_fits(one)))?;
    let name = &best.row.name;
    let keys = &comparison.origin.keys;
    let mut advice = Advice {
        verdict: format!(
            "**Hash: `{name}`**, {} on these keys ({:.0} bytes on average), spread as evenly as \
             chance allows.",
            ns(best.ns),
            keys.bytes_mean
        ),
        rule: format!(
            "Rule: of the hashes of 32 bits or more that a specification fixes, that spread these keys within \
             {OVER_CHANCE_MAX} times of what chance does (in every number of buckets), whose worst \
             pair of input and output bit is within {AVALANCHE_MAX} times of what chance makes of \
             it, and that do not collide more than chance lets them, the fastest on these keys."
        ),
        ..Advice::default()
    };
    hash_trade_offs(&all, best, &mut advice);
    by_length(&all, best, &mut advice);
    advice.changes.push(
        "Other keys: bad hashes show with some patterns only. Give yours with `--keys FILE`."
            .into(),
    );
    Some(advice)
}

fn hash_fits(one: &Hashing<'_>) -> bool {
    one.row.bits >= 32
        && !UNSPECIFIED.contains(&one.row.name.as_str())
        && one.over_chance <= OVER_CHANCE_MAX
        && one.avalanche <= AVALANCHE_MAX
        && !one.collides
}

fn hash_trade_offs(all: &[Hashing<'_>], best: &Hashing<'_>, advice: &mut Advice) {
    if let Some(faster) = fastest(all.iter()).filter(|faster| faster.ns < best.ns) {
        advice.trade_off.push(format!(
            "`{}` is faster ({}) but {}.",
            faster.row.name,
            ns(faster.ns),
            faults(faster)
        ));
    }
    for (name, who) in [
        ("murmur", "Dynomite's"),
        ("twemproxy_fnv1a_64", "twemproxy's"),
    ] {
        if let Some(one) = all
            .iter()
            .find(|one| one.row.name == name && one.row.name != best.row.name)
        {
            advice.trade_off.push(format!(
                "{who} default, `{name}`, takes {} ({:.1} times as long){}. Keep it where other \
                 programs share the ring: another hash moves nearly every key.",
                ns(one.ns),
                one.ns / best.ns,
                if hash_fits(one) {
                    String::new()
                } else {
                    format!(" and {}", faults(one))
                }
            ));
        }
    }
}

/// Other lengths of keys may want another hash.
fn by_length(all: &[Hashing<'_>], best: &Hashing<'_>, advice: &mut Advice) {
    let name = &best.row.name;
    for (length, what) in [(8, "very short"), (256, "long")] {
        let at = |one: &Hashing<'_>| {
            let speed = one
                .row
                .speeds
                .iter()
                .find(|speed| speed.length == Some(length))?;
            Some(speed.time.ns)
        };
        let fits = all
            .iter()
            .filter(|one| hash_fits(one))
            .filter_map(|one| Some((one, at(one)?)));
        let Some((other, time)) = fits.min_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        let own = at(best).unwrap_or(time);
        if other.row.name != *name && own > 1.1 * time {
            advice.changes.push(format!(
                "With {what} keys ({length} bytes) `{}` is ahead: {} against {}.",
                other.row.name,
                ns(time),
                ns(own)
            ));
        }
    }
}

fn fastest<'a, 'b: 'a>(all: impl Iterator<Item = &'a Hashing<'b>>) -> Option<&'a Hashing<'b>> {
    all.min_by(|a, b| a.ns.total_cmp(&b.ns))
}

/// Why a hash does not fit.
pub(super) fn faults(one: &Hashing<'_>) -> String {
    let mut faults = Vec::new();
    if UNSPECIFIED.contains(&one.row.name.as_str()) {
        faults.push("has values that may change with its crate's version".into());
    }
    if one.row.bits < 32 {
        faults.push(format!("has only {} bits", one.row.bits));
    }
    if one.over_chance > OVER_CHANCE_MAX {
        faults.push(format!(
            "spreads these keys {:.1} times as unevenly as chance",
            one.over_chance
        ));
    }
    if one.collides {
        faults.push("collides more than chance lets it".into());
    }
    if one.avalanche > AVALANCHE_MAX {
        faults.push(format!(
            "mixes badly (the worst pair of bits {:.1} times as far from a half as chance)",
            one.avalanche
        ));
    }
    if faults.is_empty() {
        return "meets the rule".into();
    }
    faults.join(", ")
}

/// What may be left out of the rule, to see what it rests on.
#[derive(Debug, Clone, Copy, Default)]
struct Without {
    balance: bool,
    movement: bool,
    newcomer: bool,
    weights: bool,
    cold: bool,
    /// Nodes follow each change, none starts anew.
    restarts: bool,
}

fn fit(one: &Placing<'_>, without: Without) -> bool {
    let in_vain = if without.restarts {
        one.in_vain_followed
    } else {
        one.in_vain
    };
    (without.balance || one.peak <= PEAK_OVER_MAX * one.peak_floor)
        && (without.movement || in_vain <= IN_VAIN_MAX)
        && (without.newcomer || without.movement || one.newcomer >= NEWCOMER_MIN)
        && (!without.weights || one.weighted)
}

/// The fastest that fits.
fn choose<'a, 'b>(all: &'a [Placing<'b>], without: Without) -> Option<&'a Placing<'b>> {
    let time = |one: &Placing<'_>| if without.cold { one.cold_ns } else { one.ns };
    all.iter()
        .filter(|one| fit(one, without))
        .min_by(|a, b| time(a).total_cmp(&time(b)))
}

/// The placing that the rule takes on a ring.
pub(super) fn placing_for(comparison: &Comparison, ring: &str) -> Option<String> {
    let all = placings(comparison, ring);
    choose(&all, Without::default()).map(|best| best.row.placing.clone())
}

/// Which distribution.
pub(super) fn distribution(comparison: &Comparison) -> Option<Advice> {
    let ring = middle(comparison)?;
    let all = placings(comparison, ring);
    let Some(best) = choose(&all, Without::default()) else {
        return Some(none_fits(&all, ring));
    };
    let mut advice = Advice {
        verdict: format!(
            "**Distribution: `{}`** on {ring}: {} a lookup, the fullest peer at {:.3} of its part \
             (chance alone: {:.3}), {} moved in vain when a peer comes or goes.",
            best.row.placing,
            ns(best.ns),
            best.peak,
            best.peak_floor,
            percent(best.in_vain)
        ),
        rule: rule(),
        ..Advice::default()
    };
    trade_offs(&all, best, &mut advice);
    changes(comparison, &all, (best, ring), &mut advice);
    Some(advice)
}

/// The rule for distributions, in words.
fn rule() -> String {
    format!(
        "Rule: of the distributions whose fullest peer is within {:.0}% of what chance gives, \
             that move no more than {} of the keys between peers that nothing happened to, and \
             that give a newcomer at least {:.0}% of its part, the one that finds the owner \
             fastest from warm caches.",
        100.0 * (PEAK_OVER_MAX - 1.0),
        percent(IN_VAIN_MAX),
        100.0 * NEWCOMER_MIN
    )
}

fn none_fits(all: &[Placing<'_>], ring: &str) -> Advice {
    let full = Without::default();
    let looser = [
        (
            "an even load",
            Without {
                balance: true,
                ..full
            },
        ),
        (
            "little movement",
            Without {
                movement: true,
                ..full
            },
        ),
    ];
    let nearest = looser.into_iter().filter_map(|(what, without)| {
        let one = choose(all, without)?;
        Some(format!(
            "Without the demand for {what}: `{}` ({}; {}).",
            one.row.placing,
            ns(one.ns),
            shortcomings(one)
        ))
    });
    Advice {
        verdict: format!("**Distribution: none meets the whole rule on {ring}.**"),
        trade_off: nearest.collect(),
        rule: rule(),
        changes: Vec::new(),
    }
}

fn trade_offs(all: &[Placing<'_>], best: &Placing<'_>, advice: &mut Advice) {
    let least =
        |figure: fn(&Placing<'_>) -> f64| all.iter().min_by(|a, b| figure(a).total_cmp(&figure(b)));
    if let Some(one) = least(|one| one.ns).filter(|one| one.row.placing != best.row.placing) {
        advice.trade_off.push(format!(
            "Fastest of all is `{}` with {}: {}.",
            one.row.placing,
            ns(one.ns),
            shortcomings(one)
        ));
    }
    let even = least(|one| one.peak);
    if let Some(one) = even.filter(|one| one.peak < best.peak - 0.001) {
        advice.trade_off.push(format!(
            "Most even is `{}`, its fullest peer at {:.3}: {}, {} a lookup.",
            one.row.placing,
            one.peak,
            shortcomings(one),
            ns(one.ns)
        ));
    }
    let small = least(|one| one.bytes as f64);
    if let Some(one) = small.filter(|one| one.bytes * 2 < best.bytes) {
        advice.trade_off.push(format!(
            "`{}` keeps {}, the smallest table is `{}`'s with {}.",
            best.row.placing,
            crate::report::words::bytes(best.bytes as u64),
            one.row.placing,
            crate::report::words::bytes(one.bytes as u64)
        ));
    }
}

/// Why the rule passes over a placing.
pub(super) fn shortcomings(one: &Placing<'_>) -> String {
    let mut words = Vec::new();
    if one.peak > PEAK_OVER_MAX * one.peak_floor {
        words.push(format!("its fullest peer has {:.2} of its part", one.peak));
    }
    if one.in_vain > IN_VAIN_MAX {
        words.push(format!(
            "moves {} of the keys in vain",
            percent(one.in_vain)
        ));
    }
    if one.newcomer < NEWCOMER_MIN {
        words.push(format!("gives a newcomer {:.2} of its part", one.newcomer));
    }
    if words.is_empty() {
        return "meets the rule".into();
    }
    words.join(", ")
}

/// The rule with one demand left out or put in.
fn otherwise() -> [(&'static str, Without); 6] {
    let full = Without::default();
    [
        (
            "If peers never came or went",
            Without {
                movement: true,
                ..full
            },
        ),
        (
            "If an even load did not matter",
            Without {
                balance: true,
                ..full
            },
        ),
        (
            "If newcomers could start with less than their part",
            Without {
                newcomer: true,
                ..full
            },
        ),
        (
            "If every node followed each change in place and none ever started anew",
            Without {
                restarts: true,
                ..full
            },
        ),
        (
            "Where peers differ in weight",
            Without {
                weights: true,
                ..full
            },
        ),
        (
            "Where the table is not in the cache at each lookup (cold)",
            Without { cold: true, ..full },
        ),
    ]
}

/// The same rule on rings of other sizes.
fn on_other_rings(
    comparison: &Comparison,
    (best, ring): (&Placing<'_>, &str),
    advice: &mut Advice,
) {
    let full = Without::default();
    for (_, label) in rings(comparison)
        .into_iter()
        .filter(|(_, label)| *label != ring)
    {
        let there = placings(comparison, label);
        match choose(&there, full) {
            Some(other) if other.row.placing != best.row.placing => advice.changes.push(format!(
                "On {label}: `{}` ({}).",
                other.row.placing,
                ns(other.ns)
            )),
            Some(_) => {}
            None => advice.changes.push(format!("On {label}: none fits.")),
        }
    }
}

fn changes(
    comparison: &Comparison,
    all: &[Placing<'_>],
    (best, ring): (&Placing<'_>, &str),
    advice: &mut Advice,
) {
    let mut same = Vec::new();
    for (condition, without) in otherwise() {
        match choose(all, without) {
            Some(other) if other.row.placing != best.row.placing => {
                let time = if without.cold {
                    other.cold_ns
                } else {
                    other.ns
                };
                advice.changes.push(format!(
                    "{condition}: `{}` ({}; {}).",
                    other.row.placing,
                    ns(time),
                    shortcomings(other)
                ));
            }
            Some(_) => same.push(condition),
            None => advice.changes.push(format!("{condition}: none fits.")),
        }
    }
    on_other_rings(comparison, (best, ring), advice);
    if !same.is_empty() {
        let same: Vec<String> = same.iter().map(|text| lower(text)).collect();
        advice
            .changes
            .push(format!("It stays the same: {}.", same.join("; ")));
    }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_lowercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
