/** The text of include/pymalloc_layout.h: the core's numbers for C. A test compares the two. */
import { layout, objectsLayout } from "../base/base.js";

const { OB_REFCNT, OB_TYPE, OB_SIZE, OBJECT_HEADER, VAR_OBJECT_HEADER } = objectsLayout;
const { TP_NAME, TP_BASICSIZE, TP_ITEMSIZE, TP_DEALLOC, TYPE_SIZE, IMMORTAL } = objectsLayout;
const { ALIGNMENT, SMALL_REQUEST_THRESHOLD } = layout;

const groups: Record<string, Record<string, number>> = {
  "Offsets of members, and sizes of structs, in bytes.": {
    ...{ OB_REFCNT, OB_TYPE, OB_SIZE, OBJECT_HEADER, VAR_OBJECT_HEADER },
    ...{ TP_NAME, TP_BASICSIZE, TP_ITEMSIZE, TP_DEALLOC, TYPE_SIZE },
  },
  "An object whose count of references is this or more never dies.": { IMMORTAL },
  "Every block begins at a multiple of ALIGNMENT bytes; pools serve requests up to the threshold.":
    {
      ...{ ALIGNMENT, SMALL_REQUEST_THRESHOLD },
    },
};

export function layoutHeader(): string {
  const lines = Object.entries(groups).flatMap(([comment, numbers]) => [
    `/* ${comment} */`,
    ...Object.entries(numbers).map(([name, value]) => `#define PYMALLOC_${name} ${value}`),
    "",
  ]);
  return [
    "/* Generated from core/ (tools/layout-header.ts): UPDATE_HEADERS=1 npm test writes it anew. */",
    "#ifndef PYMALLOC_LAYOUT_H",
    "#define PYMALLOC_LAYOUT_H",
    "",
    ...lines,
    "#endif",
    "",
  ].join("\n");
}
