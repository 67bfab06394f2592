/** All memory of a Pyodide 0.27 is taken. It is alone in its process: 0.29 leaves its global names behind. */
import { testExhaustion } from "../support/exhaustion.js";

testExhaustion({ malloc: "pymalloc", limit: 64 * 2 ** 20, name: "pyodide-027" });
