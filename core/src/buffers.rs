//! A pool of byte buffers, so that steady traffic allocates nothing.

/// Buffers kept for reuse; more are freed.
const POOLED_MAX: usize = 4096;
/// Capacity above which a returned buffer is freed instead of kept, in bytes.
const CAPACITY_KEPT_MAX: usize = 64 * 1024;

/// Cleared `Vec<u8>`s waiting to be used again.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Vec<Vec<u8>>,
}

impl BufferPool {
    /// An empty buffer, with whatever capacity its last use left it.
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// A buffer holding a copy of `bytes`.
    pub fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// Gives a buffer back.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        let keep = buffer.capacity() > 0 && buffer.capacity() <= CAPACITY_KEPT_MAX;
        if keep && self.free.len() < POOLED_MAX {
            buffer.clear();
            self.free.push(buffer);
        }
    }
}
