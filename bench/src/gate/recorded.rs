//! Counts of an earlier run as the base: a gate's report. They hold only for its fingerprint.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::report::SCHEMA_VERSION;
use super::verdict::Side;
use crate::counts::{Count, Counts};
use crate::machine::Fingerprint;

#[derive(Deserialize)]
struct Recorded {
    schema_version: u32,
    #[serde(default)]
    rows: Vec<RecordedRow>,
    fingerprint: Option<Fingerprint>,
}

#[derive(Deserialize)]
struct RecordedRow {
    id: String,
    head: Option<Count>,
}

/// The head of the report in `file`, where it was counted under `fingerprint`.
///
/// # Errors
/// Another fingerprint, another form, or no counts.
pub(super) fn side(file: &Path, fingerprint: &Fingerprint, filter: &str) -> Result<Side> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
    side_of(&text, fingerprint, filter).context(name)
}

fn side_of(text: &str, fingerprint: &Fingerprint, filter: &str) -> Result<Side> {
    let recorded: Recorded = serde_json::from_str(text).context("not a gate's report")?;
    if recorded.schema_version != SCHEMA_VERSION {
        bail!(
            "a report of form {}, not {SCHEMA_VERSION}",
            recorded.schema_version
        );
    }
    let Some(foreign) = recorded.fingerprint else {
        bail!("no base: that run counted nothing");
    };
    fingerprint.must_equal(&foreign)?;
    let rows = recorded
        .rows
        .into_iter()
        .filter(|row| row.id.contains(filter));
    let counts: Counts = rows.filter_map(|row| Some((row.id, row.head?))).collect();
    if counts.is_empty() {
        bail!("no base: that run has no row with '{filter}'");
    }
    Ok(Side {
        first: counts.clone(),
        second: counts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> serde_json::Value {
        let count = json!({ "operations": 100, "instructions": 7000, "allocations": 0, "bytes": 0,
            "allocations_max": null });
        json!({
            "schema_version": SCHEMA_VERSION,
            "rows": [{ "id": "a/b/c", "head": count }, { "id": "a/b/gone", "head": null }],
            "fingerprint": Fingerprint::default(),
        })
    }

    #[test]
    fn a_report_of_this_machine_is_a_base() {
        let side = side_of(&report().to_string(), &Fingerprint::default(), "b/").unwrap();
        assert_eq!(side.first.keys().collect::<Vec<_>>(), ["a/b/c"]);
        assert_eq!(side.first, side.second);
    }

    #[test]
    fn anything_else_is_none() {
        let changed = |name: &str, value| {
            let mut report = report();
            report[name] = value;
            report.to_string()
        };
        let mut foreign = json!(Fingerprint::default());
        foreign["libc"] = json!("another");
        for (text, filter, why) in [
            ("{}".to_owned(), "", "not a gate's report"),
            (
                changed("schema_version", json!(9)),
                "",
                "a report of form 9, not 1",
            ),
            (
                changed("fingerprint", json!(null)),
                "",
                "no base: that run counted nothing",
            ),
            (
                changed("rows", json!([])),
                "",
                "no base: that run has no row with ''",
            ),
            (
                report().to_string(),
                "x",
                "no base: that run has no row with 'x'",
            ),
            (
                changed("fingerprint", foreign),
                "",
                "foreign fingerprint: libc differs; such counts can't be compared",
            ),
        ] {
            let error = side_of(&text, &Fingerprint::default(), filter).unwrap_err();
            assert_eq!(error.to_string(), why);
        }
    }
}
