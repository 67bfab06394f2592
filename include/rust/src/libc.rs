//! C's malloc for what is linked with Rust on WASI: its C library, which reads the arguments and the environment, and
//! C code. Without it the C library would bring a malloc of its own, for the same memory.
//!
//! As C wants it, every block of 16 bytes and more begins at a multiple of 16. There is no block at a larger multiple:
//! `free` could not know it from others. include/pymalloc_malloc.c of the npm package has them; with that file,
//! this crate is built without its feature `malloc`.

use crate::{request, PyObject_Calloc, PyObject_Free, PyObject_Malloc, PyObject_Realloc, BY_SIZE};
use core::ptr::null_mut;

/// What an alignment is that there are no blocks of.
const EINVAL: i32 = 28;
const ENOMEM: i32 = 48;

/// What is asked for to have `n` bytes for any type, or so many that there is no memory for them.
fn any(n: usize) -> usize {
    if n < BY_SIZE {
        n
    } else {
        request(n.min(usize::MAX / 2 + 1), BY_SIZE)
    }
}

#[no_mangle]
unsafe extern "C" fn malloc(n: usize) -> *mut u8 {
    PyObject_Malloc(any(n))
}

#[no_mangle]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    match count.checked_mul(size) {
        Some(n) => PyObject_Calloc(1, any(n)),
        None => null_mut(),
    }
}

#[no_mangle]
unsafe extern "C" fn realloc(p: *mut u8, n: usize) -> *mut u8 {
    PyObject_Realloc(p, any(n))
}

#[no_mangle]
unsafe extern "C" fn free(p: *mut u8) {
    PyObject_Free(p)
}

/// Null for an alignment above 16.
#[no_mangle]
unsafe extern "C" fn aligned_alloc(align: usize, n: usize) -> *mut u8 {
    if align <= BY_SIZE {
        malloc(n.max(align))
    } else {
        null_mut()
    }
}

#[no_mangle]
unsafe extern "C" fn posix_memalign(out: *mut *mut u8, align: usize, n: usize) -> i32 {
    if align > BY_SIZE {
        return EINVAL;
    }
    let p = aligned_alloc(align, n);
    if p.is_null() {
        return ENOMEM;
    }
    *out = p;
    0
}

// The names by which the C library calls them itself.

#[no_mangle]
unsafe extern "C" fn __libc_malloc(n: usize) -> *mut u8 {
    malloc(n)
}

#[no_mangle]
unsafe extern "C" fn __libc_calloc(count: usize, size: usize) -> *mut u8 {
    calloc(count, size)
}

#[no_mangle]
unsafe extern "C" fn __libc_free(p: *mut u8) {
    free(p)
}
