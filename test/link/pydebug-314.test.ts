import { testPydebug } from "../support/pydebug-suite.js";

testPydebug("pyodide");
