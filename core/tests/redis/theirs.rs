//! A redis-server of our own, on a Unix socket in a temporary folder.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ringlab_core::resp::{FrameEnd, frame};

/// The version whose words and rules are ours too.
const VERSION: &str = "v=7.0.";
const START_TRIES_MAX: u32 = 200;

pub(crate) struct Redis {
    process: Child,
    folder: PathBuf,
    socket: UnixStream,
    read: Vec<u8>,
}

impl Redis {
    /// A running server, or `None` (said on stderr) where there is none of the right version.
    pub(crate) fn start() -> Option<Self> {
        static STARTED_COUNT: AtomicU32 = AtomicU32::new(0);
        let version = Command::new("redis-server").arg("--version").output();
        let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        if !version
            .as_ref()
            .is_ok_and(|version| version.contains(VERSION))
        {
            eprintln!("not compared with Redis: redis-server 7.0 is not on the PATH ({version:?})");
            return None;
        }
        let number = STARTED_COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringlab-redis-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let path = folder.join("redis.sock");
        let process = Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
            ])
            .arg(&path)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the PATH");
        let socket = connect(&path);
        Some(Self {
            process,
            folder,
            socket,
            read: Vec::new(),
        })
    }

    /// Sends commands at once and gives their replies.
    pub(crate) fn ask(&mut self, commands: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
        let sent: Vec<u8> = commands
            .iter()
            .flat_map(|command| encode(command))
            .collect();
        // The server answers while it reads: neither side may wait for the other.
        let mut writer = self.socket.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(&sent).expect("redis reads"));
            commands.iter().map(|_| self.reply()).collect()
        })
    }

    fn reply(&mut self) -> Vec<u8> {
        loop {
            match frame(&self.read) {
                FrameEnd::Complete { len } => {
                    let rest = self.read.split_off(len);
                    return std::mem::replace(&mut self.read, rest);
                }
                FrameEnd::Incomplete { .. } => {}
                FrameEnd::Invalid(error) => panic!("redis answers RESP: {error:?}"),
            }
            let mut piece = [0; 64 * 1024];
            let len = self.socket.read(&mut piece).expect("redis answers");
            assert!(len > 0, "redis went away");
            self.read.extend_from_slice(&piece[..len]);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Nothing is lost when either fails: the process and the folder are of this test.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server needs a moment to listen; nothing of core waits here"
)]
fn connect(path: &std::path::Path) -> UnixStream {
    for _ in 0..START_TRIES_MAX {
        if let Ok(socket) = UnixStream::connect(path) {
            let timeout = Some(Duration::from_secs(30));
            socket
                .set_read_timeout(timeout)
                .expect("a timeout above zero");
            return socket;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("redis-server did not listen on {}", path.display());
}

/// A command as an array of bulk strings.
pub(crate) fn encode(command: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", command.len()).into_bytes();
    for arg in command {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
