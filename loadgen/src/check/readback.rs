//! Reads keys over a connection of its own, from whichever endpoint answers.

use super::audit::Reader;
use super::checker::Checker;
use super::ledger::Shown;
use super::stamp::Reading;
use crate::crew::Common;
use crate::decode::Kind;
use crate::dial::{Client, DialError};

/// A reader for the audit.
pub(crate) struct ReadBack<'a> {
    common: &'a Common<'a>,
    checker: &'a Checker,
    client: Option<Client>,
    /// The endpoint to try next.
    endpoint: usize,
}

impl<'a> ReadBack<'a> {
    pub(crate) fn new(common: &'a Common<'a>, checker: &'a Checker) -> Self {
        Self {
            common,
            checker,
            client: None,
            endpoint: 0,
        }
    }

    fn read_all(&mut self, keys: &[u64], shown: &mut Vec<Option<Shown>>) -> Result<(), DialError> {
        let Common {
            config,
            encoder,
            dialer,
            ..
        } = self.common;
        let client = match &mut self.client {
            Some(client) => client,
            none => none.insert(dialer.dial(&config.endpoints[self.endpoint])?),
        };
        let mut out = Vec::new();
        for &key in keys {
            encoder.preload_read(key, &mut out);
        }
        client.send(&out)?;
        for _ in keys {
            let mut reading = Reading::default();
            let stamps = &self.checker.stamps;
            let reply = client.reply(&mut |_, piece| reading.feed(stamps, piece));
            shown.push(match reply {
                Ok(Kind::Nil) => Some(Shown::Nothing),
                Ok(_) => Some(reading.finish().map_or(Shown::Unknown, Shown::Stamp)),
                Err(DialError::Refused(_)) => None,
                Err(error) => return Err(error),
            });
        }
        Ok(())
    }
}

impl Reader for ReadBack<'_> {
    fn read(&mut self, keys: &[u64]) -> Vec<Option<Shown>> {
        let mut shown = Vec::with_capacity(keys.len());
        if self.read_all(keys, &mut shown).is_err() {
            self.client = None;
            self.endpoint = (self.endpoint + 1) % self.common.config.endpoints.len();
        }
        shown.resize(keys.len(), None);
        shown
    }
}
