import type { Report } from "./report.js";

/** What of it stands where the report goes. */
const PLACE = '"REPORT"';

/**
 * The page of a report, one file that needs no other.
 * @param template the page without a report, as the package has it (`dist/viewer/report.html`)
 */
export function renderReport(template: string, report: Report): string {
  // Nothing in it ends the element that it stands in, or begins another one.
  const json = JSON.stringify(report).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const at = template.indexOf(PLACE);
  return template.slice(0, at) + json + template.slice(at + PLACE.length);
}
