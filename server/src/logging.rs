//! Log lines, on standard error: text for eyes or JSON for machines. Never on the path of a request.

use std::io::IsTerminal;
use std::sync::OnceLock;

use ringlab_core::config::{LogFormat, LogLevel, PoolConfig};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

static LEVEL: OnceLock<reload::Handle<LevelFilter, Registry>> = OnceLock::new();

/// From here on lines are written. A second call changes the level only.
pub fn start(pool: &PoolConfig) {
    let (filter, handle) = reload::Layer::new(filter(pool.log_level));
    if LEVEL.set(handle).is_err() {
        set_level(pool.log_level);
        return;
    }
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let layer = match pool.log_format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .init();
}

/// Changes which lines are written.
pub fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        // It fails only when the subscriber is gone, and then nothing is written anyway.
        let _ = handle.reload(filter(level));
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    }
}
