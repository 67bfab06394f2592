/** What a heap can do with objects, by JavaScript's names. None of these functions needs a `this`. */
import type { Address } from "../../base/base.js";
import type { FieldTypes, ScalarType } from "./fields.js";
import type { Owned } from "./owned.js";
import type { TypeDefinition, TypeObject } from "./type-object.js";

/** The functions of a heap that make types and objects, count references and take objects apart. */
export interface ObjectFunctions {
  /**
   * Makes a type: a PyTypeObject in the memory, as CPython and its guests know it, and typed access to its objects
   * from here. Types live as long as the heap.
   * @throws TypeError that names the option, its value and what was expected
   * @throws RangeError for a size that no object can have, or when there is no room for the type itself
   */
  defineType<
    F extends FieldTypes = Record<never, never>,
    Items extends ScalarType | undefined = undefined,
  >(definition: TypeDefinition<F, Items>): TypeObject<F, Items>;

  /**
   * A type that is in the memory already, for the objects of a heap that was taken over (`from`, `root`): the one with
   * this definition's name, sizes and fields. Its dealloc is JavaScript's, and so has to be given anew; without
   * one, objects can be read, and `decref` refuses to let them die.
   * @throws TypeError that says what was found when it is not just one, and when the type has no dealloc or it is
   *   known; for a wrong definition as `defineType` does
   */
  adoptType<
    F extends FieldTypes = Record<never, never>,
    Items extends ScalarType | undefined = undefined,
  >(definition: TypeDefinition<F, Items>): TypeObject<F, Items>;

  /**
   * A new object with one reference (CPython: PyObject_New). Its fields hold what the memory held. 0 when there
   * is no memory.
   * @throws TypeError unless `type` is a type of this heap without items
   */
  newObject(type: TypeObject): Address;

  /**
   * A new object with `n` items and one reference (CPython: PyObject_NewVar), in whole words. 0 when there is no
   * memory.
   * @throws TypeError unless `type` is a type of this heap with an itemsize, and `n` a whole number
   * @throws RangeError when `n` is negative, or the object would be longer than 0x7fffffff bytes
   */
  newVarObject(type: TypeObject, n: number): Address;

  /**
   * Makes an object of memory that is there, with one reference (CPython: PyObject_Init). Returns `p`;
   * `initObject(0, type)` is 0, so that it may follow a malloc.
   * @throws TypeError unless `type` is a type of this heap without items
   * @throws RangeError when no object of the type fits at `p`, or one that is dead waits there for its dealloc
   */
  initObject(p: Address, type: TypeObject): Address;

  /**
   * The same for an object with `n` items (CPython: PyObject_InitVar).
   * @throws TypeError unless `type` is a type of this heap with an itemsize, and `n` a whole number
   * @throws RangeError when `n` is negative or too large, no such object fits at `p`, or a dead one waits there
   */
  initVarObject(p: Address, type: TypeObject, n: number): Address;

  /**
   * Frees an object's memory (CPython: PyObject_Del), which is the last thing that a `dealloc` does. It looks at
   * no count. `deleteObject(0)` does nothing.
   * @throws TypeError when `p` is a type
   * @throws RangeError when the object is dead and waits for its dealloc: that frees it
   */
  deleteObject(p: Address): void;

  /**
   * One reference more (CPython: Py_INCREF). An object with 2^30 references never dies.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead
   */
  incref(p: Address): void;

  /**
   * One reference less (CPython: Py_DECREF). After the last one the type's `dealloc` runs, by default
   * `deleteObject`. However long the chain of objects that die with it, the stack stays short.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead; and what a `dealloc` threw, from
   * the outermost call
   */
  decref(p: Address): void;

  /** How many references an object has (CPython: Py_REFCNT); 0 when it is dead. @throws TypeError when there is no object at `p` */
  refcount(p: Address): number;

  /** The `address` of an object's type (CPython: Py_TYPE). @throws TypeError when there is no object at `p` */
  typeOf(p: Address): Address;

  /** How many items an object has (CPython: Py_SIZE). @throws TypeError when there is no object of variable size at `p` */
  itemCount(p: Address): number;

  /**
   * Takes over one reference to `p` and gives it back when disposed of: `using point = heap.own(p)`. 0 is let pass.
   * @throws TypeError when there is no object at `p`, RangeError when it is dead
   */
  own(p: Address): Owned;
}
