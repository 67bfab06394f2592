"""Dictionaries: by number, text, tuple; with deleted entries, cleared, shrunk, of equal keys, views and iterators over them."""

by_number = {n: [n] for n in range(1000)}
by_text = {f"key {n}": {"value": n, "again": f"key {n}"} for n in range(500)}
by_pair = {(n, str(n)): by_number[n] for n in range(300)}
mixed = {1: "one", "two": 2, (3,): [3], None: None, 1.5: {}, frozenset({1}): set()}
holes = {n: str(n) for n in range(800)}
for n in range(0, 800, 3):
    del holes[n]
text_holes = {str(n): n for n in range(300)}
for n in range(0, 300, 2):
    del text_holes[str(n)]
cleared = {n: n for n in range(100)}
cleared.clear()
empty = [{} for _ in range(100)]
copies = [dict(mixed) for _ in range(30)]
merged = by_text | {"key 3": by_pair}
big = dict.fromkeys(range(70_000), by_pair)  # its index has entries of four bytes
views = [by_number.keys(), by_text.values(), by_pair.items()]
running = iter(by_text)
next(running)
nested = {}
for n in range(100):
    nested = {"inner": nested, n: nested}
