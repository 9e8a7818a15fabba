//! What the gate tells: the verdict first, then why, as Markdown and as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::ops::RangeBounds;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::Question;
use super::base::Base;
use super::blame::Function;
use super::selftest::Proof;
use super::verdict::{Limits, Row, Verdict};
use crate::exit::Exit;
use crate::machine::Fingerprint;
use crate::moment;

/// Version of the JSON report's form.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Refused rows whose functions are told outside the folded part.
const BLAMED_SHOWN: usize = 3;

/// What the whole run comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Conclusion {
    verdict: &'static str,
    line: String,
    #[serde(skip)]
    exit: Exit,
}

impl Conclusion {
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

/// One verdict from all rows. A gate that can't prove itself judges nothing; rows that can't be
/// measured are no pass.
pub(crate) fn conclude(rows: &[Row], proofs: &[Proof], filter: &str) -> Conclusion {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let (failed, shaky) = (count(Verdict::Fail), count(Verdict::NotDeterministic));
    let compared = rows.len() - count(Verdict::New) - count(Verdict::NotComparable);
    let conclusion = |verdict, exit, line: String| Conclusion {
        verdict,
        line: format!("{verdict}: {line}"),
        exit,
    };
    let broken: Vec<&str> = proofs
        .iter()
        .filter(|p| !p.holds())
        .map(|p| p.name)
        .collect();
    if !broken.is_empty() {
        let line = format!(
            "the gate misjudges {}; nothing it says can be relied on",
            broken.join(", ")
        );
        return conclusion("SELF-TEST FAILED", Exit::SelfTestFailed, line);
    }
    if rows.is_empty() {
        let line = format!("nothing was measured: no case's id contains '{filter}'");
        return conclusion("ERROR", Exit::Error, line);
    }
    if shaky > 0 {
        let line = format!("{shaky} of {} rows are not deterministic", rows.len());
        return conclusion("ERROR", Exit::Error, line);
    }
    if failed > 0 {
        let line = format!("{failed} of {} rows are worse than allowed", rows.len());
        return conclusion("REGRESSION", Exit::Regression, line);
    }
    if compared == 0 {
        return conclusion(
            "ERROR",
            Exit::Error,
            "no row can be compared with the base".into(),
        );
    }
    let line = format!(
        "{compared} of {} rows compared, none worse than allowed",
        rows.len()
    );
    conclusion("PASS", Exit::Pass, line)
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) schema_version: u32,
    pub(crate) conclusion: Conclusion,
    pub(crate) head: String,
    pub(crate) base: Base,
    pub(crate) filter: String,
    pub(crate) changed_suites: BTreeSet<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) proofs: Vec<Proof>,
    pub(crate) blame: BTreeMap<String, Vec<Function>>,
    pub(crate) limits: Limits,
    pub(crate) fingerprint: Fingerprint,
}

impl Report {
    /// Writes it into a new folder of `runs` and, where asked, into another; prints what fits a
    /// screen, or the JSON.
    pub(crate) fn write(&self, runs: &Path, question: &Question) -> Result<()> {
        let markdown = self.markdown();
        let json = serde_json::to_string_pretty(self)?;
        let head = self.head.trim_end_matches('+');
        let run = runs.join(format!("{}-{head}", moment::stamp()));
        for folder in std::iter::once(run.as_path()).chain(question.out.as_deref()) {
            save(folder, &markdown, &json)?;
        }
        if question.json {
            println!("{json}");
            return Ok(());
        }
        let shown = markdown.split("<details>").next().unwrap_or(&markdown);
        println!(
            "{}\n\nThe whole report: {}",
            shown.trim_end(),
            run.display()
        );
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.conclusion.line);
        let base = self.base.commit.get(..10).unwrap_or(&self.base.commit);
        let _ = writeln!(
            text,
            "Head {} against base {base} ({}).\n",
            self.head, self.base.reason
        );
        if !self.changed_suites.is_empty() {
            let names: Vec<&str> = self.changed_suites.iter().map(String::as_str).collect();
            let names = names.join(", ");
            let _ = writeln!(
                text,
                "The bench sources of {names} differ: both sides are measured as the head has them.\n"
            );
        }
        let telling = |row: &&Row| !matches!(row.verdict, Verdict::Pass);
        let rows: Vec<&Row> = self.rows.iter().filter(telling).collect();
        if !rows.is_empty() {
            text.push_str(&table(&rows));
        }
        text.push_str(&self.blame(..BLAMED_SHOWN));
        let _ = writeln!(text, "\nThe gate on itself:\n");
        for proof in &self.proofs {
            let answer = if proof.holds() { "yes" } else { "NO" };
            let expected = said(proof.expected);
            let _ = writeln!(text, "- {} must be {expected}: {answer}", proof.name);
        }
        let all: Vec<&Row> = self.rows.iter().collect();
        let _ = writeln!(
            text,
            "\n<details><summary>All {} rows</summary>\n",
            all.len()
        );
        text.push_str(&table(&all));
        if self.blame.len() > BLAMED_SHOWN {
            text.push_str(
                "\n</details>\n\n<details><summary>Where the other rows went</summary>\n",
            );
            text.push_str(&self.blame(BLAMED_SHOWN..));
        }
        text.push_str("\n</details>\n\n<details><summary>Fingerprint and limits</summary>\n\n");
        for (name, value) in self.fingerprint.rows() {
            let _ = writeln!(text, "- {name}: {}", value.trim().replace('\n', "; "));
        }
        let _ = writeln!(text, "- limits: {}\n\n</details>", json!(self.limits));
        text
    }

    /// Where the cost of some of the refused rows went.
    fn blame(&self, which: impl RangeBounds<usize>) -> String {
        let mut text = String::new();
        let base = self.base.commit.get(..10).unwrap_or(&self.base.commit);
        let blamed = self
            .blame
            .iter()
            .enumerate()
            .filter(|(index, _)| which.contains(index));
        for (_, (id, functions)) in blamed {
            let _ = writeln!(text, "\nWhere `{id}` went (instructions of one run):\n");
            for Function { name, base, head } in functions {
                let change = i128::from(*head) - i128::from(*base);
                let _ = writeln!(text, "- {change:+} `{name}` ({base} → {head})");
            }
            let _ = writeln!(
                text,
                "\nAgain: `cargo lab gate --base {base} --filter {id}`"
            );
        }
        text
    }
}

fn table(rows: &[&Row]) -> String {
    let mut text = String::from(
        "| row | base instr/op | head instr/op | change | allocs/op | verdict | why |\n\
         |---|--:|--:|--:|--:|---|---|\n",
    );
    for row in rows {
        let each = |count: &Option<_>| {
            let shown = count
                .as_ref()
                .map(|count: &crate::counts::Count| count.instructions_each());
            shown.map_or_else(|| "–".to_owned(), |n| format!("{n:.1}"))
        };
        let change = row
            .change_percent()
            .map_or_else(|| "–".to_owned(), |p| format!("{p:+.2}%"));
        let newest = row.head.as_ref().or(row.base.as_ref());
        let allocations = newest.map_or(0.0, crate::counts::Count::allocations_each);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {change} | {allocations:.2} | {} | {} |",
            row.id,
            each(&row.base),
            each(&row.head),
            said(row.verdict),
            row.why
        );
    }
    text
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotDeterministic => "NOT DETERMINISTIC",
        Verdict::Fail => "FAIL",
        Verdict::Warn => "warn",
        Verdict::NotComparable => "NOT COMPARABLE",
        Verdict::New => "new",
        Verdict::Pass => "pass",
    }
}

fn save(folder: &Path, markdown: &str, json: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    fs::write(folder.join("report.md"), markdown)?;
    fs::write(folder.join("report.json"), json)?;
    Ok(())
}

/// Writes that there is no verdict, so that nobody takes an older report for this run's.
pub(crate) fn write_error(out: &Path, error: &anyhow::Error) -> Result<()> {
    let line = format!("ERROR: {error:#}");
    let conclusion = json!({ "verdict": "ERROR", "line": line });
    let json = json!({ "schema_version": SCHEMA_VERSION, "conclusion": conclusion });
    save(
        out,
        &format!("{line}\n"),
        &serde_json::to_string_pretty(&json)?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(verdicts: &[Verdict]) -> Vec<Row> {
        let row = |verdict: &Verdict| Row {
            id: "a/b/c".into(),
            base: None,
            head: None,
            verdict: *verdict,
            why: String::new(),
        };
        verdicts.iter().map(row).collect()
    }

    #[test]
    fn one_verdict_from_all_rows() {
        use Verdict::{Fail, New, NotComparable, NotDeterministic, Pass, Warn};
        for (verdicts, line, exit) in [
            (
                &[][..],
                "ERROR: nothing was measured: no case's id contains 'x'",
                Exit::Error,
            ),
            (
                &[Pass, Warn],
                "PASS: 2 of 2 rows compared, none worse than allowed",
                Exit::Pass,
            ),
            (
                &[Pass, New],
                "PASS: 1 of 2 rows compared, none worse than allowed",
                Exit::Pass,
            ),
            (
                &[Fail, Pass],
                "REGRESSION: 1 of 2 rows are worse than allowed",
                Exit::Regression,
            ),
            (
                &[NotDeterministic, Fail],
                "ERROR: 1 of 2 rows are not deterministic",
                Exit::Error,
            ),
            (
                &[New, NotComparable],
                "ERROR: no row can be compared with the base",
                Exit::Error,
            ),
        ] {
            let conclusion = conclude(&rows(verdicts), &[], "x");
            assert_eq!((conclusion.line.as_str(), conclusion.exit), (line, exit));
        }
    }

    #[test]
    fn a_gate_that_fails_its_test_says_nothing_else() {
        let proof = Proof {
            name: "1% more work",
            expected: Verdict::Fail,
            got: Some((Verdict::Pass, String::new())),
        };
        let conclusion = conclude(&rows(&[Verdict::Fail]), &[proof], "");
        assert_eq!(conclusion.exit, Exit::SelfTestFailed);
        assert!(
            conclusion
                .line
                .starts_with("SELF-TEST FAILED: the gate misjudges 1% more work")
        );
    }
}
