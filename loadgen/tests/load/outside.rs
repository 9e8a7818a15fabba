//! Against the servers of others, through every kind of connection: nothing wrong is found on them.

use std::time::Duration;

use ringlab_loadgen::{
    KeyConfig, LinkConfig, Marks, Mix, Protocol, Quiet, RunConfig, RunReport, Secret, TlsConfig,
    run,
};

use crate::servers::{Folder, Process, certificate, free_port, memcached, redis, text, twemproxy};
use crate::support::shared;

fn config(endpoint: String) -> RunConfig {
    RunConfig {
        endpoints: vec![endpoint],
        keys: KeyConfig {
            count: 300,
            ..KeyConfig::default()
        },
        connections: 6,
        depth: 4,
        workers: 2,
        mix: Mix { get: 1, set: 1 },
        preload: true,
        requests: Some(4000),
        ..RunConfig::default()
    }
}

fn load(config: &RunConfig) -> RunReport {
    run(config, &Marks::default(), &mut Quiet).unwrap()
}

/// Every request answered, every value right, every key there.
fn all_right(config: &RunConfig) {
    let report = load(config);
    let totals = report.totals;
    assert_eq!(totals.completed, 4000, "{totals:?} {:?}", report.failures);
    assert_eq!(totals.failed, 0, "{:?}", report.failures);
    assert_eq!(totals.hit_ratio, Some(1.0));
}

const SIZES: [&str; 3] = ["0", "uniform:1:3000", "uniform:60000:120000"];

#[test]
fn memcached_in_text() {
    let _turn = shared();
    let Some(server) = memcached() else { return };
    for size in SIZES {
        all_right(&RunConfig {
            link: LinkConfig {
                protocol: Protocol::Memcached,
                ..LinkConfig::default()
            },
            size: size.parse().unwrap(),
            ..config(server.endpoint())
        });
    }
}

#[test]
fn twemproxy_before_memcached_and_before_redis() {
    let _turn = shared();
    let folder = Folder::new();
    let Some(servers) = memcached().zip(memcached()) else {
        return;
    };
    let Some(proxy) = twemproxy(&folder, false, &[&servers.0, &servers.1]) else {
        return;
    };
    let base = config(proxy.endpoint());
    all_right(&RunConfig {
        link: LinkConfig {
            protocol: Protocol::Memcached,
            ..LinkConfig::default()
        },
        ..base
    });
    let Some(servers) = redis(&[]).zip(redis(&[])) else {
        return;
    };
    let Some(proxy) = twemproxy(&folder, true, &[&servers.0, &servers.1]) else {
        return;
    };
    all_right(&config(proxy.endpoint()));
}

#[test]
fn redis_with_a_password_a_database_and_by_a_unix_socket() {
    let _turn = shared();
    let folder = Folder::new();
    let socket = folder.file("redis.sock");
    let options = ["--requirepass", "secret", "--unixsocket", text(&socket)];
    let Some(server) = redis(&options) else {
        return;
    };
    let error = run(&config(server.endpoint()), &Marks::default(), &mut Quiet);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("NOAUTH"), "{error}");
    let link = LinkConfig {
        username: Some("default".into()),
        password: Some(Secret("secret".into())),
        database: 3,
        ..LinkConfig::default()
    };
    for endpoint in [server.endpoint(), format!("unix:{}", text(&socket))] {
        all_right(&RunConfig {
            link: link.clone(),
            ..config(endpoint)
        });
    }
    let wrong = LinkConfig {
        password: Some(Secret("guess".into())),
        ..link
    };
    let config = RunConfig {
        link: wrong,
        ..config(server.endpoint())
    };
    let error = run(&config, &Marks::default(), &mut Quiet).unwrap_err();
    assert!(error.to_string().contains("WRONGPASS"), "{error}");
}

/// redis-server behind TLS, where a client must show a certificate, and how to reach it.
struct Guarded {
    folder: Folder,
    port: u16,
    link: LinkConfig,
}

impl Guarded {
    fn new() -> Option<Self> {
        let folder = Folder::new();
        let (cert, key) = certificate(&folder)?;
        let tls = TlsConfig {
            ca: Some(cert.clone()),
            cert: Some(cert),
            key: Some(key),
            server_name: None,
        };
        Some(Self {
            folder,
            port: free_port(),
            link: LinkConfig {
                tls: Some(tls),
                ..LinkConfig::default()
            },
        })
    }

    fn start(&self) -> Option<Process> {
        let number = self.port.to_string();
        let (cert, key) = (self.folder.file("cert.pem"), self.folder.file("key.pem"));
        let tls = ["--tls-port", &number, "--tls-cert-file", text(&cert)];
        let key = ["--tls-key-file", text(&key)];
        let rest = [
            "--port",
            "0",
            "--tls-ca-cert-file",
            text(&cert),
            "--save",
            "",
        ];
        let options = [&tls[..], &key, &rest].concat();
        Process::start("redis-server", &options, self.port)
    }

    fn with(&self, change: impl Fn(&mut TlsConfig)) -> LinkConfig {
        let mut tls = self.link.tls.clone().unwrap();
        change(&mut tls);
        LinkConfig {
            tls: Some(tls),
            ..LinkConfig::default()
        }
    }
}

#[test]
fn redis_through_tls() {
    let _turn = shared();
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let Some(server) = guarded.start() else {
        return;
    };
    for size in SIZES {
        all_right(&RunConfig {
            link: guarded.link.clone(),
            size: size.parse().unwrap(),
            ..config(server.endpoint())
        });
    }
    let refused = |link: LinkConfig| {
        let config = RunConfig {
            link,
            ..config(server.endpoint())
        };
        let refused = run(&config, &Marks::default(), &mut Quiet);
        refused.unwrap_err().to_string()
    };
    let error = refused(guarded.with(|tls| tls.server_name = Some("example.org".into())));
    assert!(error.contains("not valid for name"), "{error}");
    let error = refused(guarded.with(|tls| (tls.cert, tls.key) = (None, None)));
    assert!(error.starts_with("cannot connect to "), "{error}");
}

#[test]
fn a_tls_session_that_ends_is_made_anew() {
    let _turn = shared();
    let Some(guarded) = Guarded::new() else {
        return;
    };
    let Some(server) = guarded.start() else {
        return;
    };
    let config = RunConfig {
        link: guarded.link.clone(),
        requests: None,
        rate: Some(1000.0),
        seconds: Some(2.0),
        settle_seconds: 0.0,
        ..config(server.endpoint())
    };
    let again = std::thread::scope(|scope| {
        let restart = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(600));
            drop(server);
            guarded.start()
        });
        let report = load(&config);
        assert!(report.totals.disconnects >= 6, "{:?}", report.totals);
        assert!(report.series[1].completed > 500, "{:?}", report.series);
        assert_eq!(report.totals.wrong, 0, "{:?}", report.failures);
        restart.join().unwrap()
    });
    drop(again);
}
