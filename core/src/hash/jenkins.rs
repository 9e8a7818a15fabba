//! Bob Jenkins' lookup3.

use super::word;

/// `hashlittle` of lookup3.c (<http://burtleburtle.net/bob/c/lookup3.c>, 2006) with initval 13.
/// The empty key gives the unmixed start, 3735928572.
pub(super) fn jenkins(key: &[u8]) -> u64 {
    let start = 0xdead_beef_u32
        .wrapping_add(key.len() as u32)
        .wrapping_add(13);
    if key.is_empty() {
        return u64::from(start);
    }
    let (mut state, mut rest) = ([start; 3], key);
    // The last block, whole or not, is mixed differently.
    while let Some((block, after)) = rest.split_first_chunk::<12>() {
        if after.is_empty() {
            break;
        }
        state = mixed(added(state, block));
        rest = after;
    }
    u64::from(finished(added(state, rest)))
}

/// Adds up to twelve bytes, as if zeros followed them.
#[inline]
fn added([a, b, c]: [u32; 3], block: &[u8]) -> [u32; 3] {
    let (low, high) = match block.split_at_checked(8) {
        Some((low, high)) => (word(low), word(high)),
        None => (word(block), 0),
    };
    [
        a.wrapping_add(low as u32),
        b.wrapping_add((low >> 32) as u32),
        c.wrapping_add(high as u32),
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
