//! A program with a `main`, for WASI, with C code (mixed.c) linked to it: what it prints comes from rust.rs, from C, from
//! its arguments, its environment and a file.
#[path = "rust.rs"]
#[allow(dead_code)]
mod program;

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int, c_void};
use std::{env, fs};

extern "C" {
    fn c_text(text: *const c_char, times: c_int) -> *mut c_char;
    fn c_promises() -> c_int;
    fn c_refusals() -> c_int;
    fn c_overflow();
    fn free(p: *mut c_void);
}

/// Blocks of C's and of Rust's, in turn. Their lengths' sum.
fn mixed() -> usize {
    let word = CString::new("word").unwrap();
    let texts: Vec<_> = (1..200)
        .map(|i| (unsafe { c_text(word.as_ptr(), i) }, "z".repeat(i as usize)))
        .collect();
    texts
        .into_iter()
        .map(|(text, other)| {
            let n = unsafe { CStr::from_ptr(text) }.to_bytes().len();
            unsafe { free(text as *mut c_void) };
            n + other.len()
        })
        .sum()
}

fn main() {
    match env::args().last().as_deref() {
        Some("double_free") => unsafe { program::double_free() },
        Some("c_overflow") => unsafe { c_overflow() },
        _ => {}
    }
    let mut names: Vec<String> = env::vars().map(|(name, value)| name + "=" + &value).collect();
    names.sort();
    let text = fs::read_to_string("/in/text").map(|text| text.to_uppercase());
    println!("{} {} {}", program::run(1), program::model(1, 3000), mixed());
    println!("C {} {}", unsafe { c_promises() }, unsafe { c_refusals() });
    println!("{:?} {:?} {:?}", env::args().collect::<Vec<_>>(), names, text);
}
