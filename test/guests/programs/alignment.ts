/** Where AssemblyScript's memory begins on our allocator, and that it stays whole. 0, or the number of bytes that went wrong. */
const COUNT: i32 = 100;
const blocks = new StaticArray<usize>(COUNT);

function isFilled(p: usize, bytes: usize, byte: u8): bool {
  for (let i: usize = 0; i < bytes; i++) if (load<u8>(p + i) !== byte) return false;
  return true;
}

export function alignment(): usize {
  for (let bytes: usize = 1; bytes < 700; bytes += bytes < 80 ? 1 : 13) {
    for (let i = 0; i < COUNT; i++) {
      let p = heap.alloc(bytes);
      memory.fill(p, <u8>i, bytes);
      if (i % 3 !== 0) {
        const longer = bytes + <usize>i * 7;
        p = heap.realloc(p, longer);
        if (!isFilled(p, bytes, <u8>i)) return bytes;
        memory.fill(p, <u8>i, longer);
      }
      if ((p & 15) !== 0) return bytes;
      blocks[i] = p;
    }
    for (let i = 0; i < COUNT; i++) {
      if (!isFilled(blocks[i], bytes, <u8>i)) return bytes;
      heap.free(blocks[i]);
    }
  }
  return 0;
}

/** Objects: what is behind their headers. */
export function objects(): usize {
  const all = new Array<StaticArray<u8>>();
  for (let i = 0; i < 2000; i++) {
    const array = new StaticArray<u8>(i % 300);
    if ((changetype<usize>(array) & 15) !== 0) return i;
    all.push(array);
  }
  return 0;
}
