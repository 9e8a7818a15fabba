//! How a connection is made: the protocol, who one is, and what protects it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Redis's protocol.
    #[default]
    Resp,
    /// memcached's text protocol.
    Memcached,
}

/// A password: never printed, and no part of a report.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Files and the name for TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsConfig {
    /// Certificates trusted to sign the server's (PEM); none: the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate chain (PEM).
    pub cert: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must have; none: the endpoint's host.
    pub server_name: Option<String>,
}

/// What stands before the first request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkConfig {
    /// The protocol.
    pub protocol: Protocol,
    /// For AUTH; none: the default user.
    pub username: Option<String>,
    /// For AUTH; none: no AUTH.
    #[serde(skip_serializing)]
    pub password: Option<Secret>,
    /// For SELECT, where not 0.
    pub database: u32,
    /// The endpoints are nodes of a Redis Cluster; the others are asked for.
    pub cluster: bool,
    /// TLS, where given.
    pub tls: Option<TlsConfig>,
}

impl LinkConfig {
    /// Why this can't be.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        let named = self.username.is_some() || self.password.is_some() || self.database > 0;
        if self.cluster && (self.protocol == Protocol::Memcached || self.database > 0) {
            Some("a cluster speaks RESP and has one database")
        } else if self.protocol == Protocol::Memcached && named {
            Some("memcached's text protocol has no user, password or database")
        } else if self.username.is_some() && self.password.is_none() {
            Some("a user needs a password")
        } else if self
            .tls
            .as_ref()
            .is_some_and(|tls| tls.cert.is_some() != tls.key.is_some())
        {
            Some("a client's certificate and its key belong together")
        } else {
            None
        }
    }

    /// The options of the command line that give this, but for the password.
    pub(crate) fn words(&self) -> Vec<(&'static str, Option<String>)> {
        let mut words = Vec::new();
        if self.protocol == Protocol::Memcached {
            words.push(("protocol", Some("memcached".to_owned())));
        }
        if let Some(name) = &self.username {
            words.push(("username", Some(name.clone())));
        }
        if self.database > 0 {
            words.push(("database", Some(self.database.to_string())));
        }
        if self.cluster {
            words.push(("cluster", None));
        }
        if let Some(tls) = &self.tls {
            words.push(("tls", None));
            let files = [
                ("tls-ca", &tls.ca),
                ("tls-cert", &tls.cert),
                ("tls-key", &tls.key),
            ];
            for (name, file) in files {
                words.extend(
                    file.as_ref()
                        .map(|file| (name, Some(file.display().to_string()))),
                );
            }
            words.extend(
                tls.server_name
                    .as_ref()
                    .map(|name| ("tls-server-name", Some(name.clone()))),
            );
        }
        words
    }

    /// What is sent before the first request, and how many replies it has.
    pub(crate) fn greeting(&self) -> (Vec<u8>, u32) {
        let mut bytes = Vec::new();
        let mut replies = 0;
        let mut say = |words: &[&str]| {
            bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
            }
            replies += 1;
        };
        match (&self.username, &self.password) {
            (Some(name), Some(password)) => say(&["AUTH", name, &password.0]),
            (None, Some(password)) => say(&["AUTH", &password.0]),
            (_, None) => {}
        }
        if self.database > 0 {
            say(&["SELECT", &self.database.to_string()]);
        }
        // Without anything to say there would be no telling when the handshake is over.
        if self.tls.is_some() && replies == 0 {
            let ask: &[u8] = match self.protocol {
                Protocol::Resp => b"*1\r\n$4\r\nPING\r\n",
                Protocol::Memcached => b"version\r\n",
            };
            bytes.extend_from_slice(ask);
            replies = 1;
        }
        (bytes, replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_what_the_server_wants_to_hear() {
        let config = LinkConfig {
            username: Some("me".into()),
            password: Some(Secret("it".into())),
            database: 3,
            ..LinkConfig::default()
        };
        let (bytes, replies) = config.greeting();
        let wanted =
            "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\nit\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), wanted);
        assert_eq!(replies, 2);
        assert_eq!(LinkConfig::default().greeting(), (Vec::new(), 0));
    }

    #[test]
    fn a_password_is_neither_printed_nor_reported() {
        let config = LinkConfig {
            password: Some(Secret("hidden".into())),
            ..LinkConfig::default()
        };
        assert!(!format!("{config:?}").contains("hidden"));
        assert!(!serde_json::to_string(&config).unwrap().contains("hidden"));
        assert!(config.words().is_empty());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let mut config = LinkConfig {
            protocol: Protocol::Memcached,
            database: 1,
            ..LinkConfig::default()
        };
        assert!(config.refusal().unwrap().contains("memcached"));
        config.database = 0;
        assert_eq!(config.refusal(), None);
        config.tls = Some(TlsConfig {
            cert: Some("c".into()),
            ..TlsConfig::default()
        });
        assert!(config.refusal().unwrap().contains("key"));
    }
}
