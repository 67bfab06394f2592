/** AssemblyScript on our allocator: a map of strings, built and dropped. */
let kept: Map<string, i32> | null = null;

/** The number of words, and how often the tenth of them was counted. */
export function count(words: i32): i32 {
  const counts = new Map<string, i32>();
  for (let i = 0; i < words; i++) counts.set("word " + i.toString(), 0);
  for (let i = 0; i < words; i += 10) {
    const word = "word " + i.toString();
    counts.set(word, counts.get(word) + 1);
  }
  kept = counts;
  let sum = 0;
  const values = counts.values();
  for (let i = 0; i < values.length; i++) sum += values[i];
  return counts.size + sum;
}

export function collect(): void {
  kept = null;
  __collect();
}
