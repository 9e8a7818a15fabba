use super::*;

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..20 {
        let first = run(seed, Planted::default(), false);
        let second = run(seed, Planted::default(), true);
        assert_eq!(first.trace_hash, second.trace_hash, "seed {seed}");
        assert!(!second.lines.is_empty());
    }
}

#[test]
fn every_planted_bug_is_caught_by_the_checker_of_its_rule() {
    for planted in Planted::all() {
        let caught = (0..200).any(|seed| {
            let outcome = run(seed, planted, false);
            let rules = outcome.violations.iter().map(|violation| violation.rule);
            rules.into_iter().any(|rule| rule == planted.rule())
        });
        assert!(caught, "{}: {}", planted.name(), planted.about());
    }
}

#[test]
fn a_hundred_seeds_hold() {
    for seed in 0..100 {
        let outcome = run(seed, Planted::default(), false);
        let violations = &outcome.violations;
        assert!(violations.is_empty(), "seed {seed}: {violations:?}");
    }
}
