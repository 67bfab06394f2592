/** Saving a file out of a page. */

/** How long the browser has to begin with the download. */
const MILLISECONDS = 60_000;

/**
 * Offers what comes in pieces as a file to download, as a click on a link would.
 *
 * @param pieces the file's bytes, in order
 * @param name the file's name, without a folder
 * @throws Error where there is no page: in a worker the pieces have to be sent to one
 */
export async function saveInPage(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  name: string,
): Promise<void> {
  if (typeof document === "undefined") {
    throw new Error(`${name} can't be downloaded here: expected a page, found no document`);
  }
  const parts: BlobPart[] = [];
  for await (const piece of pieces) parts.push(piece as Uint8Array<ArrayBuffer>);
  const address = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), MILLISECONDS);
}
