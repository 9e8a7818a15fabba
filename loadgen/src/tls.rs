//! TLS for clients: which certificates are trusted, which one is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::link::TlsConfig;

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds no certificate or key, or can't be read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// No certificates are trusted.
    #[error("this system has no file of trusted certificates where one is looked for: --tls-ca")]
    NoRoots,
    /// The library refuses.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The name is none.
    #[error("`{0}` is no server name: --tls-server-name")]
    Name(String),
}

/// Where distributions keep the trusted certificates.
const ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Makes sessions.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl Tls {
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        let file = match &config.ca {
            Some(file) => file.as_path(),
            None => ROOTS
                .iter()
                .map(Path::new)
                .find(|path| path.exists())
                .ok_or(TlsError::NoRoots)?,
        };
        // A system's file may hold what this library does not take; one's own may not.
        let (taken, refused) = roots.add_parsable_certificates(certificates(file)?);
        if taken == 0 || config.ca.is_some() && refused > 0 {
            return Err(refusal(file, &"a certificate in it can't be used"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        let tls = match (&config.cert, &config.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let secret =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| refusal(key, &error))?;
                builder.with_client_auth_cert(chain, secret)?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Self {
            config: Arc::new(tls),
            server_name: config.server_name.clone(),
        })
    }

    /// A session with the server at `endpoint`.
    pub(crate) fn session(&self, endpoint: &str) -> Result<Box<ClientConnection>, TlsError> {
        let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
        let host = self.server_name.as_deref().unwrap_or(host);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name =
            ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        Ok(Box::new(ClientConnection::new(
            Arc::clone(&self.config),
            name,
        )?))
    }
}

fn refusal(path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File {
        path: path.to_owned(),
        error: error.to_string(),
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refusal(file, &error))?;
    if chain.is_empty() {
        return Err(refusal(file, &"no certificate in it"));
    }
    Ok(chain)
}
