import { testBlocks } from "../support/link-blocks.js";
import { testSnapshots } from "../support/link-snapshots.js";
import { testLinked } from "../support/link-suite.js";

testLinked("pyodide-028");
testBlocks("pyodide-028");
testSnapshots("pyodide-028");
