/**
 * The loops that are timed. Each candidate imports this file for itself (`./loop.ts?name`): one loop for
 * all would call through a site that has seen them all, which costs more than what is measured.
 */

export interface Pair {
  readonly malloc: (bytes: number) => number;
  readonly free: (p: number) => unknown;
}

/** malloc and free of one block, `times` times over; the sum keeps the calls alive. */
export function pairs({ malloc, free }: Pair, bytes: number, times: number): number {
  let sum = 0;
  for (let i = 0; i < times; i++) {
    const p = malloc(bytes);
    sum += p;
    free(p);
  }
  return sum;
}

/** Frees a block from anywhere among `live` and puts a new one in its place, `times` times over. */
export function churn(
  { malloc, free }: Pair,
  live: Int32Array,
  picks: Uint32Array,
  bytes: number,
  times: number,
): void {
  for (let i = 0; i < times; i++) {
    const at = picks[i % picks.length] as number;
    free(live[at] as number);
    live[at] = malloc(bytes);
  }
}
