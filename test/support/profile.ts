/** What `npm run test:all` does more than `npm test`. */

/** Are we in the longer profile? */
export const long = process.env["PYMALLOC_LONG"] === "1";

/** For `skip`: the reason, or false where it is not to be skipped. */
export const onlyLong = long ? false : "only in the longer profile: npm run test:all";

/** For `skip`: of older lines of Pyodide, the shorter profile starts one and runs a workload. */
export function skipUnlessNewest(name: string): string | false {
  return name === "pyodide" ? false : onlyLong;
}
