/** Plays the traces so many rounds and sends the results to the process that started this one. */
import { playTraces } from "./traces.js";

const [rounds, seed] = process.argv.slice(2).map(Number) as [number, number];
process.send?.(await playTraces(rounds, seed), () => process.disconnect());
