import { testPydebug } from "../support/pydebug-suite.js";

testPydebug("pyodide-027");
