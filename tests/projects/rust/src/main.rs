//! `tally < FILE`: prints the lines, words and bytes of its standard input.

use std::io::{self, Read};

use tally::Tally;

fn main() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    println!("{}", Tally::of(&text));
    Ok(())
}
