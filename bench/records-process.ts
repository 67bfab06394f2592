/** Measures one way of keeping records, and sends the result to the process that started this one. */
import { measureRecords } from "./records/measure.js";

const [pattern = "", way = ""] = process.argv.slice(2);
process.send?.(await measureRecords(pattern, way), () => process.disconnect());
