/** The part of a heap that is about objects: types, references, and CPython's functions by their names. */

import type { Address } from "../../base/base.js";
import {
  type FieldTypes,
  type Objects,
  Owned,
  type ScalarType,
  type TypeDefinition,
  type TypeObject,
} from "../objects/objects.js";

/** What {@link Heap} has for objects. */
export abstract class ObjectHeap {
  /** @internal */
  protected abstract readonly objects: Objects;

  /**
   * Makes a type: a PyTypeObject in the memory, as CPython and its guests know it, and typed access to its objects
   * from here. Types live as long as the heap.
   * @throws TypeError that names the option, its value and what was expected
   * @throws RangeError for a size that no object can have, or when there is no room for the type itself
   */
  defineType<
    F extends FieldTypes = Record<never, never>,
    Items extends ScalarType | undefined = undefined,
  >(definition: TypeDefinition<F, Items>): TypeObject<F, Items> {
    return this.objects.defineType(definition);
  }

  /**
   * A type that is in the memory already, for the objects of a heap that was taken over (`from`, `root`): the one with
   * this definition's name, sizes and fields. Its dealloc is JavaScript's, and so has to be given anew; without
   * one, objects can be read, and `Py_DECREF` refuses to let them die.
   * @throws TypeError that says what was found when it is not just one, and when the type has no dealloc or it is
   *   known; for a wrong definition as `defineType` does
   */
  adoptType<
    F extends FieldTypes = Record<never, never>,
    Items extends ScalarType | undefined = undefined,
  >(definition: TypeDefinition<F, Items>): TypeObject<F, Items> {
    return this.objects.adoptType(definition);
  }

  /**
   * A new object with one reference (CPython: PyObject_New). Its fields hold what the memory held. 0 when there
   * is no memory.
   * @throws TypeError unless `type` is a type of this heap without items
   */
  PyObject_New(type: TypeObject): Address {
    return this.objects.PyObject_New(type);
  }

  /**
   * A new object with `n` items and one reference (CPython: PyObject_NewVar), in whole words. 0 when there is no
   * memory.
   * @throws TypeError unless `type` is a type of this heap with an itemsize, and `n` a whole number
   * @throws RangeError when `n` is negative, or the object would be longer than 0x7fffffff bytes
   */
  PyObject_NewVar(type: TypeObject, n: number): Address {
    return this.objects.PyObject_NewVar(type, n);
  }

  /**
   * Makes an object of memory that is there: one reference, of this type (CPython: PyObject_Init). Returns `p`;
   * `PyObject_Init(0, type)` is 0, so that it may follow a malloc.
   * @throws TypeError unless `type` is a type of this heap without items
   * @throws RangeError when no object of the type fits at `p`, or one that is dead waits there for its dealloc
   */
  PyObject_Init(p: Address, type: TypeObject): Address {
    return this.objects.PyObject_Init(p, type);
  }

  /**
   * The same for an object with `n` items (CPython: PyObject_InitVar).
   * @throws TypeError unless `type` is a type of this heap with an itemsize, and `n` a whole number
   * @throws RangeError when `n` is negative or too large, no such object fits at `p`, or a dead one waits there
   */
  PyObject_InitVar(p: Address, type: TypeObject, n: number): Address {
    return this.objects.PyObject_InitVar(p, type, n);
  }

  /**
   * Frees an object's memory (CPython: PyObject_Del), which is the last thing that a `dealloc` does. It looks at
   * no count. `PyObject_Del(0)` does nothing.
   * @throws TypeError when `p` is a type
   * @throws RangeError when the object is dead and waits for its dealloc: that frees it
   */
  PyObject_Del(p: Address): void {
    this.objects.PyObject_Del(p);
  }

  /**
   * One reference more (CPython: Py_INCREF). An object with 2^30 references never dies.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead
   */
  Py_INCREF(p: Address): void {
    this.objects.Py_INCREF(p);
  }

  /**
   * One reference less (CPython: Py_DECREF). After the last one the type's `dealloc` runs, by default
   * `PyObject_Del`. However long the chain of objects that die with it, the stack stays short.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead; and what a `dealloc` threw, from
   * the outermost call
   */
  Py_DECREF(p: Address): void {
    this.objects.Py_DECREF(p);
  }

  /** How many references an object has; 0 when it is dead. @throws TypeError when there is no object at `p` */
  Py_REFCNT(p: Address): number {
    return this.objects.Py_REFCNT(p);
  }

  /** The `address` of an object's type. @throws TypeError when there is no object at `p` */
  Py_TYPE(p: Address): Address {
    return this.objects.Py_TYPE(p);
  }

  /** How many items an object has. @throws TypeError when there is no object of variable size at `p` */
  Py_SIZE(p: Address): number {
    return this.objects.Py_SIZE(p);
  }

  /**
   * Takes over one reference to `p` and gives it back when disposed of: `using point = heap.own(p)`. 0 is let pass.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead
   */
  own(p: Address): Owned {
    if (p !== 0) this.objects.requireLive(p, "own");
    return new Owned(p, (object) => this.Py_DECREF(object));
  }
}
