//! ringd.

fn main() {}
