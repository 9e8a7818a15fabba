//! ringlab.

fn main() {}
