/** Paired timing: candidates alternate in one process, another one first in each round. */
import { rotated } from "../measure/measure.js";

export interface Timing {
  /** Milliseconds of the shortest round. */
  readonly min: number;
}

/** A value for each of the keys. */
export function recordOf<Key extends string, Value>(
  keys: readonly Key[],
  value: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>;
}

/** Times each of the works `rounds` times, after one round that is not counted. */
export function timePaired<Name extends string>(
  works: Record<Name, () => void>,
  rounds: number,
): Record<Name, Timing> {
  const names = Object.keys(works) as Name[];
  const samples = recordOf(names, () => [] as number[]);
  for (let round = 0; round <= rounds; round++) {
    for (const name of rotated(names, round)) {
      const started = performance.now();
      works[name]();
      const time = performance.now() - started;
      if (round > 0) samples[name].push(time);
    }
  }
  return recordOf(names, (name) => ({ min: Math.min(...samples[name]) }));
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
