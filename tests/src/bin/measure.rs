//! Measures what is felt: save to live, and start to first answer.

fn main() {}
