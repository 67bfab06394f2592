/** Runs the guests so many rounds and sends the results to the process that started this one. */
import { measureGuests } from "./guests.js";

const [folder = "", rounds] = process.argv.slice(2);
process.send?.(measureGuests(folder, Number(rounds)), () => process.disconnect());
