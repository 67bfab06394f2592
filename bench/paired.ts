/** Paired timing: candidates alternate in one process, another one first in each round. */
import { median, rotated } from "../measure/measure.js";

export interface Timing {
  /** Shortest and median round, in the unit of the work's result. */
  readonly min: number;
  readonly median: number;
}

/** Times each of the works `rounds` times, after one round that is not counted. */
export function timePaired<Name extends string>(
  works: Record<Name, () => void>,
  rounds: number,
): Record<Name, Timing & { readonly samples: readonly number[] }> {
  const names = Object.keys(works) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    Name,
    number[]
  >;
  for (let round = 0; round <= rounds; round++) {
    for (const name of rotated(names, round)) {
      const started = performance.now();
      works[name]();
      const time = performance.now() - started;
      if (round > 0) samples[name].push(time);
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const times = samples[name];
      return [name, { min: Math.min(...times), median: median(times), samples: times }];
    }),
  ) as Record<Name, Timing & { samples: number[] }>;
}

/** The median, over the rounds, of one candidate's time divided by another's in the same round. */
export function pairedRatio(times: readonly number[], base: readonly number[]): number {
  return median(times.map((time, round) => time / (base[round] as number)));
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
