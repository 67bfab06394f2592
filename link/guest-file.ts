/** Guests as files: linked into another file, or for a bundler. */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { guestModule, linkerMark } from "../base/base.js";
import { LinkError } from "./errors.js";
import { type LinkGuestOptions, linkGuest } from "./guest.js";
import { MODULE } from "./guest-core.js";
import type { Progress } from "./link-program.js";

/** What `linkGuestFile` takes. */
export interface LinkGuestFileOptions extends LinkGuestOptions {
  /** The file of the guest. */
  readonly guest: string;
  /** The file to write, in a folder that is there; it may be the guest's own. */
  readonly output: string;
  readonly onProgress?: Progress;
}

/** What it has done. */
export interface LinkGuestReport {
  /** Absolute path of the file that was written. */
  readonly output: string;
  readonly withPydebug: boolean;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly seconds: number;
}

function readGuestFile(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new LinkError(`${path} can't be read: ${(error as Error).message}`);
  }
}

/** Writes a file that is never there in part. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const partial = join(dirname(path), `.${basename(path)}-${randomUUID().slice(0, 8)}.partial`);
  try {
    writeFileSync(partial, bytes);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new LinkError(`${path} can't be written: ${(error as Error).message}`);
  }
}

/** @throws LinkError that names the file */
async function linkBytes(
  path: string,
  bytes: Uint8Array,
  options: LinkGuestOptions,
): Promise<Uint8Array> {
  try {
    return await linkGuest(bytes, options);
  } catch (error) {
    throw new LinkError(`${path}: ${(error as Error).message}`);
  }
}

/** Links the core into a guest's file. @throws LinkError that names the file; nothing is written then */
export async function linkGuestFile({
  guest,
  output,
  withPydebug = false,
  onProgress = () => {},
}: LinkGuestFileOptions): Promise<LinkGuestReport> {
  const started = performance.now();
  const bytes = readGuestFile(guest);
  onProgress(`linking ${guest}`);
  const linked = await linkBytes(guest, bytes, { withPydebug });
  writeWhole(resolve(output), linked);
  return {
    ...{ output: resolve(output), withPydebug },
    ...{ bytesBefore: bytes.length, bytesAfter: linked.length },
    seconds: (performance.now() - started) / 1000,
  };
}

/** Is this a program that imports from "pymalloc"? */
export function isGuest(bytes: Uint8Array): boolean {
  try {
    const module = new WebAssembly.Module(bytes as BufferSource);
    return WebAssembly.Module.imports(module).some((one) => one.module === MODULE);
  } catch {
    return false;
  }
}

/** What was linked in this process, by what it was made of. */
const known = new Map<string, Promise<Uint8Array>>();

/** A guest that a bundler has come across, linked. */
export interface LinkedFile {
  /** Stands for its content. */
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/**
 * The content of a WebAssembly file, linked.
 * @returns undefined for one that imports nothing from "pymalloc"
 * @throws LinkError that names the file
 */
export async function linkedFile(
  path: string,
  { withPydebug = false }: LinkGuestOptions,
): Promise<LinkedFile | undefined> {
  const bytes = readGuestFile(path);
  if (!isGuest(bytes)) return undefined;
  const mark = createHash("sha256").update(bytes).update(guestModule.hash).update(linkerMark);
  const hash = mark.update(String(withPydebug)).digest("hex").slice(0, 16);
  let linked = known.get(hash);
  if (linked === undefined) {
    linked = linkBytes(path, bytes, { withPydebug });
    known.set(hash, linked);
    linked.catch(() => known.delete(hash));
  }
  return { hash, bytes: await linked };
}

/** The path of the same, in a folder where such files are kept. Its name stands for its content. */
export async function keptLinkedFile(
  path: string,
  folder: string,
  options: LinkGuestOptions,
): Promise<string | undefined> {
  const linked = await linkedFile(path, options);
  if (linked === undefined) return undefined;
  const kept = join(folder, `${basename(path, ".wasm")}-${linked.hash}.wasm`);
  if (!existsSync(kept)) {
    mkdirSync(folder, { recursive: true });
    writeWhole(kept, linked.bytes);
  }
  return kept;
}
