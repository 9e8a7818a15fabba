//! A timer with nanosecond resolution that wakes the poll (its own timeout counts milliseconds).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// One absolute deadline at a time. Arming it again forgets an expiry that was not looked at.
#[derive(Debug)]
pub(crate) struct Timer {
    fd: OwnedFd,
    armed: u64,
}

impl Timer {
    /// The deadline armed last.
    pub(crate) fn armed(&self) -> u64 {
        self.armed
    }

    pub(crate) fn register(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        SourceFd(&fd.as_raw_fd()).register(registry, token, Interest::READABLE)?;
        Ok(Self { fd, armed: 0 })
    }

    /// Wakes the poll at `at` (monotonic ns); true if that took a system call.
    pub(crate) fn arm(&mut self, at: u64) -> io::Result<bool> {
        if at == self.armed {
            return Ok(false);
        }
        let deadline = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: i64::try_from(at / 1_000_000_000).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(at % 1_000_000_000).unwrap_or_default(),
            },
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &deadline)?;
        self.armed = at;
        Ok(true)
    }
}
