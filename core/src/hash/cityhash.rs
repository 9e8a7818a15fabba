//! Google's CityHash64, version 1.1, by the crate cityhasher; it has no seed.

/// `CityHash64`.
pub(super) fn cityhash64(key: &[u8]) -> u64 {
    cityhasher::hash(key)
}
