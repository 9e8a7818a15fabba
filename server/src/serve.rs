//! From the arguments to a serving node, and to its end.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};
use ringlab_core::config::PoolConfig;
use ringlab_core::io::Reactor;
use ringlab_core::node::{Node, Role};
use tracing::{info, info_span, warn};

use crate::args::Args;
use crate::control::ControlThread;
use crate::notices::Notices;
use crate::{logging, settings};

/// Serves until a signal ends it.
///
/// # Errors
/// The configuration is wrong, an address is taken, or the system refuses something.
pub fn serve(args: &Args) -> Result<()> {
    let configured = args.configure()?;
    let pool = &configured.pool;
    logging::start(pool);
    let _span = info_span!("ringd", node = pool.local_name()).entered();
    for warning in &configured.warnings {
        warn!(place = %warning.place, "{}", warning.text);
    }
    let topology = pool.topology()?;
    raise_file_limit();

    let reactor = Reactor::bind(&settings::reactor(pool)?)?;
    let admin = bind_admin(pool)?;
    let notices = Notices::new(&topology);
    let node = Node::new(settings::node(pool), topology, reactor.now());
    let bound = Bound::of(&reactor, admin.as_ref())?;
    let control = ControlThread::start(args.clone(), configured, reactor.control(), admin)?;
    bound.announce();
    reactor.run(node, move |notice| notices.log(&notice))?;
    info!("stopped");
    drop(control);
    Ok(())
}

/// The standard library sets `SO_REUSEADDR`: the port is free again at once after a crash.
fn bind_admin(pool: &PoolConfig) -> Result<Option<TcpListener>> {
    let Some(address) = &pool.stats_listen else {
        return Ok(None);
    };
    let address = settings::resolve("stats_listen", address)?;
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} (stats_listen)"))?;
    listener.set_nonblocking(true)?;
    Ok(Some(listener))
}

/// Each client and each peer needs a descriptor: take what the system lets us take.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        warn!(
            limit = limit.current,
            "the limit on open files could not be raised"
        );
    }
}

/// The addresses in fact: a port 0 has become a real one.
struct Bound {
    listen: Vec<SocketAddr>,
    dyn_listen: Vec<SocketAddr>,
    stats_listen: Vec<SocketAddr>,
}

impl Bound {
    fn of(reactor: &Reactor, admin: Option<&TcpListener>) -> Result<Self> {
        let stats_listen: io::Result<_> = admin.iter().map(|admin| admin.local_addr()).collect();
        Ok(Self {
            listen: reactor.addresses(Role::Client)?,
            dyn_listen: reactor.addresses(Role::PeerIn)?,
            stats_listen: stats_listen?,
        })
    }

    /// One line on standard output, the only one: whoever started the process waits for it.
    fn announce(&self) {
        let mut line = "ready".to_owned();
        for (key, addresses) in [
            ("listen", &self.listen),
            ("dyn_listen", &self.dyn_listen),
            ("stats_listen", &self.stats_listen),
        ] {
            for address in addresses {
                line += &format!(" {key}={address}");
            }
        }
        info!("{line}");
        // Nobody may read it: that is no reason not to serve.
        let _ = writeln!(io::stdout(), "{line}");
    }
}
