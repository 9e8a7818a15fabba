//! A load generator that tells the truth: it never hides waiting and says when it was the limit.
//!
//! ```text
//!  config → laws → tape ─┐                 (before the clock starts)
//!                        ├→ worker ⇄ server       one thread a worker, one poll
//!            schedule ───┘     │ a window a quarter of a second
//!                              ▼
//!          marks → run (conductor) → record → verdict → report → table, JSON
//! ```
//! [`run`] takes a [`RunConfig`] and gives a [`RunReport`]; the `ringload` binary is a thin shell
//! around it. Open loop: a request has an intended time and its response counts from there,
//! whatever it waited for. Closed loop is what a missing rate means, and the report says so.
#![forbid(unsafe_code)]

mod attribution;
mod check;
mod clock;
mod cluster;
mod compare;
mod config;
mod connection;
mod crew;
mod decode;
mod dial;
mod encode;
mod faults;
mod hlog;
mod inserts;
mod late;
mod law;
mod link;
mod live;
mod marks;
mod memcache;
pub mod modes;
mod null;
mod objective;
mod page;
mod preload;
mod procfs;
mod random;
mod record;
mod remote;
mod replies;
mod report;
mod resample;
mod run;
mod schedule;
mod scramble;
mod search;
mod size;
#[cfg(test)]
mod statistics;
mod steady;
mod stream;
mod summary;
mod table;
mod tape;
mod template;
mod timer;
mod tls;
mod trace;
mod value;
mod verdict;
mod window;
mod worker;
mod workload;
mod ycsb;
mod zipf;

pub use check::config::CheckConfig;
pub use check::report::{CheckReport, FaultCount};
pub use compare::compare;
pub use config::{ConfigError, RunConfig};
pub use decode::DecodeError;
pub use dial::DialError;
pub use faults::{Action, Event, FaultReport, Node, NodeProcess, Timeline, TimelineError};
pub use hlog::HistogramLog;
pub use law::{KeyConfig, KeyLaw, KeySampler, KeyShift, LawError, Mix};
pub use link::{LinkConfig, Protocol, Secret, TlsConfig};
pub use live::{Both, Interval, LiveLine, Observer, Progress, Quiet};
pub use marks::Marks;
pub use null::{NullConfig, NullServer};
pub use objective::{Objective, ObjectiveError, span_ns};
pub use page::{run_page, sweep_page};
pub use preload::{PreloadCheck, PreloadError, PreloadReport};
pub use procfs::Host;
pub use random::Random;
pub use remote::{FleetConfig, HostError, HostFailure, WireError, serve};
pub use report::{
    CommandReport, Cost, EndpointReport, EventMark, Latency, LatencySummary, RunReport,
    SCHEMA_VERSION, SeriesRow, Span, Steady, Totals,
};
pub use resample::Ratio;
pub use run::{RunError, run};
pub use schedule::Arrivals;
pub use scramble::Scramble;
pub use search::{Answer, Batch, Outcome, Plan, Purpose, Search, Step};
pub use size::SizeLaw;
pub use steady::Trend;
pub use table::{Style, table};
pub use template::Template;
pub use tls::TlsError;
pub use trace::{TapeSummary, TraceConfig, TraceError, TracePace, convert};
pub use value::Values;
pub use verdict::{Verdict, Worth};
pub use window::FailureClass;
pub use workload::{WORKLOADS, Workload};
pub use ycsb::YcsbZipf;
pub use zipf::Zipf;
