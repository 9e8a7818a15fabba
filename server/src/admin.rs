//! The admin listener: small pages over HTTP, from the worker's snapshot. One row a page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use ringlab_core::io::ControlHandle;
use ringlab_core::node::Snapshot;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::debug;

use crate::metrics;
use crate::process::Process;

/// Connections served at a time; more wait.
const CONNECTIONS_MAX: usize = 1024;
/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the worker may take to answer; longer and it counts as stuck.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(1);
/// Rest after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One page.
struct Page {
    path: &'static str,
    about: &'static str,
    content_type: &'static str,
    render: fn(&Snapshot) -> (StatusCode, String),
}

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

static PAGES: &[Page] = &[
    Page {
        path: "/",
        about: "this list",
        content_type: HTML,
        render: |snapshot| (StatusCode::OK, index(snapshot)),
    },
    Page {
        path: "/healthz",
        about: "200 when the worker answers",
        content_type: TEXT,
        render: |_| (StatusCode::OK, "ok\n".to_owned()),
    },
    Page {
        path: "/readyz",
        about: "200 when this node answers reads too",
        content_type: TEXT,
        render: ready,
    },
    Page {
        path: "/metrics",
        about: "counters and gauges for Prometheus",
        content_type: "text/plain; version=0.0.4; charset=utf-8",
        render: |snapshot| (StatusCode::OK, metrics::render(snapshot, &Process::now())),
    },
    Page {
        path: "/stats",
        about: "the same and more as JSON",
        content_type: JSON,
        render: |snapshot| (StatusCode::OK, stats(snapshot)),
    },
    Page {
        path: "/ring",
        about: "datacenters, racks and peers with their tokens and states, as JSON",
        content_type: JSON,
        render: |snapshot| (StatusCode::OK, pretty(&ring(snapshot))),
    },
];

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, control: ControlHandle) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "the admin listener could not accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let control = control.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(request, control.clone()));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT);
            if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
                debug!(%error, "an admin connection ended early");
            }
            drop(place);
        });
    }
}

async fn respond(
    request: Request<Incoming>,
    control: ControlHandle,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(page(request.method(), request.uri().path(), control).await)
}

async fn page(method: &Method, path: &str, control: ControlHandle) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = answer(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            "only GET\n".to_owned(),
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(page) = PAGES.iter().find(|page| page.path == path) else {
        let known: Vec<&str> = PAGES.iter().map(|page| page.path).collect();
        let text = format!("no such page; there are {}\n", known.join(" "));
        return answer(StatusCode::NOT_FOUND, TEXT, text);
    };
    match snapshot(control).await {
        Some(snapshot) => {
            let (status, body) = (page.render)(&snapshot);
            answer(status, page.content_type, body)
        }
        None => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            TEXT,
            "the worker does not answer\n".to_owned(),
        ),
    }
}

/// The worker's answer, or nothing when it gives none in time.
async fn snapshot(control: ControlHandle) -> Option<Snapshot> {
    let wait = move || control.snapshot(SNAPSHOT_TIMEOUT).ok();
    tokio::task::spawn_blocking(wait).await.ok().flatten()
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn ready(snapshot: &Snapshot) -> (StatusCode, String) {
    match snapshot.state {
        "normal" => (StatusCode::OK, "ready\n".to_owned()),
        state => (StatusCode::SERVICE_UNAVAILABLE, format!("{state}\n")),
    }
}

fn stats(snapshot: &Snapshot) -> String {
    let mut value = json!(snapshot);
    value["version"] = json!(env!("CARGO_PKG_VERSION"));
    value["process"] = json!(Process::now());
    pretty(&value)
}

/// The peers, arranged by datacenter and rack in the order of the topology.
fn ring(snapshot: &Snapshot) -> Value {
    let mut datacenters: Vec<Value> = Vec::new();
    for peer in &snapshot.peers {
        let datacenter = named(&mut datacenters, &peer.datacenter, "racks");
        let rack = named(datacenter, &peer.rack, "peers");
        rack.push(json!({
            "name": peer.name,
            "state": peer.state,
            "local": peer.local,
            "tokens": peer.tokens,
        }));
    }
    json!({
        "cluster": snapshot.cluster,
        "node": snapshot.node,
        "hash": snapshot.hash,
        "distribution": snapshot.distribution,
        "shadow": snapshot.shadow_hash.zip(snapshot.shadow_distribution).map(
            |(hash, distribution)| json!({ "hash": hash, "distribution": distribution }),
        ),
        "datacenters": datacenters,
    })
}

/// The list under `inner` of the object of that name, which is appended when it is not there.
fn named<'a>(list: &'a mut Vec<Value>, name: &str, inner: &str) -> &'a mut Vec<Value> {
    let index = list.iter().position(|item| item["name"] == name);
    let index = index.unwrap_or_else(|| {
        list.push(json!({ "name": name, inner: [] }));
        list.len() - 1
    });
    list[index][inner]
        .as_array_mut()
        .expect("it was made with a list")
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn index(snapshot: &Snapshot) -> String {
    let mut rows = String::new();
    for page in PAGES {
        rows += &format!(
            "<li><a href=\"{0}\">{0}</a> {1}</li>",
            page.path, page.about
        );
    }
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>ringd</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:40rem}}</style>\
         <h1>{}</h1><p>ringd {}, cluster {}, datacenter {}, rack {}: {}, {} keys</p><ul>{rows}</ul>\n",
        escaped(&snapshot.node),
        env!("CARGO_PKG_VERSION"),
        escaped(&snapshot.cluster),
        escaped(&snapshot.datacenter),
        escaped(&snapshot.rack),
        snapshot.state,
        snapshot.keys,
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ringlab_core::io::{Reactor, ReactorConfig};
    use ringlab_core::node::PeerSnapshot;

    use super::*;

    #[tokio::test]
    async fn a_worker_that_does_not_answer_is_not_healthy() {
        let config = ReactorConfig {
            client_listen: Vec::new(),
            peer_listen: Vec::new(),
            backlog: 1,
        };
        let stuck = Reactor::bind(&config).expect("nothing to bind");
        let answer = page(&Method::GET, "/healthz", stuck.control()).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        let control = stuck.control();
        drop(stuck);
        let answer = page(&Method::GET, "/healthz", control).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn other_methods_and_pages_are_refused() {
        let config = ReactorConfig {
            client_listen: Vec::new(),
            peer_listen: Vec::new(),
            backlog: 1,
        };
        let control = Reactor::bind(&config).expect("nothing to bind").control();
        for (method, path, status) in [
            (Method::POST, "/metrics", StatusCode::METHOD_NOT_ALLOWED),
            (Method::GET, "/metric", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(page(&method, path, control.clone()).await.status(), status);
        }
    }

    fn snapshot() -> Snapshot {
        let peer = |name: &str, rack: &str, datacenter: &str| PeerSnapshot {
            name: name.to_owned(),
            datacenter: datacenter.to_owned(),
            rack: rack.to_owned(),
            state: "normal",
            tokens: vec!["5".to_owned()],
            ..PeerSnapshot::default()
        };
        Snapshot {
            node: "<a>:1".to_owned(),
            state: "joining",
            peers: vec![
                peer("a:1", "r1", "d1"),
                peer("b:1", "r1", "d1"),
                peer("c:1", "r2", "d1"),
                peer("d:1", "r1", "d2"),
            ],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_ring_is_arranged_by_place() {
        let ring = ring(&snapshot());
        let names = |place: &Value| {
            let peers = place["peers"].as_array().expect("a list").iter();
            peers
                .map(|peer| peer["name"].to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            names(&ring["datacenters"][0]["racks"][0]),
            "\"a:1\" \"b:1\""
        );
        assert_eq!(names(&ring["datacenters"][0]["racks"][1]), "\"c:1\"");
        assert_eq!(names(&ring["datacenters"][1]["racks"][0]), "\"d:1\"");
    }

    #[test]
    fn every_page_renders_and_the_index_lists_it() {
        let index = index(&snapshot());
        for page in PAGES {
            let (_, body) = (page.render)(&snapshot());
            assert!(!body.is_empty(), "{}", page.path);
            assert!(
                index.contains(&format!("\"{}\"", page.path)),
                "{}",
                page.path
            );
            if page.content_type == JSON {
                assert!(
                    serde_json::from_str::<Value>(&body).is_ok(),
                    "{}",
                    page.path
                );
            }
        }
        assert!(index.contains("&lt;a&gt;"));
        assert_eq!(ready(&snapshot()).0, StatusCode::SERVICE_UNAVAILABLE);
    }
}
