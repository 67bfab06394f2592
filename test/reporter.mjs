/**
 * node:test's events as lines of JSON, for `run.ts`, which reads them when a file has ended. Plain JavaScript: Node loads
 * it itself.
 */
export default async function* report(source) {
  const above = [];
  for await (const { type, data } of source) {
    if (type === "test:start") above.length = data.nesting;
    if (type === "test:start") above.push(data.name);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { details, nesting, name, skip, todo } = data;
    const error = details.error?.cause ?? details.error;
    yield `${JSON.stringify({
      name: [...above.slice(0, nesting), name].join(" > "),
      suite: details.type === "suite",
      milliseconds: details.duration_ms,
      passed: type === "test:pass",
      skipped: skip ?? todo,
      // What failed inside of it is reported itself.
      failure:
        type === "test:pass" || details.error?.failureType === "subtestsFailed"
          ? undefined
          : String(error?.stack ?? error),
    })}\n`;
  }
}
