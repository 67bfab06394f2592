/** Plays the traces so many rounds and sends the results to the process that started this one. */
import { playTraces } from "./traces.js";

const results = await playTraces(Number(process.argv[2]));
process.send?.(results, () => process.disconnect());
