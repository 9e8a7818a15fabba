//! Reads keys over connections of its own: from whichever endpoint answers, or in a cluster from
//! the node that has the key's slot.

use std::collections::HashMap;

use super::audit::Reader;
use super::checker::Checker;
use super::ledger::Shown;
use super::stamp::Reading;
use crate::cluster::{Redirect, slot_of};
use crate::crew::Common;
use crate::decode::Kind;
use crate::dial::{Client, DialError};

/// A reader for the audit.
pub(crate) struct ReadBack<'a> {
    common: &'a Common<'a>,
    checker: &'a Checker,
    clients: HashMap<usize, Client>,
    /// The endpoint to ask where any will do.
    endpoint: usize,
}

impl<'a> ReadBack<'a> {
    pub(crate) fn new(common: &'a Common<'a>, checker: &'a Checker) -> Self {
        Self {
            common,
            checker,
            clients: HashMap::new(),
            endpoint: 0,
        }
    }

    /// The endpoint that has a request's key.
    fn endpoint(&self, request: &[u8]) -> usize {
        match &self.common.cluster {
            Some(cluster) => usize::from(cluster.map.owner(slot_of(request))),
            None => self.endpoint,
        }
    }

    /// Sends `requests` to an endpoint and takes in as many answers.
    fn ask(
        &mut self,
        endpoint: usize,
        requests: &[Vec<u8>],
        shown: &mut Vec<Option<Shown>>,
    ) -> Result<(), DialError> {
        let mut client = match self.clients.remove(&endpoint) {
            Some(client) => client,
            None => {
                let name = &self.common.config.endpoints[endpoint];
                self.common.dialer.dial(name)?
            }
        };
        client.send(&requests.concat())?;
        let answer = |_: &Vec<u8>| {
            let mut reading = Reading::default();
            let stamps = &self.checker.stamps;
            let reply = client.reply(&mut |_, piece| reading.feed(stamps, piece));
            match reply {
                Ok(Kind::Nil) => Ok(Some(Shown::Nothing)),
                Ok(_) => Ok(Some(reading.finish().map_or(Shown::Unknown, Shown::Stamp))),
                Err(DialError::Refused(text)) => {
                    self.learn(&text);
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        };
        for answer in requests.iter().map(answer) {
            shown.push(answer?);
        }
        // Only a connection that did well is kept.
        self.clients.insert(endpoint, client);
        Ok(())
    }

    fn learn(&self, error: &str) {
        let redirect = Redirect::of(error.as_bytes());
        if let (Some(cluster), Some(Redirect::Moved { slot, node })) =
            (&self.common.cluster, redirect)
        {
            cluster
                .map
                .node(node)
                .inspect(|&node| cluster.map.moved(slot, node));
        }
    }
}

impl Reader for ReadBack<'_> {
    fn read(&mut self, keys: &[u64]) -> Vec<Option<Shown>> {
        let mut shown = vec![None; keys.len()];
        let mut by_endpoint: HashMap<usize, (Vec<usize>, Vec<Vec<u8>>)> = HashMap::new();
        for (place, &key) in keys.iter().enumerate() {
            let mut request = Vec::new();
            self.common.encoder.preload_read(key, &mut request);
            let (places, requests) = by_endpoint.entry(self.endpoint(&request)).or_default();
            places.push(place);
            requests.push(request);
        }
        for (endpoint, (places, requests)) in by_endpoint {
            let mut answers = Vec::new();
            if self.ask(endpoint, &requests, &mut answers).is_err() {
                self.endpoint = (endpoint + 1) % self.common.config.endpoints.len();
            }
            for (place, answer) in places.into_iter().zip(answers) {
                shown[place] = answer;
            }
        }
        shown
    }
}
