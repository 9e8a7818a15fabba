//! The hot loop allocates nothing: a run of many more requests allocates as often as a short one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};
    use std::sync::atomic::Ordering;

    use ringlab_loadgen::{Marks, Quiet, RunConfig, SizeLaw, run};

    use super::ALLOCATIONS;

    /// `ringload null` in a process of its own, so that it counts for nothing here.
    struct Null {
        child: Child,
        endpoint: String,
    }

    impl Null {
        fn start() -> Self {
            let mut child = Command::new(env!("CARGO_BIN_EXE_ringload"))
                .args(["null", "--listen", "127.0.0.1:0"])
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(child.stderr.take().unwrap())
                .read_line(&mut line)
                .unwrap();
            let endpoint = line.split_whitespace().last().unwrap().to_owned();
            Self { child, endpoint }
        }
    }

    impl Drop for Null {
        fn drop(&mut self) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }

    fn allocations(config: &RunConfig, requests: u64) -> u64 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let config = RunConfig {
            requests: Some(requests),
            ..config.clone()
        };
        let report = run(&config, &Marks::default(), &mut Quiet).unwrap();
        assert_eq!(report.totals.completed, requests);
        assert_eq!(report.totals.failed, 0, "{:?}", report.failures);
        ALLOCATIONS.load(Ordering::Relaxed) - before
    }

    #[test]
    fn a_request_costs_no_allocation() {
        let null = Null::start();
        let base = RunConfig {
            endpoints: vec![null.endpoint.clone()],
            connections: 8,
            depth: 16,
            ..RunConfig::default()
        };
        let mut late = base.clone();
        late.keys.law = "latest:0.99".parse().unwrap();
        late.commands = ["GET __key__ @9", "SET __new__ __value__ @1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        let open = RunConfig {
            rate: Some(60_000.0),
            ..base.clone()
        };
        let listed = RunConfig {
            size: SizeLaw::Fixed(64),
            ttl: Some(SizeLaw::Uniform(5, 500)),
            ..base.clone()
        };
        for (name, config) in [
            ("closed", base),
            ("open", open),
            ("late", late),
            ("ttl", listed),
        ] {
            let few = allocations(&config, 10_000);
            let many = allocations(&config, 110_000);
            let more = many.saturating_sub(few);
            // Windows and the series allocate four times a second; a request never does.
            assert!(
                more < 5_000,
                "{name}: {more} allocations in 100,000 requests more"
            );
        }
    }
}
