//! Instructions of every case, by callgrind through iai-callgrind. A thin driver: the cases are in
//! `ringlab::suites`. `RINGLAB_FILTER` selects the ids that contain it.
//!
//! iai-callgrind's own `main!` wants every bench named in the source; the table would stand there
//! a second time. So this file does what that macro expands to, with the names from the table: it
//! tells the runner the list, and the runner starts this program again under callgrind with
//! `--iai-run GROUP INDEX INDEX`. The types are the macro's, hidden but exported; the version is
//! pinned, as the runner asks anyway. Only [`counted`] is counted, not set-up, warm-up and check.

use iai_callgrind::__internal::{
    BenchmarkKind, InternalLibraryBenchmarkBench, InternalLibraryBenchmarkBenches,
    InternalLibraryBenchmarkConfig, InternalLibraryBenchmarkGroup, InternalLibraryBenchmarkGroups,
    Runner,
};
use iai_callgrind::{Callgrind, EntryPoint, LibraryBenchmarkConfig, ValgrindTool, bincode};
use ringlab::case::{Case, Subject};

const GROUP: &str = "cases";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("--iai-run") => run(args[4].parse().expect("the runner passes the case's index")),
        _ => list(args),
    }
}

/// Tells the runner what there is; it runs this program once for each.
fn list(args: Vec<String>) {
    let mut args = args.into_iter();
    let runner = Runner::new(
        option_env!("IAI_CALLGRIND_RUNNER"),
        &BenchmarkKind::LibraryBenchmark,
        env!("CARGO_MANIFEST_DIR"),
        env!("CARGO_PKG_NAME"),
        file!(),
        module_path!(),
        args.next().expect("a program has a name"),
    );
    let benches = selected().map(|case| InternalLibraryBenchmarkBench {
        id: Some(case.id),
        args: Some(case.operations.to_string()),
        function_name: "counted".to_owned(),
        config: None,
    });
    let groups = InternalLibraryBenchmarkGroups {
        config: config(),
        groups: vec![InternalLibraryBenchmarkGroup {
            id: GROUP.to_owned(),
            library_benchmarks: vec![InternalLibraryBenchmarkBenches {
                benches: benches.collect(),
                config: None,
            }],
            ..Default::default()
        }],
        command_line_args: args.collect(),
        has_setup: false,
        has_teardown: false,
        default_tool: ValgrindTool::Callgrind,
    };
    let encoded = bincode::serialize(&groups).expect("the runner's own types can be encoded");
    if let Err(errors) = runner.exec(encoded) {
        eprintln!("{errors}");
        std::process::exit(1);
    }
}

fn config() -> InternalLibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config
        // The caches are not modelled: only instructions decide, and counting alone is faster.
        .tool(
            Callgrind::with_args(["--cache-sim=no"])
                .entry_point(EntryPoint::Custom("instructions::counted".to_owned())),
        )
        // Which memcpy glibc picks depends on the machine; the caller pins it.
        .pass_through_env("GLIBC_TUNABLES")
        .pass_through_env("RINGLAB_FILTER");
    config.into()
}

fn selected() -> impl Iterator<Item = Case> {
    ringlab::suites::selected(std::env::var("RINGLAB_FILTER").unwrap_or_default())
}

/// Runs one case, under callgrind.
fn run(index: usize) {
    let case = selected()
        .nth(index)
        .expect("the runner passes an index of our list");
    let mut subject = case.warm();
    counted(subject.as_mut(), case.operations);
    if let Err(wrong) = subject.check() {
        eprintln!("{}: wrong result: {wrong}", case.id);
        std::process::exit(1);
    }
}

/// Callgrind collects from the entry of this function to its return.
#[inline(never)]
fn counted(subject: &mut dyn Subject, operations: u64) {
    subject.run(operations);
}
