//! A Rust program that lives from its allocator: ours, or with `--cfg stock` Rust's own. Both give the same numbers.
use std::alloc::{alloc, alloc_zeroed, dealloc, realloc, Layout};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

#[cfg(not(stock))]
#[global_allocator]
static ALLOCATOR: pymalloc::Pymalloc = pymalloc::Pymalloc;

/// Numbers by chance, the same in every run.
struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1664525).wrapping_add(1013904223);
        (self.0 >> 8) % bound
    }
}

/// FNV-1a, over numbers.
struct Checksum(u32);

impl Checksum {
    fn add(&mut self, n: u32) {
        for byte in n.to_le_bytes() {
            self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(16777619);
        }
    }

    fn add_text(&mut self, text: &str) {
        for byte in text.bytes() {
            self.add(u32::from(byte));
        }
    }
}

#[derive(Clone, Copy)]
#[repr(align(16))]
struct Of16([u8; 48]);

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Of64([u32; 16]);

#[repr(align(4096))]
struct OfPage([u8; 4096]);

fn texts(random: &mut Random, sum: &mut Checksum) {
    let mut words: HashMap<String, Vec<u32>> = HashMap::new();
    for i in 0..3000 {
        let word = format!("{:x}-{}", random.below(500), "z".repeat(random.below(40) as usize));
        words.entry(word).or_default().push(i);
    }
    let sorted: BTreeMap<&String, &Vec<u32>> = words.iter().collect();
    for (word, places) in &sorted {
        sum.add_text(word);
        sum.add(places.len() as u32);
    }
    let joined = sorted.keys().map(|word| word.as_str()).collect::<Vec<_>>().join("; ");
    sum.add(joined.len() as u32);
    words.retain(|_, places| places.len() > 1);
    words.shrink_to_fit();
    sum.add(words.len() as u32);
}

fn structures(random: &mut Random, sum: &mut Checksum) {
    let mut tree = BTreeMap::new();
    let mut queue = VecDeque::new();
    for _ in 0..5000 {
        let key = random.below(2000);
        if random.below(3) == 0 {
            sum.add(tree.remove(&key).map_or(1, |value: Box<u64>| *value as u32));
        } else {
            tree.insert(key, Box::new(u64::from(key) * 7));
        }
        queue.push_back(Rc::new(key));
        if queue.len() > 300 {
            sum.add(*queue.pop_front().unwrap());
        }
    }
    sum.add(tree.len() as u32);
}

fn is_at_multiple<T>(p: &T) -> u32 {
    u32::from(p as *const T as usize % std::mem::align_of::<T>() == 0)
}

fn aligned(random: &mut Random, sum: &mut Checksum) {
    let mut of16 = Vec::new();
    let mut of64 = Vec::new();
    let mut pages = Vec::new();
    for i in 0..200u32 {
        of16.push(Box::new(Of16([i as u8; 48])));
        of64.push(Of64([i; 16])); // the vector itself moves as it grows
        if random.below(8) == 0 {
            pages.push(Box::new(OfPage([i as u8; 4096])));
        }
        if random.below(4) == 0 {
            of16.swap_remove(random.below(of16.len() as u32) as usize);
        }
    }
    for one in &of16 {
        sum.add(is_at_multiple(&**one));
        sum.add(u32::from(one.0[47]));
    }
    for one in &of64 {
        sum.add(is_at_multiple(one));
        sum.add(one.0[15]);
    }
    for page in &pages {
        sum.add(is_at_multiple(&**page));
        sum.add(u32::from(page.0[4095]));
    }
    of64.truncate(20);
    of64.shrink_to_fit();
    sum.add(of64.iter().map(|one| one.0[7]).sum());
}

fn zeros(random: &mut Random, sum: &mut Checksum) {
    for _ in 0..300 {
        let n = random.below(3000) as usize;
        let mut bytes = vec![0u8; n];
        let mut wide = vec![0u64; n / 8];
        sum.add(bytes.iter().map(|&byte| u32::from(byte)).sum());
        sum.add(wide.iter().map(|&word| word as u32).sum());
        bytes.fill(0xaa);
        wide.fill(u64::MAX);
        bytes.extend_from_slice(&vec![1; n]);
        bytes.truncate(n / 2);
        bytes.shrink_to_fit();
        sum.add(bytes.iter().map(|&byte| u32::from(byte)).sum());
    }
}

/// All of the above, `rounds` times. A checksum.
#[no_mangle]
pub extern "C" fn run(rounds: u32) -> u32 {
    let mut random = Random(1);
    let mut sum = Checksum(2166136261);
    for _ in 0..rounds {
        texts(&mut random, &mut sum);
        structures(&mut random, &mut sum);
        aligned(&mut random, &mut sum);
        zeros(&mut random, &mut sum);
    }
    sum.0
}

/// Are all bytes of a block that value?
unsafe fn is_filled(p: *const u8, bytes: usize, value: u8) -> bool {
    (0..bytes).all(|i| *p.add(i) == value)
}

/// What `GlobalAlloc` promises, for all alignments and many sizes, multiples of the alignment or not. 0, or
/// 100 * size + the alignment's number of zeros for which something is wrong.
#[no_mangle]
pub unsafe extern "C" fn promises() -> u32 {
    for zeros in 0..14 {
        let align = 1 << zeros;
        let mut kept = Vec::new();
        for size in (1..90).chain((90..1500).step_by(37)) {
            let layout = Layout::from_size_align_unchecked(size, align);
            let p = alloc(layout);
            p.write_bytes(size as u8, size);
            let z = alloc_zeroed(layout);
            let is_zero = is_filled(z, size, 0);
            z.write_bytes(0x55, size);
            let larger = 3 * size + 5;
            let r = realloc(z, layout, larger);
            let is_kept = is_filled(r, size, 0x55);
            r.write_bytes(0x66, larger);
            let s = realloc(r, Layout::from_size_align_unchecked(larger, align), size / 2 + 1);
            let all = [p, z, r, s];
            let is_good = all.iter().all(|&p| !p.is_null() && p as usize % align == 0)
                && is_zero
                && is_kept
                && is_filled(s, size / 2 + 1, 0x66);
            dealloc(s, Layout::from_size_align_unchecked(size / 2 + 1, align));
            if !is_good {
                return 100 * size as u32 + zeros;
            }
            kept.push((p, layout));
        }
        // In another order than they were made.
        kept.sort_by_key(|&(p, layout)| (layout.size() % 7, p));
        for (p, layout) in kept {
            if !is_filled(p, layout.size(), layout.size() as u8) {
                return 100 * layout.size() as u32 + zeros;
            }
            dealloc(p, layout);
        }
    }
    0
}

/// Nothing where there is no memory, an error from a collection, and what was there stays. 0, or the alignment for
/// which it is not so.
#[no_mangle]
pub unsafe extern "C" fn refusals() -> usize {
    #[repr(align(4096))]
    struct Wide([u8; 4096]);
    let most = 0x7fff_ffff;
    let mut words: Vec<u64> = vec![7];
    if words.try_reserve_exact(most / 8).is_ok() || words.try_reserve(most).is_ok() || words != [7] {
        return 8;
    }
    if Vec::<Wide>::new().try_reserve_exact(most / std::mem::size_of::<Wide>()).is_ok() {
        return std::mem::align_of::<Wide>();
    }
    for &align in &[1, 8, 16, 32, 65536] {
        let huge = Layout::from_size_align_unchecked(0x8000_0000 - align, align);
        let layout = Layout::from_size_align_unchecked(40, align);
        let p = alloc(layout);
        p.write_bytes(7, 40);
        let refused = alloc(huge).is_null()
            && alloc_zeroed(huge).is_null()
            && realloc(p, layout, huge.size()).is_null();
        let is_kept = is_filled(p, 40, 7);
        dealloc(p, layout);
        if !refused || !is_kept {
            return align;
        }
    }
    0
}

/// As many steps as that with blocks of sizes and alignments by chance, each of which keeps what was written to it. A
/// checksum; or 0, where something else was in a block.
#[no_mangle]
pub extern "C" fn model(seed: u32, steps: u32) -> u32 {
    let mut random = Random(seed);
    let mut sum = Checksum(2166136261);
    let mut live: Vec<(*mut u8, Layout, u8)> = Vec::new();
    for step in 0..steps {
        let bound = [100, 600, 5000, 100_000][random.below(4) as usize];
        let alignments = [14, 5, 5, 5, 5, 5][random.below(6) as usize];
        let align = 1 << random.below(alignments);
        let layout = Layout::from_size_align(1 + random.below(bound) as usize, align).unwrap();
        let (size, value) = (layout.size(), step as u8);
        let is_full = live.len() > 300;
        let chosen = random.below(live.len() as u32 + 1) as usize;
        let is_good = match random.below(4) {
            _ if is_full || chosen < live.len() && random.below(3) == 0 => unsafe {
                let (p, layout, value) = live.swap_remove(chosen.min(live.len() - 1));
                let is_kept = is_filled(p, layout.size(), value);
                dealloc(p, layout);
                is_kept
            },
            0 if chosen < live.len() => unsafe {
                let (old, before, filled) = live[chosen];
                let p = realloc(old, before, size);
                let is_kept = is_filled(p, size.min(before.size()), filled);
                p.write_bytes(value, size);
                live[chosen] = (p, Layout::from_size_align_unchecked(size, before.align()), value);
                is_kept && p as usize % before.align() == 0
            },
            kind => unsafe {
                let p = if kind == 1 { alloc_zeroed(layout) } else { alloc(layout) };
                let is_zero = kind != 1 || is_filled(p, size, 0);
                p.write_bytes(value, size);
                live.push((p, layout, value));
                is_zero && p as usize % align == 0
            },
        };
        if !is_good {
            return 0;
        }
        sum.add(size as u32);
    }
    for (p, layout, value) in live {
        if !unsafe { is_filled(p, layout.size(), value) } {
            return 0;
        }
        unsafe { dealloc(p, layout) };
    }
    sum.0
}

// What unsafe code does wrong. The optimizer must not see through the pointers.

#[inline(never)]
fn opaque<T>(p: *mut T) -> *mut T {
    unsafe { std::ptr::read_volatile(&p) }
}

#[no_mangle]
pub unsafe extern "C" fn double_free() {
    let p = opaque(Box::into_raw(Box::new([1u64; 3])));
    drop(Box::from_raw(p));
    drop(Box::from_raw(opaque(p)));
}

#[no_mangle]
pub unsafe extern "C" fn overflow() {
    let mut bytes = vec![1u8; 21];
    opaque(bytes.as_mut_ptr()).add(21).write(1);
}

/// The type is as long as its alignment wants it, so a byte behind it is one too much.
#[no_mangle]
pub unsafe extern "C" fn overflow_aligned() {
    let mut one = Box::new(Of16([1; 48]));
    opaque(one.0.as_mut_ptr()).add(48).write(1);
}

#[no_mangle]
pub unsafe extern "C" fn underflow() {
    let mut bytes = vec![1u8; 21];
    opaque(bytes.as_mut_ptr()).sub(1).write(1);
}

#[no_mangle]
pub unsafe extern "C" fn write_after_free() {
    let p = opaque(Box::into_raw(Box::new(1u64)));
    drop(Box::from_raw(p));
    *opaque(p) = 2;
    for _ in 0..1000 {
        drop(vec![0u8; 1000]); // until it leaves the quarantine
    }
}

#[no_mangle]
pub unsafe extern "C" fn invalid_pointer() {
    let bytes = vec![1u8; 40];
    let p = opaque(bytes.leak().as_mut_ptr());
    drop(Vec::from_raw_parts(p.add(8), 32, 32));
}
