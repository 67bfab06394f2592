/** Errors: what is wrong with a heap, and how values are shown in messages. */
import type { Address, DomainName } from "./types.js";

/**
 * The mistakes that a debug mode names, and books of the heap itself that were overwritten. Each has its number in
 * core/debug/debug-layout.ts, by this name in capitals, and its sentence in src/debug/mistakes.ts.
 */
export type PyMemErrorKind =
  | "buffer-overflow"
  | "buffer-underflow"
  | "use-after-free-write"
  | "double-free"
  | "wrong-family"
  | "invalid-pointer"
  | "without-gil"
  | "broken-invariant";

/** A kind's name as a constant: `DOUBLE_FREE`. */
type ConstantName<Kind extends string> = Kind extends `${infer Head}-${infer Tail}`
  ? `${Uppercase<Head>}_${ConstantName<Tail>}`
  : Uppercase<Kind>;

/** The `code` of a {@link PyMemError}: its kind, as `PYMALLOC_DOUBLE_FREE`. */
export type PyMemErrorCode = `PYMALLOC_${ConstantName<PyMemErrorKind>}`;

/**
 * Every error that the library throws on purpose has a `code`, which stays when its sentence is bettered:
 *
 *     PYMALLOC_DOUBLE_FREE ...    PyMemError             the heap is damaged, or the call would damage it: its kind in capitals
 *     PYMALLOC_INVALID_ARGUMENT   TypeError, RangeError  an option or an argument is not what was expected
 *     PYMALLOC_DEAD_OBJECT        RangeError             the object has no references, or waits for its dealloc
 *     PYMALLOC_OUT_OF_MEMORY      RangeError             there is no room for what is not a block: a heap, a type, a guest
 *     PYMALLOC_CONFLICT           Error                  what is there already, or whose it is, does not let it be
 *     PYMALLOC_DISPOSED           Error                  the heap was disposed of
 */
export type ErrorCode =
  | PyMemErrorCode
  | "PYMALLOC_INVALID_ARGUMENT"
  | "PYMALLOC_DEAD_OBJECT"
  | "PYMALLOC_OUT_OF_MEMORY"
  | "PYMALLOC_CONFLICT"
  | "PYMALLOC_DISPOSED";

function coded<E extends Error>(error: E, code: ErrorCode): E {
  return Object.assign(error, { code });
}

/** For what is not of the type that was expected, and says nothing else that makes sense. */
export function typeError(message: string): TypeError {
  return coded(new TypeError(message), "PYMALLOC_INVALID_ARGUMENT");
}

/** For a number of the right type that is too small or too large, or leads nowhere. */
export function rangeError(message: string): RangeError {
  return coded(new RangeError(message), "PYMALLOC_INVALID_ARGUMENT");
}

export function deadObject(message: string): RangeError {
  return coded(new RangeError(message), "PYMALLOC_DEAD_OBJECT");
}

export function outOfMemory(message: string): RangeError {
  return coded(new RangeError(message), "PYMALLOC_OUT_OF_MEMORY");
}

export function conflict(message: string): Error {
  return coded(new Error(message), "PYMALLOC_CONFLICT");
}

export function disposed(): Error {
  return coded(new Error("the heap was disposed of, expected one in use"), "PYMALLOC_DISPOSED");
}

/** `DOUBLE_FREE` for `"double-free"`: what its number in core/debug/debug-layout.ts is called, and its code ends in. */
export function constantName(kind: PyMemErrorKind): ConstantName<PyMemErrorKind> {
  return kind.toUpperCase().replaceAll("-", "_") as ConstantName<PyMemErrorKind>;
}

/**
 * Has `instanceof` take the errors of every copy of the package in this process: a program may load it as an ES module and as
 * a CommonJS one, and each entry of the latter is a bundle of its own.
 *
 * @returns the mark that they have
 */
export function brand(errors: new (...of: never[]) => Error, name: string): symbol {
  const mark = Symbol.for(name);
  Object.defineProperty(errors.prototype, mark, { value: true });
  Object.defineProperty(errors, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this === errors) return isObject(value) && mark in value;
      return Function.prototype[Symbol.hasInstance].call(this, value);
    },
  });
  return mark;
}

/** A part of a report: a line that says what follows, and that; nothing where there is nothing. */
export function section(title: string, text: string | undefined): string {
  return text ? `${title}:\n${text.replace(/\n*$/, "\n")}` : "";
}

/** A heap that is not as it should be, or a call that would make it so. */
export class PyMemError extends Error {
  /** @internal A field, since a bundle that throws no such error can leave out a class that has no static block. */
  static readonly mark: symbol = /* @__PURE__ */ brand(PyMemError, "pymalloc.PyMemError");

  /** As every error has it; it stays when code is minified. */
  override readonly name = "PyMemError";
  /** Which mistake it is. */
  readonly kind: PyMemErrorKind;
  /** The kind as a code: `"PYMALLOC_DOUBLE_FREE"`. */
  readonly code: PyMemErrorCode;
  /** The pointer that was given to the wrong call; else where the block or the broken piece begins. */
  readonly address!: Address;
  /** With `broken-invariant`: its number in docs/invariants.md. */
  readonly invariant?: number | undefined;
  /** The call that is wrong, or that found it: `"PyObject_Free"`, `"validate"`, ... */
  readonly call?: string | undefined;
  /** The family of that call. */
  readonly calledFamily?: DomainName | undefined;
  /** Where the block begins; undefined, like all about it, where there is none. */
  readonly block?: Address | undefined;
  /** The bytes that were asked for. */
  readonly size?: number | undefined;
  /** The family that the block was allocated with. */
  readonly family?: DomainName | undefined;
  /** The block was made by this call of all that made one, the first being 1. */
  readonly serial?: number | undefined;
  /** The block in CPython's words (Objects/obmalloc.c, _PyObject_DebugDumpAddress). */
  readonly dump?: string | undefined;
  /** With `stacks`: where the block was allocated, and where it was freed. */
  readonly allocationStack?: string | undefined;
  /** With `stacks`: where it was freed, if it was. */
  readonly freeStack?: string | undefined;
  /** In a Python interpreter: what it was running, the innermost line first. */
  readonly pythonStack?: string | undefined;

  constructor(kind: PyMemErrorKind, message: string, details: PyMemErrorDetails) {
    super(message);
    this.kind = kind;
    this.code = `PYMALLOC_${constantName(kind)}`;
    Object.assign(this, details);
  }

  /** All that is known, as text of several lines: the sentence, CPython's dump, the stacks. */
  report(): string {
    return [
      `${this.name}: ${this.message}\n`,
      this.dump ?? "",
      section("Python was running (most recent call first)", this.pythonStack),
      section("The block was allocated here", this.allocationStack),
      section("The block was freed here", this.freeStack),
    ].join("");
  }
}

/** Everything about a fault except its kind and its sentence. */
export type PyMemErrorDetails = Omit<PyMemError, keyof Error | "kind" | "code" | "report">;

/** How a value is shown in a message: its type where its text would not help. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    return `an object (${value.constructor?.name ?? "no prototype"})`;
  }
  return String(value);
}

/** @throws TypeError that begins with `prefix` and names the first member that is no function */
export function requireFunctions(value: object, names: readonly string[], prefix: string): void {
  for (const name of names) {
    const member = (value as Record<string, unknown>)[name];
    if (typeof member !== "function") {
      throw typeError(`${prefix}${name} is ${show(member)}, expected a function`);
    }
  }
}

/** @throws TypeError that begins with `where` and names the first key that is none of those known */
export function requireKnown(options: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw typeError(`${where}: unknown option ${show(key)}, expected one of ${known.join(", ")}`);
    }
  }
}

/** @throws TypeError that begins with `where`, for what is no object, or has a key that is none of those known */
export function requireOptions(options: unknown, known: readonly string[], where: string): void {
  if (!isObject(options)) {
    throw typeError(`${where}: expected an object of options, got ${show(options)}`);
  }
  requireKnown(options, known, where);
}

/** Is this an object, and not null? */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
