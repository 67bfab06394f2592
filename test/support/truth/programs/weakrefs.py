"""Weak references: plain, with callbacks, dead ones, proxies, sets and dictionaries of them, finalizers."""

import weakref


class Node:
    def __init__(self, name):
        self.name = name
        self.children = []
        self.parent = None

    def add(self, child):
        self.children.append(child)
        child.parent = weakref.ref(self, notes.append)
        return child


notes = []
root = Node("root")
for n in range(100):
    child = root.add(Node(f"child {n}"))
    for m in range(5):
        child.add(Node(m))
values = weakref.WeakValueDictionary({n: root.children[n] for n in range(100)})
keys = weakref.WeakKeyDictionary({child: [child.name] for child in root.children})
members = weakref.WeakSet(root.children[::2])
plain = [weakref.ref(child) for child in root.children]
proxies = [weakref.proxy(child) for child in root.children[:20]]
methods = [weakref.WeakMethod(child.add) for child in root.children[:20]]
finalizers = [weakref.finalize(child, print, child.name) for child in root.children[:20]]
for one in finalizers:
    one.atexit = False
dead = [weakref.ref(Node("gone")) for _ in range(50)]
del root.children[90:]
