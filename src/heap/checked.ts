/** The domains' functions for numbers that nobody has looked at yet: in front of WebAssembly, which takes any modulo 2^32. */

import {
  type Address,
  type Domain,
  type DomainName,
  isAddress,
  show,
  typeError,
  unsigned,
} from "../../base/base.js";
import { domainNames } from "../domains.js";

/** The longest request there is (CPython: PY_SSIZE_T_MAX). */
const MOST = 0x7fffffff;

function readSize(value: unknown, where: string, name: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw typeError(`${where}: ${name} is ${show(value)}, expected a whole number from 0 on`);
}

function readAddress(value: unknown, where: string): Address {
  if (isAddress(value)) return value;
  throw typeError(`${where}: p is ${show(value)}, expected an address`);
}

/** @param domain whose members are the functions in force; they are looked up at each call */
function checkedDomain(name: DomainName, domain: Domain): Domain {
  const where = (verb: keyof Domain) => `checked.${name}.${verb}`;
  return Object.freeze({
    malloc(bytes: number): Address {
      const size = readSize(bytes, where("malloc"), "bytes");
      return size > MOST ? 0 : unsigned(domain.malloc(size));
    },
    calloc(count: number, size: number): Address {
      const all =
        readSize(count, where("calloc"), "count") * readSize(size, where("calloc"), "size");
      // One of them may be over 2^32 where the other is 0.
      return all > MOST ? 0 : unsigned(domain.calloc(count, size));
    },
    realloc(p: Address, bytes: number): Address {
      const block = readAddress(p, where("realloc"));
      const size = readSize(bytes, where("realloc"), "bytes");
      return size > MOST ? 0 : unsigned(domain.realloc(block, size));
    },
    free(p: Address): void {
      domain.free(readAddress(p, where("free")));
    },
  });
}

/** Each domain with its checks. */
export function checkedDomains(
  domains: Readonly<Record<DomainName, Domain>>,
): Readonly<Record<DomainName, Domain>> {
  const checked = domainNames.map((name) => [name, checkedDomain(name, domains[name])]);
  return Object.freeze(Object.fromEntries(checked));
}
