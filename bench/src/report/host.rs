//! What is said of the machine in a run's folder, also where no counting tool is installed.

use std::fmt::Write;
use std::fs;

use crate::machine::{Described, Fingerprint, Fitness};
use crate::workspace::{Workspace, told_by};

/// The row that tells whether times mean anything.
pub(crate) const FIT: &str = "fit for times";

/// The kind of machine, as a part of a folder's name: processor and cores, not its own name.
pub(crate) fn kind() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}-{cores}c", slug(&cpu()))
}

/// The text of `machine.txt`.
pub(crate) fn text(workspace: &Workspace) -> String {
    let mut text = String::new();
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let os = read("/etc/os-release");
    let os = os
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let memory = read("/proc/meminfo");
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"));
    let rows = [
        (
            "system",
            os.unwrap_or_default().trim_matches('"').to_owned(),
        ),
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("memory", memory.unwrap_or_default().trim().to_owned()),
    ];
    for (name, value) in rows {
        writeln!(text, "{name:<14}{}", value.trim()).expect("a string takes every write");
    }
    let fitness = Fitness::now();
    match Fingerprint::of(&workspace.root) {
        Ok(fingerprint) => text += &Described(&fingerprint, &fitness).to_string(),
        Err(error) => {
            let fit = match &fitness.objections[..] {
                [] => "yes".to_owned(),
                why => format!("no: {}", why.join("; ")),
            };
            let rustc = told_by("rustc", &["--version"], &workspace.root).unwrap_or_default();
            let rows = [
                ("rustc", rustc),
                ("cpu", cpu()),
                ("cores", fitness.cores.to_string()),
                ("load", format!("{:.2}", fitness.load)),
                ("steal", format!("{:.2}%", fitness.steal_percent)),
                ("not counted", format!("{error:#}")),
                (FIT, fit),
            ];
            for (name, value) in rows {
                writeln!(text, "{name:<14}{value}").expect("a string takes every write");
            }
        }
    }
    text
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = line.and_then(|rest| rest.split_once(':'));
    name.map_or("cpu".into(), |(_, name)| name.trim().to_owned())
}

/// Letters and digits, with single dashes between them.
fn slug(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty() && !matches!(*word, "R" | "TM" | "CPU" | "Processor"))
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_file_names() {
        assert_eq!(slug("Intel(R) Xeon(R) CPU @ 2.20GHz"), "intel-xeon-2-20ghz");
        assert_eq!(slug("AMD EPYC 9R45"), "amd-epyc-9r45");
    }
}
