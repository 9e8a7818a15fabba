//! Every measured case, once. A suite is one file and one row of [`SUITES`].

#[cfg(feature = "gate-canary")]
pub mod canary;
pub mod coalesce;
pub mod dispatch;
pub mod distribution;
pub mod fragment;
pub mod handoff;
pub mod hash;
pub mod node;
pub mod resp;
pub mod store;

use crate::case::Case;

/// A group of cases about one part of the engine.
#[derive(Debug)]
pub struct Suite {
    /// The first part of its cases' ids.
    pub name: &'static str,
    /// The question it answers.
    pub question: &'static str,
    /// Makes its cases.
    pub cases: fn() -> Vec<Case>,
}

/// All suites, in reading order.
pub static SUITES: &[Suite] = &[
    hash::SUITE,
    distribution::SUITE,
    resp::SUITE,
    dispatch::SUITE,
    coalesce::SUITE,
    fragment::SUITE,
    handoff::SUITE,
    node::SUITE,
    store::SUITE,
    #[cfg(feature = "gate-canary")]
    canary::SUITE,
];

/// All cases of all suites, in order.
pub fn all() -> Vec<Case> {
    SUITES.iter().flat_map(|suite| (suite.cases)()).collect()
}

/// The cases whose id contains `filter`, and the gate's own rows whatever the filter. With the
/// feature `rivals` those of the crates beside ours too: they belong to no suite.
pub fn selected(filter: String) -> impl Iterator<Item = Case> {
    #[cfg(feature = "rivals")]
    let all = all().into_iter().chain(crate::hash_rivals::cases());
    #[cfg(not(feature = "rivals"))]
    let all = all().into_iter();
    all.filter(move |case| case.id.contains(&filter) || case.suite() == CANARY)
}

/// The suite of rows by which the gate tests itself.
pub const CANARY: &str = "canary";

#[cfg(test)]
mod tests {
    use super::*;

    /// Small runs of every case in every test run, so that none can rot.
    #[test]
    fn every_case_gives_the_right_result() {
        let wrong = all().into_iter().filter_map(|case| {
            let mut subject = case.warm();
            subject.run(case.operations);
            let wrong = subject.check().err()?;
            Some(format!("{}: {wrong}", case.id))
        });
        assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn ids_are_unique_and_have_three_parts() {
        let mut ids: Vec<String> = all().into_iter().map(|case| case.id).collect();
        for id in &ids {
            assert_eq!(id.split('/').count(), 3, "{id}");
            assert!(!id.contains([' ', ',', '"']), "{id}");
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "two cases have one id");
    }

    #[test]
    fn cases_belong_to_their_suite() {
        for suite in SUITES {
            for case in (suite.cases)() {
                assert_eq!(case.suite(), suite.name);
            }
        }
    }
}
