//! Options of how to reach a server.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringlab_loadgen::{LinkConfig, Protocol, Secret, TlsConfig};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProtocolArg {
    Resp,
    Memcached,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct LinkArgs {
    /// What the server speaks; memcached: its text protocol
    #[arg(long, value_enum, default_value = "resp")]
    protocol: ProtocolArg,
    /// User for AUTH
    #[arg(long)]
    username: Option<String>,
    /// Password for AUTH; the environment hides it from other users of this machine
    #[arg(
        long,
        short = 'a',
        env = "RINGLOAD_PASSWORD",
        hide_env_values = true,
        value_parser = |text: &str| Ok::<_, std::convert::Infallible>(Secret(text.to_owned()))
    )]
    password: Option<Secret>,
    /// Database number for SELECT
    #[arg(long, default_value_t = 0)]
    database: u32,
    /// The endpoints are nodes of a Redis Cluster: the others are asked for, keys go to their
    /// slots' nodes, MOVED and ASK are followed
    #[arg(long)]
    cluster: bool,
    /// Encrypt, and check the server's certificate
    #[arg(long)]
    tls: bool,
    /// Certificates trusted to sign the server's (PEM) [default: the system's]
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca: Option<PathBuf>,
    /// The client's certificate, where the server wants one (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "tls")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Name to ask for and to find in the server's certificate [default: the endpoint's host]
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_server_name: Option<String>,
}

impl LinkArgs {
    pub(crate) fn config(&self) -> LinkConfig {
        LinkConfig {
            protocol: match self.protocol {
                ProtocolArg::Resp => Protocol::Resp,
                ProtocolArg::Memcached => Protocol::Memcached,
            },
            username: self.username.clone(),
            password: self.password.clone(),
            database: self.database,
            cluster: self.cluster,
            tls: self.tls.then(|| TlsConfig {
                ca: self.tls_ca.clone(),
                cert: self.tls_cert.clone(),
                key: self.tls_key.clone(),
                server_name: self.tls_server_name.clone(),
            }),
        }
    }
}
