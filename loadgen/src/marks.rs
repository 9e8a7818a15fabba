//! Events a caller or a file tells of while the load runs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock;

/// Where a caller in process puts its events; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// (Unix ms, text).
    marks: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Marks {
    /// Something happens now.
    pub fn mark(&self, text: &str) {
        self.mark_at(clock::unix_ms(), text);
    }

    fn mark_at(&self, unix_ms: u64, text: &str) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.push((unix_ms, text.to_owned()));
    }

    /// Takes what was marked since the last call.
    pub(crate) fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Follows a file: each line appended is a mark, at the Unix ms it starts with or when it is seen.
#[derive(Debug, Default)]
pub(crate) struct MarkFile {
    offset: u64,
    partial: String,
}

impl MarkFile {
    /// Reads what was appended since the last call; a missing file has nothing yet.
    pub(crate) fn follow(&mut self, path: &Path, marks: &Marks) {
        let Ok(mut file) = File::open(path) else {
            return;
        };
        let mut bytes = Vec::new();
        if file.seek(SeekFrom::Start(self.offset)).is_err() || file.read_to_end(&mut bytes).is_err()
        {
            return;
        }
        self.offset += bytes.len() as u64;
        self.partial.push_str(&String::from_utf8_lossy(&bytes));
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            let line = line.trim();
            let stamped = line.split_once(' ').and_then(|(time, text)| {
                time.parse()
                    .ok()
                    .filter(|&ms: &u64| ms > 1_000_000_000_000)
                    .map(|ms| (ms, text))
            });
            match stamped {
                Some((unix_ms, text)) => marks.mark_at(unix_ms, text.trim()),
                None if line.is_empty() => {}
                None => marks.mark(line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_are_marks_once_they_end() {
        let path = std::env::temp_dir().join(format!("ringload-marks-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let (mut follower, marks) = (MarkFile::default(), Marks::default());
        write!(file, "1700000000123 freeze n3\nlet ").unwrap();
        follower.follow(&path, &marks);
        assert_eq!(marks.take(), [(1_700_000_000_123, "freeze n3".to_owned())]);
        writeln!(file, "go\n").unwrap();
        follower.follow(&path, &marks);
        let seen = marks.take();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].1, "let go");
        follower.follow(&path, &marks);
        assert!(marks.take().is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
