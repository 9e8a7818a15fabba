//! Heap allocations and bytes per operation of every case, as CSV. A thin driver: the cases are in
//! `ringlab::suites`. The argument, where given, selects the ids that contain it.
//!
//! Each case is counted at two numbers of operations after it is warm; the difference is divided,
//! so that what a run costs once is not charged to its operations.

use std::process::ExitCode;

use ringlab::case::Case;
use ringlab::counting::{CountingAllocator, Counts};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    println!("id,operations,allocations,bytes,allocations_max");
    for case in ringlab::suites::selected(filter.unwrap_or_default()) {
        if let Err(wrong) = measure(&case) {
            eprintln!("{}: wrong result: {wrong}", case.id);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(case: &Case) -> Result<(), ringlab::case::Wrong> {
    let few = counted(case, case.operations)?;
    let many = counted(case, 2 * case.operations)?;
    let max = case
        .allocations_max
        .map(|max| max.to_string())
        .unwrap_or_default();
    let more = many.since(few);
    println!(
        "{},{},{},{},{max}",
        case.id, case.operations, more.allocations, more.bytes
    );
    Ok(())
}

fn counted(case: &Case, operations: u64) -> Result<Counts, ringlab::case::Wrong> {
    let mut subject = case.warm();
    subject.ready(operations);
    let before = Counts::now();
    subject.run(operations);
    let counts = Counts::now().since(before);
    subject.check()?;
    Ok(counts)
}
