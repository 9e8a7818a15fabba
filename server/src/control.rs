//! The control thread: signals and admin pages, on a runtime of their own, away from requests.

use std::io;
use std::net::TcpListener as StdListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use ringlab_core::config::Configured;
use ringlab_core::io::{Control, ControlHandle};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{Span, error, info, warn};

use crate::admin;
use crate::args::Args;
use crate::reload::reload;

/// After the grace, how long the worker has to notice it before the process ends without it.
const OVERDUE: Duration = Duration::from_secs(1);
/// A process ended by a signal has this plus the signal's number as its exit code.
const EXIT_BY_SIGNAL: i32 = 128;

/// The thread; it ends with the process.
#[derive(Debug)]
pub struct ControlThread {
    _thread: JoinHandle<()>,
}

struct Watch {
    args: Args,
    configured: Configured,
    control: ControlHandle,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl ControlThread {
    /// Starts it. Signals are handled from here on.
    ///
    /// # Errors
    /// The system gives no thread, no runtime or no signal handler.
    pub fn start(
        args: Args,
        configured: Configured,
        control: ControlHandle,
        admin: Option<StdListener>,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (watch, admin) = {
            let _entered = runtime.enter();
            let watch = Watch {
                args,
                configured,
                control,
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            };
            let admin: io::Result<_> = admin.map(TcpListener::from_std).transpose();
            (watch, admin?)
        };
        let span = Span::current();
        let thread = thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                let _entered = span.entered();
                run(&runtime, watch, admin);
            })?;
        Ok(Self { _thread: thread })
    }
}

fn run(runtime: &Runtime, watch: Watch, listener: Option<TcpListener>) {
    runtime.block_on(async {
        if let Some(listener) = listener {
            tokio::spawn(admin::serve(listener, watch.control.clone()));
        }
        watch.run().await;
    });
}

impl Watch {
    /// Waits for signals until one ends the process.
    async fn run(mut self) {
        loop {
            let asked = tokio::select! {
                _ = self.terminate.recv() => SignalKind::terminate(),
                _ = self.interrupt.recv() => SignalKind::interrupt(),
                _ = self.hangup.recv() => {
                    reload(&self.args, &mut self.configured, &self.control);
                    continue;
                }
            };
            return self.stop(asked).await;
        }
    }

    /// Asks the worker to end in order; ends the process when that takes too long, or at a second
    /// signal. The process usually ends before this returns.
    async fn stop(&mut self, asked: SignalKind) {
        let grace_ms = self.configured.pool.shutdown_grace_ms;
        info!(
            signal = asked.as_raw_value(),
            grace_ms, "stopping: no new connections, replies are finished"
        );
        if self.control.send(Control::Shutdown { grace_ms }).is_err() {
            return;
        }
        let second = tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            () = tokio::time::sleep(Duration::from_millis(grace_ms) + OVERDUE) => {
                error!("the worker did not stop in time");
                std::process::exit(1);
            }
        };
        warn!("second signal: stopping at once");
        std::process::exit(EXIT_BY_SIGNAL + second.as_raw_value());
    }
}
