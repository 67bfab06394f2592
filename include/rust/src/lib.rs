//! CPython's small-object allocator as the global allocator of a program in WebAssembly.
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: pymalloc::Pymalloc = pymalloc::Pymalloc;
//! ```
//!
//! The functions behind it are imports from the module `pymalloc`. Either a heap of the npm package pymalloc gives
//! them (`heap.instantiate`), or its command `pymalloc link` compiles them in. The page docs/guide/guests.md of that
//! package shows both, with the arguments for Rust's linker.
//!
//! The crate is for `wasm32` alone. A package that is built for other targets as well takes it for this one:
//!
//! ```toml
//! [target.'cfg(target_arch = "wasm32")'.dependencies]
//! pymalloc = { path = "node_modules/pymalloc/include/rust" }
//! ```
//!
//! Its feature `malloc`, on by default, gives programs for WASI C's malloc as well.
#![no_std]
#![warn(missing_docs)]

#[cfg(not(target_arch = "wasm32"))]
compile_error!("pymalloc is for programs in WebAssembly: expected a wasm32 target");

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

#[cfg(all(target_os = "wasi", feature = "malloc"))]
mod libc;

#[link(wasm_import_module = "pymalloc")]
extern "C" {
    fn PyObject_Malloc(n: usize) -> *mut u8;
    fn PyObject_Calloc(count: usize, size: usize) -> *mut u8;
    fn PyObject_Realloc(p: *mut u8, n: usize) -> *mut u8;
    fn PyObject_Free(p: *mut u8);
}

/// Blocks of the object family: up to 512 bytes they lie in pools, larger ones come from the system malloc below.
///
/// It keeps the contract of [`GlobalAlloc`] for every [`Layout`]. The pointer is null where there is no memory, and for
/// more than `0x7fffffff` bytes.
///
/// In a debug mode, what unsafe code does wrong with a block is named: a byte too much or in front, a second
/// `dealloc`, a write after it, a pointer to no block. Bytes too much show from the size of the layout on; only
/// where the alignment is 16 or more and the size no multiple of it, which no type has, some may not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pymalloc;

/// Every block begins at a multiple of this.
const ALIGNMENT: usize = 8;

/// A block of a multiple of so many bytes begins at such a multiple as well.
const BY_SIZE: usize = 2 * ALIGNMENT;

/// What is asked for to have a block of `size` bytes, at a multiple of `align` (up to `BY_SIZE`). There is no overflow:
/// a layout's size can be rounded up to its alignment.
#[inline]
fn request(size: usize, align: usize) -> usize {
    if align <= ALIGNMENT {
        size
    } else {
        (size + BY_SIZE - 1) & !(BY_SIZE - 1)
    }
}

// SAFETY: the functions of the object family have the contracts of C's malloc, and know nothing of unwinding.
unsafe impl GlobalAlloc for Pymalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            PyObject_Malloc(request(layout.size(), layout.align()))
        } else {
            place(PyObject_Malloc(longer(layout)), layout)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            PyObject_Calloc(1, request(layout.size(), layout.align()))
        } else {
            place(PyObject_Calloc(1, longer(layout)), layout)
        }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            PyObject_Realloc(p, request(size, layout.align()))
        } else {
            move_aligned(p, layout, size)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        if layout.align() <= BY_SIZE {
            PyObject_Free(p)
        } else {
            PyObject_Free(*front(p))
        }
    }
}

/// The bytes of the block that a larger alignment lies in:
///
/// ```text
///     | ... | its address | layout.size() bytes
///     ^ of the object family ^ p, at a multiple of layout.align()
/// ```
///
/// `p` is 8 to `layout.align()` bytes behind the block's beginning. A sum beyond all addresses stays there, so that there
/// is no such block.
#[cold]
fn longer(layout: Layout) -> usize {
    layout.size().saturating_add(layout.align())
}

/// Where the address of the longer block is.
#[inline]
fn front(p: *mut u8) -> *mut *mut u8 {
    (p as *mut *mut u8).wrapping_sub(1)
}

/// The place for a layout in its longer block, which may be null.
#[cold]
unsafe fn place(block: *mut u8, layout: Layout) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    let offset = layout.align() - (block as usize & (layout.align() - 1));
    let p = block.add(offset);
    *front(p) = block;
    p
}

#[cold]
unsafe fn move_aligned(p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    let wanted = Layout::from_size_align_unchecked(size, layout.align());
    let moved = Pymalloc.alloc(wanted);
    if !moved.is_null() {
        ptr::copy_nonoverlapping(p, moved, layout.size().min(size));
        Pymalloc.dealloc(p, layout);
    }
    moved
}
