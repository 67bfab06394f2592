/** The reports alone, for tests: all that the folder lets out. */

export * from "../debug/report/report";
