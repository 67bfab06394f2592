/** Pages that show what is really printed, behind marks `<!-- output NAME -->`. UPDATE_DOCS=1 writes it into them. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/project.js";

/**
 * Without what may be another one on another day: numbers, bars, times, and rows of which there are many alike. (Python's hashes
 * are random, and with them where everything lies.)
 */
function plain(text: string): string {
  return text
    .replace(/^(size +kept by|type +size|type +value|type +what)\b.*\n(?:.+\n)*/gm, "$1\n")
    .replace(/[▏▎▍▌▋▊▉█]+/g, "")
    .replace(/0x[0-9a-f]+/g, "#")
    .replace(/[-+]?\d[\d,.:-]*(?: (?:B|kB|MB|GB|bytes|%))?/g, "#")
    .replace(/ +/g, " ")
    .replace(/ +$/gm, "");
}

/** Compares what a page shows with what was printed. */
export function pageShows(page: string, name: string, printed: string): void {
  const file = join(repository, page);
  const was = readFileSync(file, "utf8");
  const mark = `<!-- output ${name} -->\n`;
  const place = new RegExp(`${mark.replaceAll(".", "\\.")}(\n\`\`\`\n[\\s\\S]*?\`\`\`\n)?`);
  assert.match(was, place, `${page} has no ${mark}`);
  const shown = `${mark}\n\`\`\`\n${printed.trimEnd()}\n\`\`\`\n`;
  const now = was.replace(place, () => shown);
  if (process.env["UPDATE_DOCS"]) writeFileSync(file, now);
  else assert.equal(plain(was), plain(now));
}
