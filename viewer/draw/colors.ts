/** Colours that white letters can be read on, in the light and in the dark. */
const palette = [
  "#3566c4",
  "#a8501f",
  "#2b7a4b",
  "#8448b3",
  "#b03a5b",
  "#1d7485",
  "#77661a",
  "#4f5bb5",
];

const OTHER = "#59616c";

/** A colour for each of the types that retain most; all others share one. */
export function colorOf(type: number): string {
  return palette[type] ?? OTHER;
}

/** A colour of a part of the memory: what is free is paler than what is in use. */
export function colorOfPart(group: number, name: string): string {
  const color = palette[group % palette.length] as string;
  if (/free/.test(name)) return `${color}55`;
  return /in use/.test(name) ? color : `${color}aa`;
}
