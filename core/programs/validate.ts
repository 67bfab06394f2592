/** The exported ABI, nothing else. */

export { validate } from "../heap/heap";
