#![doc = include_str!("../README.md")]
#![no_std]
#![warn(missing_docs, unsafe_op_in_unsafe_fn)]

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

// SAFETY: the functions of the object family have the contracts of C's malloc, and know nothing of unwinding. In each
// method the caller answers for the layout, and for the block that it says is one.
unsafe impl GlobalAlloc for Pymalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            // SAFETY: it may be called with any number.
            unsafe { PyObject_Malloc(request(layout.size(), layout.align())) }
        } else {
            // SAFETY: what it gives is null, or a block of that length.
            unsafe { place(PyObject_Malloc(longer(layout)), layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            // SAFETY: as in alloc.
            unsafe { PyObject_Calloc(1, request(layout.size(), layout.align())) }
        } else {
            // SAFETY: as in alloc.
            unsafe { place(PyObject_Calloc(1, longer(layout)), layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= BY_SIZE {
            // SAFETY: with this alignment the block is one of the object family.
            unsafe { PyObject_Realloc(p, request(size, layout.align())) }
        } else {
            // SAFETY: the caller's promises are passed on.
            unsafe { move_aligned(p, layout, size) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: one of the object family is in `p`, or in front of it, as alloc has put it there.
        unsafe {
            PyObject_Free(if layout.align() <= BY_SIZE {
                p
            } else {
                *front(p)
            })
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
    p.cast::<*mut u8>().wrapping_sub(1)
}

/// The place for a layout in its longer block, which may be null.
///
/// # Safety
/// The block is null, or as long as `longer` says.
#[cold]
unsafe fn place(block: *mut u8, layout: Layout) -> *mut u8 {
    if block.is_null() {
        return block;
    }
    let offset = layout.align() - (block as usize & (layout.align() - 1));
    // SAFETY: 8 to `align` bytes in, `size` bytes and the address in front of them lie in the block.
    unsafe {
        let p = block.add(offset);
        *front(p) = block;
        p
    }
}

/// What `realloc` does with a block at a larger alignment.
///
/// # Safety
/// As that of `realloc`.
#[cold]
unsafe fn move_aligned(p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: the caller promises that such a layout is one. The new block is another one, and the old one's is the caller's.
    unsafe {
        let moved = Pymalloc.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            ptr::copy_nonoverlapping(p, moved, layout.size().min(size));
            Pymalloc.dealloc(p, layout);
        }
        moved
    }
}
