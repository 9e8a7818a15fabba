//! ringload.

fn main() {}
