//! Bob Jenkins' lookup3.

/// `hashlittle` of lookup3.c (<http://burtleburtle.net/bob/c/lookup3.c>, 2006) with initval 13.
/// The empty key gives the unmixed start, 3735928572.
pub(super) fn jenkins(key: &[u8]) -> u64 {
    let start = 0xdead_beef_u32
        .wrapping_add(key.len() as u32)
        .wrapping_add(13);
    if key.is_empty() {
        return u64::from(start);
    }
    let mut state = [start; 3];
    // The last block, whole or not, is mixed differently: it never belongs to `blocks`.
    let (body, last) = key.split_at((key.len() - 1) / 12 * 12);
    let (blocks, _) = body.as_chunks::<12>();
    for block in blocks {
        state = mixed(added(state, block));
    }
    let mut padded = [0; 12];
    padded[..last.len()].copy_from_slice(last);
    u64::from(finished(added(state, &padded)))
}

fn added([a, b, c]: [u32; 3], block: &[u8; 12]) -> [u32; 3] {
    let word =
        |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    [
        a.wrapping_add(word(0)),
        b.wrapping_add(word(4)),
        c.wrapping_add(word(8)),
    ]
}

/// lookup3's `mix`: six rounds of subtract, xor with a rotation, add, the words taking turns.
fn mixed([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    for rotations in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(rotations[0]);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(rotations[1]);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(rotations[2]);
        b = b.wrapping_add(a);
    }
    [a, b, c]
}

/// lookup3's `final`; its third word is the hash.
fn finished([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}
