//! C's malloc for what is linked with Rust on WASI: its C library, which reads the arguments and the environment, and
//! C code. Without it the C library would bring a malloc of its own, for the same memory.
//!
//! The contracts are C's and POSIX's, with `errno`. As C wants it, every block of 16 bytes and more begins at a multiple
//! of 16. There is no block at a larger multiple: `free` could not know it from others. `include/pymalloc_malloc.c` of the
//! npm package has them; with that file, this crate is built without its feature `malloc`.
//!
//! All the names are here that the C library's own malloc has: with one that is missing here, that one would come as well.

use crate::{
    PyObject_Calloc, PyObject_Free, PyObject_Malloc, PyObject_Realloc, ALIGNMENT, BY_SIZE,
};
use core::ptr::{addr_of_mut, null_mut};

// As WASI's C library numbers them: what an alignment is that there are no blocks of, and that there is no memory.
const EINVAL: i32 = 28;
const ENOMEM: i32 = 48;

extern "C" {
    static mut errno: i32;
}

#[link(wasm_import_module = "pymalloc")]
extern "C" {
    /// The bytes that may be used of a block; in a debug mode, those that were asked for.
    #[link_name = "malloc_usable_size"]
    fn usable_size(p: *mut u8) -> usize;
    /// From now on the heap keeps `*bit` as `CLASS_BIT` says.
    fn malloc_class_bit(bit: *mut usize);
}

/// What no class bit is.
const NOT_ASKED: usize = usize::MAX;

/// Of two size classes one has its blocks at multiples of 16. A request has this bit, counted from 0, so that it is for
/// that one. In a debug mode, where all are at such a place and a byte too much has to show, it is 0.
static mut CLASS_BIT: usize = NOT_ASKED;

/// What is asked for to have `n` bytes for any type.
fn any(n: usize) -> usize {
    if n < BY_SIZE {
        return n;
    }
    // SAFETY: there is one thread. Who else writes it is the heap, when it is called.
    unsafe {
        if CLASS_BIT == NOT_ASKED {
            CLASS_BIT = ALIGNMENT;
            malloc_class_bit(addr_of_mut!(CLASS_BIT));
        }
        // The largest number stays one that there is no memory for.
        ((n - 1) | CLASS_BIT).saturating_add(1)
    }
}

fn or_error(p: *mut u8, error: i32) -> *mut u8 {
    if p.is_null() {
        // SAFETY: there is one thread.
        unsafe { errno = error }
    }
    p
}

#[no_mangle]
unsafe extern "C" fn malloc(n: usize) -> *mut u8 {
    // SAFETY: it may be called with any number.
    or_error(unsafe { PyObject_Malloc(any(n)) }, ENOMEM)
}

#[no_mangle]
unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut u8 {
    let p = match count.checked_mul(size) {
        // SAFETY: as in malloc.
        Some(n) => unsafe { PyObject_Calloc(1, any(n)) },
        None => null_mut(),
    };
    or_error(p, ENOMEM)
}

#[no_mangle]
unsafe extern "C" fn realloc(p: *mut u8, n: usize) -> *mut u8 {
    // SAFETY: the caller promises that `p` is null or a block of ours.
    or_error(unsafe { PyObject_Realloc(p, any(n)) }, ENOMEM)
}

#[no_mangle]
unsafe extern "C" fn reallocarray(p: *mut u8, count: usize, size: usize) -> *mut u8 {
    match count.checked_mul(size) {
        // SAFETY: as in realloc.
        Some(n) => unsafe { realloc(p, n) },
        None => or_error(null_mut(), ENOMEM),
    }
}

#[no_mangle]
unsafe extern "C" fn free(p: *mut u8) {
    // SAFETY: as in realloc.
    unsafe { PyObject_Free(p) }
}

/// 0, or an error's number: also for an alignment above 16.
#[no_mangle]
unsafe extern "C" fn posix_memalign(out: *mut *mut u8, align: usize, n: usize) -> i32 {
    if !align.is_power_of_two() || align < core::mem::size_of::<usize>() || align > BY_SIZE {
        return EINVAL;
    }
    // What is shorter than 16 bytes may begin at a multiple of 8.
    let least = if align == BY_SIZE { BY_SIZE } else { 0 };
    // SAFETY: as in malloc; the caller promises that `out` may be written.
    unsafe {
        let p = PyObject_Malloc(any(n.max(least)));
        if p.is_null() {
            return ENOMEM;
        }
        *out = p;
    }
    0
}

#[no_mangle]
unsafe extern "C" fn aligned_alloc(align: usize, n: usize) -> *mut u8 {
    let mut p = null_mut();
    // SAFETY: `p` may be written.
    let error = unsafe { posix_memalign(&mut p, align.max(core::mem::size_of::<usize>()), n) };
    or_error(p, error)
}

#[no_mangle]
unsafe extern "C" fn malloc_usable_size(p: *mut u8) -> usize {
    // SAFETY: it takes any address, and says 0 for what is no block.
    unsafe { usable_size(p) }
}

// The names by which the C library calls them itself.

#[no_mangle]
unsafe extern "C" fn __libc_malloc(n: usize) -> *mut u8 {
    // SAFETY: the same contract.
    unsafe { malloc(n) }
}

#[no_mangle]
unsafe extern "C" fn __libc_calloc(count: usize, size: usize) -> *mut u8 {
    // SAFETY: the same contract.
    unsafe { calloc(count, size) }
}

#[no_mangle]
unsafe extern "C" fn __libc_free(p: *mut u8) {
    // SAFETY: the same contract.
    unsafe { free(p) }
}
