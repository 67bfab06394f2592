import { testBlocks } from "../support/link-blocks.js";
import { testSnapshots } from "../support/link-snapshots.js";
import { testLinked } from "../support/link-suite.js";

testLinked("pyodide-027");
testBlocks("pyodide-027");
testSnapshots("pyodide-027");
