//! Where the cost went: the functions of a case whose own instructions differ most.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

use super::verdict::{Row, Verdict};

/// How many functions are told for a row.
const FUNCTIONS_MAX: usize = 8;

/// One function's own instructions in the counted run of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) base: u64,
    pub(crate) head: u64,
}

/// The functions of each refused row, by its id, the largest difference first.
pub(crate) fn of_failures(rows: &[Row], folder: &Path) -> BTreeMap<String, Vec<Function>> {
    let failed = rows.iter().filter(|row| row.verdict == Verdict::Fail);
    failed
        .filter_map(|row| {
            let read = |side: &str| own_instructions(&profile(&folder.join(side), &row.id)?);
            Some((row.id.clone(), differences(&read("base")?, &read("head")?)))
        })
        .collect()
}

/// Callgrind's file of a case. The runner names its folder after the id, with what a file system
/// may not like replaced.
fn profile(side: &Path, id: &str) -> Option<String> {
    let name = format!("counted.{}", id.replace('/', "_"));
    let folders = fs::read_dir(side.join("count1/instructions/cases")).ok()?;
    let folder = folders
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy() == name)?;
    fs::read_to_string(folder.path().join(format!("callgrind.{name}.out"))).ok()
}

/// Function name to its own instructions: the lines of costs, without those of calls.
fn own_instructions(profile: &str) -> Option<BTreeMap<String, u64>> {
    let mut costs = BTreeMap::new();
    let mut function = None;
    let mut of_a_call = false;
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = Some(name.to_owned());
        } else if line.starts_with("calls=") {
            of_a_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line
                .split(' ')
                .nth(1)
                .and_then(|cost| cost.parse::<u64>().ok());
            if let (Some(name), Some(cost), false) = (&function, cost, of_a_call) {
                *costs.entry(name.clone()).or_default() += cost;
            }
            of_a_call = false;
        }
    }
    (!costs.is_empty()).then_some(costs)
}

fn differences(base: &BTreeMap<String, u64>, head: &BTreeMap<String, u64>) -> Vec<Function> {
    let names: std::collections::BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let of = |side: &BTreeMap<String, u64>, name: &String| side.get(name).copied().unwrap_or(0);
    let mut functions: Vec<Function> = names
        .into_iter()
        .map(|name| Function {
            name: name.clone(),
            base: of(base, name),
            head: of(head, name),
        })
        .filter(|function| function.base != function.head)
        .collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.base.abs_diff(function.head)));
    functions.truncate(FUNCTIONS_MAX);
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "events: Ir\nfn=a\nfi=x.rs\n10 5\n+3 2\ncfn=b\ncalls=1 20\n250 700\n\
                           11 1\n\nfn=b\n* 700\ntotals: 708\n";

    #[test]
    fn own_costs_leave_calls_out() {
        let costs = own_instructions(PROFILE).unwrap();
        assert_eq!(costs, [("a".to_owned(), 8), ("b".to_owned(), 700)].into());
        assert_eq!(own_instructions(""), None);
    }

    #[test]
    fn the_largest_difference_comes_first() {
        let side = |rows: &[(&str, u64)]| rows.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        let found = differences(
            &side(&[("a", 5), ("b", 9), ("c", 1)]),
            &side(&[("a", 6), ("b", 4), ("c", 1)]),
        );
        let names: Vec<&str> = found
            .iter()
            .map(|function| function.name.as_str())
            .collect();
        assert_eq!(names, ["b", "a"]);
    }
}
