//! The command line and the environment: one flag and one variable for each key that does something.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use ringlab_core::config::{Configured, KEYS, Key, Reader};

/// What the process is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve.
    Serve,
    /// Say what is wrong with the configuration.
    Check,
}

/// The parsed command line; the file is read again for each [`Args::configure`].
#[derive(Clone, Debug)]
pub struct Args {
    /// What to do.
    pub task: Task,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// What flags and variables say: source as the user wrote it, key, value. Later ones win.
    settings: Vec<(String, &'static str, String)>,
}

impl Args {
    /// Reads the process' arguments and environment; exits on `--help` and on what is no flag.
    #[must_use]
    pub fn parse() -> Self {
        Self::from_matches(&command().get_matches())
    }

    fn from_matches(top: &ArgMatches) -> Self {
        let (task, matches) = match top.subcommand() {
            Some(("check", matches)) => (Task::Check, matches),
            _ if top.get_flag("test") => (Task::Check, top),
            _ => (Task::Serve, top),
        };
        let file = matches.get_one::<PathBuf>("conf-file").cloned();
        let used = KEYS.iter().filter(|key| key.is_used());
        let mut settings: Vec<_> = used.filter_map(|key| setting(matches, key)).collect();
        settings.sort_by_key(|(source, ..)| source.starts_with("--"));
        // Variables of keys that are refused are not overlooked.
        for key in KEYS.iter().filter(|key| !key.is_used()) {
            let variable = variable(key);
            if let Ok(value) = std::env::var(&variable) {
                settings.insert(0, (variable, key.name, value));
            }
        }
        Self {
            task,
            file,
            settings,
        }
    }

    /// Everything together: flags beat the environment, which beats the file.
    ///
    /// # Errors
    /// The file can't be read, or what is wrong with the configuration, all of it.
    pub fn configure(&self) -> Result<Configured> {
        let mut reader = Reader::new();
        if let Some(file) = &self.file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            reader.file(&shown(file), &text);
        }
        for (source, key, value) in &self.settings {
            reader.set(source, key, value);
        }
        Ok(reader.finish()?)
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}

fn setting(matches: &ArgMatches, key: &'static Key) -> Option<(String, &'static str, String)> {
    let source = match matches.value_source(key.name)? {
        ValueSource::CommandLine => format!("--{}", flag(key)),
        ValueSource::EnvVariable => variable(key),
        _ => return None,
    };
    let values: Vec<&str> = matches
        .get_many::<String>(key.name)?
        .map(String::as_str)
        .collect();
    Some((source, key.name, values.join(" ")))
}

fn flag(key: &Key) -> String {
    key.name.replace('_', "-")
}

fn variable(key: &Key) -> String {
    format!("RINGD_{}", key.name.to_ascii_uppercase())
}

fn command() -> Command {
    let file = Arg::new("conf-file")
        .short('c')
        .long("conf-file")
        .alias("config")
        .env("RINGD_CONF_FILE")
        .hide_env_values(true)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("a configuration in Dynomite's YAML");
    let mut args = vec![file];
    args.extend(KEYS.iter().filter(|key| key.is_used()).map(argument));
    let check = Command::new("check")
        .about("Says what is wrong with a configuration, with line and column")
        .args(args.clone());
    Command::new("ringd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A Dynamo-style key-value server that speaks the Redis protocol")
        .after_help("Every flag is also a key of the file and an environment variable (RINGD_LISTEN).\nFlags beat the environment, which beats the file.")
        .args_conflicts_with_subcommands(true)
        .args_override_self(true)
        .args(args)
        .arg(
            Arg::new("test")
                .short('t')
                .long("test-conf")
                .action(ArgAction::SetTrue)
                .help("the same as check"),
        )
        .subcommand(check)
}

fn argument(key: &'static Key) -> Arg {
    let default = match key.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let action = match key.value_name() {
        "TOKENS" | "SEEDS" => ArgAction::Append,
        _ => ArgAction::Set,
    };
    let arg = Arg::new(key.name)
        .long(flag(key))
        .env(variable(key))
        .hide_env(true)
        .value_name(key.value_name())
        .allow_hyphen_values(true)
        .action(action)
        .help(format!("{}{default}", key.about));
    match flag(key) == key.name {
        true => arg,
        false => arg.alias(key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Args {
        let words = std::iter::once("ringd").chain(words.iter().copied());
        Args::from_matches(&command().try_get_matches_from(words).expect("known flags"))
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_key_that_does_something_is_a_flag() {
        let help = command().render_long_help().to_string();
        for key in KEYS.iter().filter(|key| key.is_used()) {
            assert!(help.contains(&format!("--{} ", flag(key))), "{}", key.name);
        }
    }

    #[test]
    fn flags_become_settings() {
        let args = args(&[
            "--listen",
            "127.0.0.1:1",
            "--listen",
            "127.0.0.1:0",
            "--dyn_listen=127.0.0.1:9",
            "--tokens",
            "1",
            "--dyn-seeds",
            "a:1:r:d:1",
            "--dyn-seeds",
            "b:1:r:d:2",
            "--hash-tag",
            "{}",
        ]);
        let pool = args.configure().expect("well formed").pool;
        assert_eq!(
            (pool.listen.port, pool.dyn_listen.port, pool.seeds.len()),
            (0, 9, 2)
        );
        assert_eq!(pool.hash_tag, Some(*b"{}"));
    }

    #[test]
    fn check_and_its_old_name() {
        assert_eq!(args(&[]).task, Task::Serve);
        assert_eq!(args(&["-t", "-c", "x"]).task, Task::Check);
        let check = args(&["check", "-c", "x.yml", "--rack", "r"]);
        assert_eq!(
            (check.task, check.file),
            (Task::Check, Some(PathBuf::from("x.yml")))
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = args(&["-c", "/nonexistent.yml"])
            .configure()
            .expect_err("no file");
        assert!(
            format!("{error:#}").starts_with("cannot read /nonexistent.yml: "),
            "{error:#}"
        );
    }
}
