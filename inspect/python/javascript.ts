/** What lies on the border to JavaScript: PyProxies, with which it holds Python's objects, and what Python holds of its. */
import type { ProxyMark } from "../memory/memory.js";
import type { Root } from "./root.js";

/** The roots that PyProxies are. */
export function proxyRoots(proxies: readonly ProxyMark[]): Root[] {
  return proxies.map(({ object, stack }) => ({
    group: "JavaScript",
    name: stack === "" ? "PyProxy" : `PyProxy (made at ${placeIn(stack)})`,
    address: object,
    counted: true,
  }));
}

/** The first place in a stack: `main.js:12`. */
function placeIn(stack: string): string {
  return /([^/\\\s()@]+:\d+)(?::\d+)?\)?$/m.exec(stack)?.[1] ?? "?";
}

export function javascriptMarks(): void {}
