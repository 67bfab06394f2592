"""What Python itself knows of its objects: run in an interpreter whose memory was copied just before.

walk(path) writes PATH.words, rows of 32-bit numbers, and PATH.json, the names of the types. What it makes itself is no part of
them: it is held by the variables of a running function, which no object refers to, and gc.get_objects() is called before.
"""

import array
import gc
import json
import sys
import types

HEAP_TYPE = 1 << 9

# What the collector is not told of, as it can't be part of a cycle: attributes that give what is stored, and make nothing.
STORED = {
    types.CodeType: (
        "co_consts co_names co_name co_qualname co_filename co_linetable co_exceptiontable"
    ).split(),
    range: ("start", "stop", "step"),
    types.MethodDescriptorType: ("__name__",),
    types.WrapperDescriptorType: ("__name__",),
    types.ClassMethodDescriptorType: ("__name__",),
    types.GetSetDescriptorType: ("__name__",),
    types.MemberDescriptorType: ("__name__",),
}
TYPE_NAMES = [type.__dict__[name].__get__ for name in ("__name__", "__qualname__")]


def unseen(one):
    """What it holds beyond its referents, as far as Python can tell."""
    kind = type(one)
    if issubclass(kind, dict):
        return list(dict.keys(one))  # those that are texts are not told to the collector
    if issubclass(kind, type):
        return [name(one) for name in TYPE_NAMES if one.__flags__ & HEAP_TYPE]
    return [getattr(one, name) for name in STORED.get(kind, ())]


def walk(path, begin=gc.get_objects):
    objects = begin()
    # One that nobody else refers to: its count is what this function adds to each.
    objects.append(object())
    alone = id(objects[-1])
    known = set(map(id, objects))
    for one in objects:
        for found in (gc.get_referents(one), unseen(one), (type(one),)):
            for other in found:
                if id(other) not in known:
                    known.add(id(other))
                    objects.append(other)
    found = other = None

    # Of each object: its address, type, bytes, count, how many referents, how many unseen; behind it the addresses of those.
    words = array.array("I")
    names = {}
    for one in objects:
        referents, others = gc.get_referents(one), unseen(one)
        words.extend((id(one), id(type(one)), sys.getsizeof(one, 0), 0))
        words.extend((len(referents), len(others), *map(id, referents), *map(id, others)))
        at = len(words) - len(referents) - len(others) - 3
        referents = others = None
        words[at] = min(sys.getrefcount(one), 0xFFFFFFFF)
        if id(type(one)) not in names:
            names[id(type(one))] = [str(type(one).__module__), type(one).__qualname__]
    with open(path + ".words", "wb") as file:
        words.tofile(file)
    with open(path + ".json", "w") as file:
        json.dump({"alone": alone, "types": names}, file)


def run(name, source):
    """Runs a program as a module that stays: `programs.NAME`."""
    module = types.ModuleType("programs." + name)
    sys.modules[module.__name__] = module
    exec(compile(source, name + ".py", "exec"), vars(module))
