/** Writes the compiled standard library of the Pyodide in a folder on standard output: see `stdlib.ts`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")).href);
const pyodide = await loadPyodide();
pyodide.FS.writeFile("/source.zip", readFileSync(join(folder, "python_stdlib.zip")));
pyodide.runPython(`
import importlib.util, marshal, sys, zipfile
root = next(path for path in sys.path if path.endswith(".zip"))
# Its date and its length would be compared with the source's; 1 says that they are not there, and nothing is to be compared.
head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
with zipfile.ZipFile("/source.zip") as sources, zipfile.ZipFile("/compiled.zip", "w") as compiled:
    for name in sources.namelist():
        source = sources.read(name)
        compiled.writestr(name, source)
        if name.endswith(".py"):
            code = compile(source, f"{root}/{name}", "exec", dont_inherit=True)
            compiled.writestr(name + "c", head + marshal.dumps(code))
`);
process.stdout.write(pyodide.FS.readFile("/compiled.zip"));
