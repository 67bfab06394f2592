/** Calls a function of a file, and sends what it gives to the process that started this one. */
const [file = "", name = "", args = ""] = process.argv.slice(2);
const measures = await import(file);
process.send?.(await measures[name](...JSON.parse(args)), () => process.disconnect());
