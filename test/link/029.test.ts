import { testBlocks } from "../support/link-blocks.js";
import { testSnapshots } from "../support/link-snapshots.js";
import { testLinked } from "../support/link-suite.js";

testLinked("pyodide-029");
testBlocks("pyodide-029");
testSnapshots("pyodide-029");
