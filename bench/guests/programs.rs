//! The programs of programs.c as one writes them in Rust: they answer the same. Compiled with `--cfg stock` they are on
//! Rust's own allocator, else on include/rust.

#[cfg(not(stock))]
#[global_allocator]
static ALLOCATOR: pymalloc::Pymalloc = pymalloc::Pymalloc;

// ------------------------------------------------------------------------------------------------- binary trees

struct Tree {
    left: Option<Box<Tree>>,
    right: Option<Box<Tree>>,
}

fn grow(depth: u32) -> Option<Box<Tree>> {
    let child = || if depth > 0 { grow(depth - 1) } else { None };
    Some(Box::new(Tree { left: child(), right: child() }))
}

fn count(tree: &Option<Box<Tree>>) -> u32 {
    tree.as_ref().map_or(0, |tree| 1 + count(&tree.left) + count(&tree.right))
}

fn grow_and_fell(depth: u32) -> u32 {
    count(&grow(depth))
}

/// One tree lives all the time, and many of each depth come and go. How many nodes there were.
#[no_mangle]
pub extern "C" fn trees(depth: u32) -> u32 {
    let mut nodes = grow_and_fell(depth + 1);
    let old = grow(depth);
    for d in (4..=depth).step_by(4) {
        for _ in 0..1 << (depth - d + 2) {
            nodes += grow_and_fell(d);
        }
    }
    nodes + count(&old)
}

// ---------------------------------------------------------------------------------------------- building strings

/// Lines of "key=value; key=value; ...", `lines` of them, all kept until the end. A checksum.
#[no_mangle]
pub extern "C" fn strings(lines: u32) -> u32 {
    let mut random = 1u32;
    let mut kept = Vec::new();
    for i in 0..lines {
        let mut line = i.to_string();
        random = random.wrapping_mul(1664525).wrapping_add(1013904223);
        for field in (1..=random >> 29).rev() {
            let value = [field.to_string(), (random >> field).to_string()].join("=");
            line = [line, value].join("; ");
        }
        kept.push(line);
    }
    let bytes = kept.iter().flat_map(|line| line.bytes());
    bytes.fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}
