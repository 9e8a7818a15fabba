//! The machine: what a count or a time depends on, and whether it is quiet enough for timing.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::instruments::TUNABLES;
use crate::workspace::told_by;

/// Everything that moves counts though the sources are equal. Counts under different fingerprints
/// are never compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    rustc: String,
    profile: String,
    flags: String,
    valgrind: String,
    runner: String,
    libc: String,
    cpu: String,
    cpu_features: String,
    allocator: String,
}

impl Fingerprint {
    /// Of this machine and of the tree's toolchain and profile.
    ///
    /// # Errors
    /// A tool that is missing or of the wrong version.
    pub(crate) fn of(tree: &Path) -> Result<Self> {
        let cpu = |field| {
            cpu_field(
                &fs::read_to_string("/proc/cpuinfo").unwrap_or_default(),
                field,
            )
        };
        Ok(Self {
            rustc: rustc(tree)?,
            profile: profile(tree)?,
            flags: flags(tree)?,
            valgrind: valgrind()?,
            runner: runner(tree)?,
            libc: libc_version(),
            cpu: cpu("model name"),
            cpu_features: cpu("flags"),
            allocator: format!("system; {TUNABLES}"),
        })
    }

    /// Of another tree on the same machine, now.
    ///
    /// # Errors
    /// As for [`Fingerprint::of`].
    pub(crate) fn in_tree(&self, tree: &Path) -> Result<Self> {
        Ok(Self {
            rustc: rustc(tree)?,
            profile: profile(tree)?,
            flags: flags(tree)?,
            ..self.clone()
        })
    }

    /// Names and values, in reading order.
    pub(crate) fn rows(&self) -> [(&'static str, &str); 9] {
        [
            ("rustc", &self.rustc),
            ("profile", &self.profile),
            ("flags", &self.flags),
            ("valgrind", &self.valgrind),
            ("runner", &self.runner),
            ("libc", &self.libc),
            ("cpu", &self.cpu),
            ("cpu_features", &self.cpu_features),
            ("allocator", &self.allocator),
        ]
    }

    /// Refuses counts made under another one.
    ///
    /// # Errors
    /// Names what differs.
    pub(crate) fn must_equal(&self, other: &Self) -> Result<()> {
        let pairs = self.rows().into_iter().zip(other.rows());
        let differing = pairs.filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0);
        let names: Vec<&str> = differing.collect();
        match names[..] {
            [] => Ok(()),
            [name] => bail!("foreign fingerprint: {name} differs; such counts can't be compared"),
            _ => {
                let names = names.join(", ");
                bail!("foreign fingerprint: {names} differ; such counts can't be compared")
            }
        }
    }
}

fn rustc(tree: &Path) -> Result<String> {
    let told = told_by("rustc", &["--version", "--verbose"], tree);
    let told = told.with_context(|| format!("rustc can't be run in {}", tree.display()))?;
    Ok(told.replace('\n', "; "))
}

/// The profiles of the root manifest, in one line.
fn profile(tree: &Path) -> Result<String> {
    let manifest = read(&tree.join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    Ok(manifest
        .get("profile")
        .map(ToString::to_string)
        .unwrap_or_default())
}

/// What the tree's own cargo configuration adds to the build.
fn flags(tree: &Path) -> Result<String> {
    let path = tree.join(".cargo/config.toml");
    if !path.is_file() {
        return Ok(String::new());
    }
    let mut config: toml::Table = read(&path)?.parse().context(".cargo/config.toml")?;
    config.remove("alias");
    Ok(config.to_string().replace('\n', "; "))
}

fn valgrind() -> Result<String> {
    told_by("valgrind", &["--version"], Path::new("."))
        .context("valgrind is missing: it counts the instructions (Debian: apt install valgrind)")
}

/// The runner must be of the version of the library in the lock file; it tells its own in an error.
fn runner(tree: &Path) -> Result<String> {
    let lock: toml::Table = read(&tree.join("Cargo.lock"))?
        .parse()
        .context("Cargo.lock")?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let wanted = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name").and_then(|name| name.as_str()) == Some("iai-callgrind"))
        .and_then(|package| package.get("version")?.as_str())
        .context("Cargo.lock has no iai-callgrind")?;
    let install = format!("cargo install --locked --version {wanted} iai-callgrind-runner");
    let Ok(output) = std::process::Command::new("iai-callgrind-runner").output() else {
        bail!("iai-callgrind-runner is missing: {install}");
    };
    let words = String::from_utf8_lossy(&output.stderr);
    if !words.contains(wanted) {
        bail!("iai-callgrind-runner is not of version {wanted}: {install}");
    }
    Ok(wanted.to_owned())
}

fn libc_version() -> String {
    let told = told_by("ldd", &["--version"], Path::new(".")).unwrap_or_default();
    told.lines().next().unwrap_or_default().to_owned()
}

fn cpu_field(cpuinfo: &str, field: &str) -> String {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == field)
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Whether times measured now would mean anything.
#[derive(Debug, Serialize)]
pub(crate) struct Fitness {
    /// Cores this process may use.
    pub(crate) cores: usize,
    /// Runnable processes, averaged over a minute.
    pub(crate) load: f64,
    /// Share of the last ten seconds in which some task waited for a processor, in percent.
    pub(crate) cpu_pressure_percent: Option<f64>,
    /// Share of processor time taken by other guests since boot, in percent.
    pub(crate) steal_percent: f64,
    /// The frequency governor, where there is one.
    pub(crate) governor: Option<String>,
    /// What speaks against timing; empty when nothing does.
    pub(crate) objections: Vec<String>,
}

impl Fitness {
    /// Of this machine, now.
    pub(crate) fn now() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let governor = text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
        let mut fitness = Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: text("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|n| n.parse().ok())
                .unwrap_or(0.0),
            cpu_pressure_percent: pressure(&text("/proc/pressure/cpu")),
            steal_percent: steal(&text("/proc/stat")),
            governor: (!governor.is_empty()).then(|| governor.trim().to_owned()),
            objections: Vec::new(),
        };
        fitness.objections = fitness.object();
        fitness
    }

    fn object(&self) -> Vec<String> {
        let mut objections = Vec::new();
        let mut unless = |fit: bool, why: String| {
            if !fit {
                objections.push(why);
            }
        };
        unless(self.cores >= 2, "a load and a server need two cores".into());
        unless(self.load < 0.5, format!("the load is {:.2}", self.load));
        let pressure = self.cpu_pressure_percent.unwrap_or(0.0);
        unless(
            pressure < 1.0,
            format!("tasks waited for a processor {pressure:.1}% of the time"),
        );
        unless(
            self.steal_percent < 0.5,
            format!("other guests took {:.1}%", self.steal_percent),
        );
        let governor = self.governor.as_deref().unwrap_or("performance");
        unless(
            governor == "performance",
            format!("the frequency governor is '{governor}'"),
        );
        objections
    }
}

fn pressure(text: &str) -> Option<f64> {
    let some = text.lines().find(|line| line.starts_with("some"))?;
    let average = some
        .split(' ')
        .find_map(|field| field.strip_prefix("avg10="))?;
    average.parse().ok()
}

fn steal(stat: &str) -> f64 {
    let cpu = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = cpu
        .split_whitespace()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    let total: f64 = ticks.iter().sum();
    match ticks.get(7) {
        Some(stolen) if total > 0.0 => 100.0 * stolen / total,
        _ => 0.0,
    }
}

/// The text of a `machine.txt`: one name and value a line.
#[derive(Debug)]
pub(crate) struct Described<'a>(pub(crate) &'a Fingerprint, pub(crate) &'a Fitness);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.rows() {
            writeln!(f, "{name:<14}{}", value.trim())?;
        }
        let Self(_, fitness) = self;
        writeln!(f, "{:<14}{}", "cores", fitness.cores)?;
        writeln!(f, "{:<14}{:.2}", "load", fitness.load)?;
        if let Some(percent) = fitness.cpu_pressure_percent {
            writeln!(f, "{:<14}{percent:.1}%", "cpu pressure")?;
        }
        writeln!(f, "{:<14}{:.2}%", "steal", fitness.steal_percent)?;
        if let Some(governor) = &fitness.governor {
            writeln!(f, "{:<14}{governor}", "governor")?;
        }
        if fitness.objections.is_empty() {
            return writeln!(f, "{:<14}yes", "fit for times");
        }
        writeln!(
            f,
            "{:<14}no: {}",
            "fit for times",
            fitness.objections.join("; ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        let text = "some avg10=2.50 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00\n";
        assert_eq!(pressure(text), Some(2.5));
        assert_eq!(pressure(""), None);
        assert!((steal("cpu  50 0 40 0 0 0 0 10 0 0\ncpu0 1\n") - 10.0).abs() < 1e-9);
        assert!(steal("") < 1e-9);
        assert_eq!(
            cpu_field("processor\t: 0\nmodel name\t: A B\n", "model name"),
            "A B"
        );
    }
}
