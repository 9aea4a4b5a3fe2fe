//! Developer commands: generators and `tidy`.

fn main() {}
