//! Wall time of every case, by criterion. A thin driver: the cases are in `ringlab::suites`.

use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};

fn time(criterion: &mut Criterion) {
    for case in ringlab::suites::all() {
        let mut group = criterion.benchmark_group(case.suite());
        let name = case.id.split_once('/').map_or("", |(_, name)| name);
        group.bench_function(name, |bencher| {
            let mut subject = case.warm();
            bencher.iter_custom(|operations| {
                subject.ready(operations);
                let start = Instant::now();
                subject.run(operations);
                let elapsed = start.elapsed();
                if let Err(wrong) = subject.check() {
                    panic!("{}: wrong result: {wrong}", case.id);
                }
                elapsed
            });
        });
    }
}

criterion_group!(benches, time);
criterion_main!(benches);
