/** Compares the allocators on the programs of a folder, and sends the comparisons to the process that started this one. */
import { compareFolder } from "./python.js";

const [folder = "", rounds = ""] = process.argv.slice(2);
const comparisons = await compareFolder(folder, Number(rounds));
process.send?.(comparisons, () => process.disconnect());
