"""Texts of every width, long ones, slices, bytes, bytearrays, memory views, patterns and their matches, formats."""

import io
import re
import string

ascii = [f"order {n}" for n in range(500)]
latin = [f"f\u00fcr {n}" for n in range(200)]
wide = [f"\u20ac {n}" for n in range(200)]
widest = [f"\U0001f600 {n}" for n in range(200)]
encoded = [text.encode() for text in wide]
for text in widest[:20]:
    hash(text)
long = ["x" * 100_000, "\u00e9" * 50_000, b"y" * 70_000, "\u20ac" * 30_000]
buffers = [bytearray(f"buffer {n}", "ascii") for n in range(100)]
buffers += [bytearray(5000), bytearray()]
for buffer in buffers[:50]:
    buffer += b" longer than before"
    del buffer[:3]
views = [memoryview(buffer)[2:5] for buffer in buffers[:40]]
patterns = [re.compile(rf"(?P<name>\w+) (\d{{{n}}})") for n in range(1, 30)]
matches = [patterns[0].match(f"word {n}") for n in range(200)]
found = list(re.finditer(r"\w+", "the quick brown fox"))
streams = [io.StringIO(text) for text in latin[:20]] + [io.BytesIO(text) for text in encoded[:20]]
templates = [string.Template(f"$a {n}") for n in range(20)]
words = re.findall(r"\w+", "one two three " * 200)
itself = "".join(["made ", "at ", "run ", "time"])
