//! A reply ends at the same place whole and in pieces, and what follows it does not matter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringlab_core::resp::frame::Framer;
use ringlab_core::resp::{FrameEnd, frame};

fuzz_target!(|input: &[u8]| {
    // The first byte says into which pieces the others are cut.
    let Some((&piece_len, bytes)) = input.split_first() else {
        return;
    };
    let whole = frame(bytes);
    assert!(same(
        end_in_pieces(bytes, usize::from(piece_len).max(1)),
        whole
    ));
    assert!(same(end_in_pieces(bytes, 1), whole));
    match whole {
        FrameEnd::Complete { len } => {
            assert_eq!(frame(&bytes[..len]), whole);
            for end in 0..len {
                assert!(
                    matches!(frame(&bytes[..end]), FrameEnd::Incomplete { need } if need <= len)
                );
            }
        }
        FrameEnd::Incomplete { need } => assert!(need > bytes.len()),
        FrameEnd::Invalid(_) => {}
    }
});

fn end_in_pieces(bytes: &[u8], piece_len: usize) -> FrameEnd {
    let mut framer = Framer::new();
    let mut last = FrameEnd::Incomplete { need: 1 };
    for end in (0..bytes.len())
        .step_by(piece_len)
        .map(|at| bytes.len().min(at + piece_len))
    {
        last = framer.advance(&bytes[..end]);
        if !matches!(last, FrameEnd::Incomplete { .. }) {
            break;
        }
    }
    last
}

fn same(one: FrameEnd, other: FrameEnd) -> bool {
    match (one, other) {
        (FrameEnd::Incomplete { .. }, FrameEnd::Incomplete { .. }) => true,
        (one, other) => one == other,
    }
}
