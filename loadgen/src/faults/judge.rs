//! What each event did to the load: when it showed, when it was over, what it cost.

use crate::objective::Objective;

use super::FaultReport;

/// One window as the judgement needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Look {
    /// Seconds since the start of the load.
    pub(crate) start_s: f64,
    pub(crate) end_s: f64,
    /// Requests answered, and those of them beyond the objective's limit.
    pub(crate) count: u64,
    pub(crate) beyond: u64,
    /// Requests that failed, and the first one's moment.
    pub(crate) failed: u64,
    pub(crate) first_failure_s: Option<f64>,
    /// True if something was asked and nothing answered.
    pub(crate) silent: bool,
    /// Lost writes found.
    pub(crate) lost_writes: u64,
}

impl Look {
    fn is_bad(&self, objective: Option<&Objective>) -> bool {
        let missed = objective.is_some_and(|objective| !objective.holds(self.count, self.beyond));
        self.failed > 0 || self.silent || missed
    }
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) t_s: f64,
    pub(crate) text: String,
    pub(crate) failure: Option<String>,
}

/// The objective holds again when it has for so long.
const CALM_S: f64 = 1.0;

/// Judges events, in order of time; each lasts until the next one.
pub(crate) fn judge(
    events: &[Done],
    looks: &[Look],
    objective: Option<&Objective>,
    counts_lost_writes: bool,
) -> Vec<FaultReport> {
    let report = |(index, event): (usize, &Done)| {
        let until = events.get(index + 1).map_or(f64::MAX, |next| next.t_s);
        // The window in which something is done is that event's, but for what failed in it before.
        let failed_before =
            |look: &Look, t_s| look.first_failure_s.is_some_and(|first| first < t_s);
        let mine: Vec<&Look> = looks
            .iter()
            .filter(|look| look.end_s > event.t_s && !failed_before(look, event.t_s))
            .filter(|look| look.end_s <= until || failed_before(look, until))
            .collect();
        let bad = |look: &&&Look| look.is_bad(objective);
        let detected = mine.iter().find(bad).map(|look| {
            let moment = look.first_failure_s.unwrap_or(look.start_s);
            (moment - event.t_s).max(0.0)
        });
        FaultReport {
            t_s: event.t_s,
            text: event.text.clone(),
            failure: event.failure.clone(),
            detected_after_s: detected,
            restored_after_s: detected
                .and_then(|_| restored(&mine, objective))
                .map(|at| at - event.t_s),
            errors: mine.iter().map(|look| look.failed).sum(),
            lost_writes: counts_lost_writes.then(|| mine.iter().map(|look| look.lost_writes).sum()),
        }
    };
    events.iter().enumerate().map(report).collect()
}

/// The end of the last bad window, if it is calm for long enough after it.
fn restored(looks: &[&Look], objective: Option<&Objective>) -> Option<f64> {
    let first_bad = looks.iter().position(|look| look.is_bad(objective))?;
    let mut over: Option<f64> = None;
    for pair in looks[first_bad..].windows(2) {
        let [look, next] = pair else { continue };
        if look.is_bad(objective) {
            over = Some(look.end_s);
        }
        if over.is_some_and(|over| !next.is_bad(objective) && next.end_s - over >= CALM_S - 1e-6) {
            return over;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of a quarter of a second from 0 on, one for each letter: `.` fine, `e` errors from
    /// its middle on, `s` silent, `l` slow.
    fn looks(text: &str) -> Vec<Look> {
        let look = |(index, letter): (usize, char)| {
            let start_s = index as f64 / 4.0;
            let failed = if letter == 'e' { 5 } else { 0 };
            Look {
                start_s,
                end_s: start_s + 0.25,
                count: if letter == 's' { 0 } else { 1000 },
                beyond: if letter == 'l' { 500 } else { 0 },
                failed,
                first_failure_s: (failed > 0).then_some(start_s + 0.125),
                silent: letter == 's',
                lost_writes: failed / 5,
            }
        };
        text.chars().enumerate().map(look).collect()
    }

    /// (detected, restored, errors) of events at these seconds.
    fn told(at: &[f64], text: &str) -> Vec<(Option<f64>, Option<f64>, u64)> {
        let done = |&t_s: &f64| Done {
            t_s,
            text: "kill n2".into(),
            failure: None,
        };
        let events: Vec<Done> = at.iter().map(done).collect();
        let objective: Objective = "p99=1ms".parse().unwrap();
        judge(&events, &looks(text), Some(&objective), true)
            .iter()
            .map(|report| {
                assert_eq!(report.lost_writes, Some(report.errors / 5));
                (
                    report.detected_after_s,
                    report.restored_after_s,
                    report.errors,
                )
            })
            .collect()
    }

    #[test]
    fn an_event_is_detected_and_over() {
        // At 1.0: errors at 1.375 and 1.625, slow until 2.25, then calm.
        assert_eq!(
            told(&[1.0], ".....eell....."),
            [(Some(0.375), Some(1.25), 10)]
        );
        // Silence shows from the window's start.
        assert_eq!(told(&[1.0], "....ss......"), [(Some(0.0), Some(0.5), 0)]);
        // A calm of less than a second is none.
        assert_eq!(told(&[1.0], "....s..s......"), [(Some(0.0), Some(1.0), 0)]);
    }

    #[test]
    fn what_never_shows_or_never_ends_is_said() {
        assert_eq!(told(&[1.0], "............"), [(None, None, 0)]);
        assert_eq!(told(&[1.0], "......ssssss"), [(Some(0.5), None, 0)]);
        assert_eq!(told(&[1.0], "......s..."), [(Some(0.5), None, 0)]);
        assert_eq!(told(&[9.0], "...."), [(None, None, 0)]);
    }

    #[test]
    fn errors_before_an_event_are_not_its_doing() {
        // The error at 1.125 comes before the event at 1.2.
        assert_eq!(told(&[1.2], "....e.......")[0].0, None);
        let two = told(&[1.0, 3.0], "....e.......ll......");
        assert_eq!(two[0], (Some(0.125), Some(0.25), 5));
        assert_eq!(two[1], (Some(0.0), Some(0.5), 0));
    }
}
