//! The rule: which difference between two sides is refused. Pure; the numbers come from
//! `ci/gate.toml`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::counts::{Count, Counts};

/// The limits of `ci/gate.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// More instructions than this, in percent, are refused …
    pub(crate) instructions_fail_percent: f64,
    /// … where they are also more than this many an operation.
    pub(crate) instructions_fail_count: f64,
    /// More instructions than this, in percent, are told.
    pub(crate) instructions_warn_percent: f64,
    /// Two measurements of one program may differ by this, in percent.
    pub(crate) repeat_percent: f64,
}

/// One side, measured twice by the same program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    pub(crate) first: Counts,
    pub(crate) second: Counts,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Two measurements of one program differ.
    NotDeterministic,
    /// Worse than allowed.
    Fail,
    /// Worse, but less than is refused.
    Warn,
    /// The two sides do not measure the same thing.
    NotComparable,
    /// Only the head has it.
    New,
    /// As good as before, or better.
    Pass,
}

/// One case on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) base: Option<Count>,
    pub(crate) head: Option<Count>,
    pub(crate) verdict: Verdict,
    pub(crate) why: String,
}

impl Row {
    /// Change of the instructions of an operation, in percent.
    pub(crate) fn change_percent(&self) -> Option<f64> {
        let (base, head) = (self.base.as_ref()?, self.head.as_ref()?);
        Some(change_percent(
            base.instructions_each(),
            head.instructions_each(),
        ))
    }
}

/// Judges every row of both sides; the worst come first. Rows of the suites in `incomparable`
/// are listed but not compared.
pub(crate) fn judge(
    limits: &Limits,
    base: &Side,
    head: &Side,
    incomparable: &BTreeSet<String>,
) -> Vec<Row> {
    let ids: BTreeSet<&String> = base.first.keys().chain(head.first.keys()).collect();
    let mut rows: Vec<Row> = ids
        .into_iter()
        .map(|id| {
            let pair = Pair {
                base: base.first.get(id).zip(base.second.get(id)),
                head: head.first.get(id).zip(head.second.get(id)),
            };
            let suite = id.split('/').next().unwrap_or_default();
            let (verdict, why) = pair.judge(limits, incomparable.contains(suite));
            Row {
                id: id.clone(),
                base: pair.base.map(|twice| twice.0.clone()),
                head: pair.head.map(|twice| twice.0.clone()),
                verdict,
                why,
            }
        })
        .collect();
    rows.sort_by_key(|row| row.verdict);
    rows
}

type Twice<'a> = Option<(&'a Count, &'a Count)>;

struct Pair<'a> {
    base: Twice<'a>,
    head: Twice<'a>,
}

impl Pair<'_> {
    fn judge(&self, limits: &Limits, incomparable: bool) -> (Verdict, String) {
        for (name, side) in [("base", self.base), ("head", self.head)] {
            if let Some(why) = side.and_then(|twice| unequal(limits, twice)) {
                return (Verdict::NotDeterministic, format!("{name}: {why}"));
            }
        }
        if let Some((head, _)) = self.head
            && let Some(max) = head.allocations_max
            && head.allocations_each() > max
        {
            let why = format!(
                "{} allocations, at most {max} promised",
                head.allocations_each()
            );
            return (Verdict::Fail, why);
        }
        match (self.base, self.head) {
            _ if incomparable => (
                Verdict::NotComparable,
                "its bench source differs from the base's".into(),
            ),
            (Some((base, _)), Some((head, _))) => compare(limits, base, head),
            (Some(_), None) => (Verdict::Fail, "vanished: the base has it".into()),
            (None, _) => (Verdict::New, "the base does not have it".into()),
        }
    }
}

fn unequal(limits: &Limits, (first, second): (&Count, &Count)) -> Option<String> {
    let apart = |what: &str, a: u64, b: u64| {
        let difference = a.abs_diff(b) as f64;
        let limit = a.min(b) as f64 * limits.repeat_percent / 100.0;
        (difference > limit).then(|| format!("not deterministic: {a} and {b} {what}"))
    };
    apart("instructions", first.instructions, second.instructions)
        .or_else(|| apart("allocations", first.allocations, second.allocations))
        .or_else(|| apart("bytes", first.bytes, second.bytes))
}

fn compare(limits: &Limits, base: &Count, head: &Count) -> (Verdict, String) {
    if base.operations != head.operations {
        let why = format!("{} and {} operations", base.operations, head.operations);
        return (Verdict::NotComparable, why);
    }
    if head.allocations > base.allocations {
        let more = head.allocations_each() - base.allocations_each();
        return (
            Verdict::Fail,
            format!("+{more:.4} allocations an operation"),
        );
    }
    let percent = change_percent(base.instructions_each(), head.instructions_each());
    let more = head.instructions_each() - base.instructions_each();
    let why = format!("{percent:+.2}% ({more:+.1}) instructions an operation");
    if percent > limits.instructions_fail_percent && more > limits.instructions_fail_count {
        return (Verdict::Fail, why);
    }
    if percent > limits.instructions_warn_percent {
        return (Verdict::Warn, why);
    }
    if head.bytes > base.bytes {
        let more = head.bytes_each() - base.bytes_each();
        return (
            Verdict::Warn,
            format!("+{more:.1} bytes allocated an operation"),
        );
    }
    (Verdict::Pass, String::new())
}

fn change_percent(base: f64, head: f64) -> f64 {
    100.0 * (head / base - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        instructions_fail_percent: 0.5,
        instructions_fail_count: 3.0,
        instructions_warn_percent: 0.1,
        repeat_percent: 0.05,
    };

    /// A side from a line: `id instructions [allocations [bytes]]`, per 100 operations, where
    /// `a|b` is what the two measurements gave.
    fn side(text: &str) -> Side {
        let mut side = Side::default();
        for line in text
            .split(';')
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let mut fields = line.split_whitespace();
            let id = fields.next().unwrap();
            let twice: Vec<(u64, u64)> = fields
                .map(|field| {
                    let (a, b) = field.split_once('|').unwrap_or((field, field));
                    (a.parse().unwrap(), b.parse().unwrap())
                })
                .collect();
            let of = |which: fn(&(u64, u64)) -> u64| {
                let at = |index: usize| twice.get(index).map_or(0, which);
                Count {
                    operations: 100,
                    instructions: at(0),
                    allocations: at(1),
                    bytes: at(2),
                    allocations_max: id.starts_with("free/").then_some(0.0),
                }
            };
            side.first.insert(id.into(), of(|twice| twice.0));
            side.second.insert(id.into(), of(|twice| twice.1));
        }
        side
    }

    fn check(base: &str, head: &str, expected: &[(&str, Verdict)]) {
        let rows = judge(&LIMITS, &side(base), &side(head), &["other".into()].into());
        let got: Vec<(&str, Verdict)> = rows
            .iter()
            .map(|row| (row.id.as_str(), row.verdict))
            .collect();
        assert_eq!(got, expected, "{base} → {head}: {rows:?}");
    }

    #[test]
    fn instructions() {
        use Verdict::{Fail, Pass, Warn};
        for (base, head, verdict) in [
            (100_000, 100_000, Pass),
            (100_000, 50_000, Pass),
            (100_000, 100_100, Pass), // +0.10%
            (100_000, 100_101, Warn),
            (100_000, 100_500, Warn), // +0.50%
            (100_000, 100_501, Fail), // +5 an operation
            (100_000, 101_000, Fail), // +1%
            (10_000, 10_300, Warn),   // +3%, but only 3 an operation
            (10_000, 10_301, Fail),
        ] {
            check(
                &format!("a {base}"),
                &format!("a {head}"),
                &[("a", verdict)],
            );
        }
    }

    #[test]
    fn allocations_and_bytes() {
        use Verdict::{Fail, Pass, Warn};
        check("a 1000 0", "a 1000 1", &[("a", Fail)]);
        check("a 1000 7 70", "a 1000 6 70", &[("a", Pass)]);
        check("a 1000 7 70", "a 1000 7 80", &[("a", Warn)]);
    }

    #[test]
    fn a_promise_is_held_even_by_a_new_row() {
        check("", "free/a 1000 1", &[("free/a", Verdict::Fail)]);
        check(
            "free/a 1000 1",
            "free/a 1000 1",
            &[("free/a", Verdict::Fail)],
        );
        check(
            "free/a 1000 0",
            "free/a 1000 0",
            &[("free/a", Verdict::Pass)],
        );
    }

    #[test]
    fn rows_of_one_side() {
        check(
            "a 1000; b 1000",
            "a 1000",
            &[("b", Verdict::Fail), ("a", Verdict::Pass)],
        );
        check(
            "a 1000",
            "a 1000; b 1000",
            &[("b", Verdict::New), ("a", Verdict::Pass)],
        );
    }

    #[test]
    fn two_measurements_must_agree() {
        use Verdict::{NotDeterministic, Pass};
        check("a 10000|10005", "a 10000", &[("a", Pass)]); // 0.05%
        check("a 10000|10006", "a 10000", &[("a", NotDeterministic)]);
        check("a 10000", "a 10006|10000", &[("a", NotDeterministic)]);
        check("a 10000 1|2", "a 10000 1", &[("a", NotDeterministic)]);
    }

    #[test]
    fn other_sources_are_not_compared() {
        check(
            "other/a 1",
            "other/a 1000",
            &[("other/a", Verdict::NotComparable)],
        );
        check("other/a 1", "", &[("other/a", Verdict::NotComparable)]);
    }
}
