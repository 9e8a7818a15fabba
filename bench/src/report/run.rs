//! A run's folder: written once, never overwritten, and read again for its report.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::host;
use crate::choices::Choices;
use crate::demo::load::Load;
use crate::demo::story::HintsPoint;
use crate::demo::{Demo, Shown};

/// Between two points of a line of hints, in seconds.
const HINTS_PERIOD_S: f64 = 0.25;

/// Where a run comes from, as `run.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct About {
    /// Counts up with each change that a reader must know of.
    pub(crate) schema_version: u32,
    /// When, in UTC: `2026-01-31T23-59-58`.
    pub(crate) when: String,
    /// Which kind of machine.
    pub(crate) machine: String,
    /// Of which commit; `+` when files differed from it.
    pub(crate) revision: String,
    /// The command that made it.
    pub(crate) command: String,
}

/// All that is known of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) dir: PathBuf,
    pub(crate) about: About,
    pub(crate) demo: Demo,
    pub(crate) load: Load,
    pub(crate) hints: Vec<HintsPoint>,
    pub(crate) choices: Choices,
    /// The text of `machine.txt`.
    pub(crate) machine: String,
}

/// Makes a new folder `<date>-<machine>` in `runs`, with a number behind it when there is one.
///
/// # Errors
/// It can't be made.
pub(crate) fn new_dir(runs: &Path, about: &About) -> Result<PathBuf> {
    fs::create_dir_all(runs).with_context(|| runs.display().to_string())?;
    let date = about.when.split('T').next().unwrap_or_default();
    for number in 1..1000 {
        let suffix = match number {
            1 => String::new(),
            number => format!("-{number}"),
        };
        let dir = runs.join(format!("{date}-{}{suffix}", about.machine));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| dir.display().to_string()),
        }
    }
    bail!("{} has too many runs of {date}", runs.display());
}

impl Run {
    /// Writes the raw data of a run into its folder; the load's own files are there already.
    ///
    /// # Errors
    /// A file can't be written.
    pub(crate) fn write(dir: &Path, about: About, shown: Shown, choices: Choices) -> Result<Self> {
        json(&dir.join("run.json"), &about)?;
        json(&dir.join("demo.json"), &shown.demo)?;
        json(&dir.join("choices.json"), &choices)?;
        let hints = thinned(shown.hints);
        hints_csv(&dir.join("hints.csv"), &shown.demo, &hints)?;
        fs::write(dir.join("choices.csv"), choices_csv(&choices))?;
        let machine = fs::read_to_string(dir.join("machine.txt")).context("machine.txt")?;
        Ok(Self {
            dir: dir.to_owned(),
            about,
            demo: shown.demo,
            load: shown.load,
            hints,
            choices,
            machine,
        })
    }

    /// Reads a run's folder.
    ///
    /// # Errors
    /// A file is missing or has another form.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let demo: Demo = from_json(&dir.join("demo.json"))?;
        let hints = read_hints(&dir.join("hints.csv"), &demo)?;
        Ok(Self {
            dir: dir.to_owned(),
            about: from_json(&dir.join("run.json"))?,
            load: Load::read(&dir.join("load.json"))?,
            choices: from_json(&dir.join("choices.json"))?,
            machine: fs::read_to_string(dir.join("machine.txt")).context("machine.txt")?,
            demo,
            hints,
        })
    }

    /// Requests of the load without a right answer.
    pub(crate) fn failed(&self) -> u64 {
        self.load.totals.failed + self.load.totals.unfinished
    }

    /// What spoke against timing when the run began.
    pub(crate) fn objection(&self) -> Option<&str> {
        let mut lines = self.machine.lines();
        let fit = lines.find_map(|line| line.strip_prefix(host::FIT))?;
        fit.trim().strip_prefix("no: ")
    }

    /// The folder's own name.
    pub(crate) fn name(&self) -> String {
        let name = self.dir.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

fn json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    fs::write(path, text).with_context(|| path.display().to_string())
}

/// Reads a JSON file.
///
/// # Errors
/// It is not there or has another form.
pub(crate) fn from_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// One point a quarter of a second and line is enough for a plot.
fn thinned(points: Vec<HintsPoint>) -> Vec<HintsPoint> {
    let mut kept: Vec<HintsPoint> = Vec::new();
    for point in points {
        let line = |other: &&HintsPoint| (other.holder, other.peer) == (point.holder, point.peer);
        let last = kept.iter().rev().find(line);
        if last.is_none_or(|last| point.t_s - last.t_s >= 0.9 * HINTS_PERIOD_S) {
            kept.push(point);
        }
    }
    kept
}

fn hints_csv(path: &Path, demo: &Demo, points: &[HintsPoint]) -> Result<()> {
    let mut text = b"t_s,holder,peer,stored,delivered\n".to_vec();
    for point in points {
        let (holder, peer) = (&demo.nodes[point.holder].name, &demo.nodes[point.peer].name);
        let (stored, delivered) = (point.stored, point.delivered);
        writeln!(
            text,
            "{:.3},{holder},{peer},{stored},{delivered}",
            point.t_s
        )?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

fn read_hints(path: &Path, demo: &Demo) -> Result<Vec<HintsPoint>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let node = |name: &str| demo.nodes.iter().position(|place| place.name == name);
    let point = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [t_s, holder, peer, stored, delivered] = fields[..] else {
            return None;
        };
        Some(HintsPoint {
            t_s: t_s.parse().ok()?,
            holder: node(holder)?,
            peer: node(peer)?,
            stored: stored.parse().ok()?,
            delivered: delivered.parse().ok()?,
        })
    };
    let row = |line: &str| point(line).with_context(|| format!("{}: {line}", path.display()));
    text.lines().skip(1).map(row).collect()
}

fn choices_csv(choices: &Choices) -> String {
    let mut text = "id,ns,ns_p25,ns_p75,instructions\n".to_owned();
    for cost in &choices.costs {
        let count = cost.instructions.map(|count| format!("{count:.2}"));
        text += &format!(
            "{},{:.3},{:.3},{:.3},{}\n",
            cost.id,
            cost.ns,
            cost.ns_p25,
            cost.ns_p75,
            count.unwrap_or_default()
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about() -> About {
        About {
            schema_version: 1,
            when: "2026-01-31T23-59-58".into(),
            machine: "some-cpu-2c".into(),
            revision: "abc".into(),
            command: "ringlab demo".into(),
        }
    }

    #[test]
    fn a_run_never_takes_another_ones_folder() {
        let runs = std::env::temp_dir().join(format!("ringlab-runs-{}", std::process::id()));
        let names: Vec<String> = (0..3)
            .map(|_| new_dir(&runs, &about()).expect("a new folder"))
            .map(|dir| {
                dir.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        fs::remove_dir_all(&runs).expect("made above");
        let first = "2026-01-31-some-cpu-2c";
        assert_eq!(names, [first, &format!("{first}-2"), &format!("{first}-3")]);
    }

    #[test]
    fn lines_of_hints_are_thinned_apart() {
        let point = |t_s, holder| HintsPoint {
            t_s,
            holder,
            peer: 1,
            stored: 0,
            delivered: 0,
        };
        let points = vec![
            point(0.0, 0),
            point(0.1, 2),
            point(0.125, 0),
            point(0.25, 0),
        ];
        let times: Vec<f64> = thinned(points).iter().map(|point| point.t_s).collect();
        assert_eq!(times, [0.0, 0.1, 0.25]);
    }
}
