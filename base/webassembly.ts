/**
 * The types of WebAssembly that our declarations name. TypeScript has them in its library for pages ("dom") alone: where a
 * project has that they are its own, elsewhere they say what is needed here. The build lets each declaration file that
 * says `WebAssembly.Memory` mean this one.
 */
type Present = typeof globalThis;

export type Memory = Present extends { WebAssembly: { Memory: { prototype: infer Type } } }
  ? Type
  : { readonly buffer: ArrayBuffer; grow(pages: number): number };

export type Table = Present extends { WebAssembly: { Table: { prototype: infer Type } } }
  ? Type
  : {
      readonly length: number;
      get(index: number): unknown;
      set(index: number, value?: unknown): void;
      grow(entries: number, value?: unknown): number;
    };

export type Module = Present extends { WebAssembly: { Module: { prototype: infer Type } } }
  ? Type
  : object;

export type Instance = Present extends { WebAssembly: { Instance: { prototype: infer Type } } }
  ? Type
  : { readonly exports: Record<string, unknown> };

export type Exports = Instance["exports"];

export type Imports = Present extends {
  WebAssembly: { Instance: new (module: never, imports?: infer Type) => unknown };
}
  ? NonNullable<Type>
  : Record<string, Record<string, unknown>>;

export type ImportValue = Imports[string][string];

/** What holds the bytes of a module. */
export type BufferSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;
