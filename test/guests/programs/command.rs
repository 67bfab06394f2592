//! A program with a `main`, for WASI: what it prints comes from rust.rs, its arguments, its environment and a file.
#[path = "rust.rs"]
#[allow(dead_code)]
mod program;

use std::{env, fs};

fn main() {
    if env::args().any(|argument| argument == "double_free") {
        unsafe { program::double_free() };
    }
    let mut names: Vec<String> = env::vars().map(|(name, value)| name + "=" + &value).collect();
    names.sort();
    let text = fs::read_to_string("/in/text").map(|text| text.to_uppercase());
    println!("{}", program::run(2));
    println!("{:?} {:?} {:?}", env::args().collect::<Vec<_>>(), names, text);
}
