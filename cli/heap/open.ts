/** Snapshots that are read from files. */
import { type FileHandle, open } from "node:fs/promises";
import { openSnapshot, type Snapshot } from "../../inspect/inspect.js";
import { reasonOf, UsageError } from "../../process/process.js";

/** What a .heapsnapshot begins with. */
const BRACE = 0x7b;

async function* piecesOf(path: string, file: FileHandle): AsyncGenerator<Uint8Array, void> {
  try {
    // Its own buffers: what was given is kept by whoever decompresses it.
    for await (const piece of file.createReadStream({ autoClose: false })) yield piece;
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${reasonOf(error)}`);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new UsageError(
      missing ? `no such file: ${path}` : `${path} can't be read: ${reasonOf(error)}`,
    );
  }
  return file;
}

/** Says what a file is that is none of ours. @throws UsageError */
async function requireSnapshot(path: string, file: FileHandle): Promise<void> {
  if (!(await file.stat()).isFile()) {
    throw new UsageError(`${path} is not a file, expected a snapshot`);
  }
  const { bytesRead, buffer } = await file.read(new Uint8Array(1), 0, 1, 0);
  if (bytesRead === 1 && buffer[0] === BRACE) {
    throw new UsageError(
      `${path} is JSON, as a .heapsnapshot is: that is for the Memory panel of a browser's ` +
        "DevTools; expected a .pymem of pymalloc snapshot",
    );
  }
}

/** Opens a .pymem. @throws UsageError when it can't be read, is none, or is damaged: then at which byte */
export async function readSnapshot(path: string): Promise<Snapshot> {
  const file = await openFile(path);
  try {
    await requireSnapshot(path, file);
    return await openSnapshot(piecesOf(path, file));
  } catch (error) {
    // What is wrong with a file begins with the name of its format.
    if (error instanceof RangeError && error.message.startsWith(".pymem: ")) {
      throw new UsageError(`${path} is no whole snapshot: ${error.message.slice(8)}`);
    }
    throw error;
  } finally {
    await file.close();
  }
}
