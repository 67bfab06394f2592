"""Pickle a graph of objects and read it back, with every protocol, and copy it."""

import copy
import io
import pickle
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum


class Kind(Enum):
    """What a part is made of."""

    WOOD = "wood"
    METAL = "metal"
    GLASS = "glass"


@dataclass
class Part:
    """A part with others in it."""

    name: str
    kind: Kind
    made: date
    size: tuple[float, float, float]
    parts: list["Part"] = field(default_factory=list)
    owner: "Part | None" = None
    notes: dict[str, str] = field(default_factory=dict)


def build(depth, number=1):
    """A tree of parts that also know their owners."""
    kind = list(Kind)[number % 3]
    day = date(2020, 1, 1) + timedelta(days=number)
    part = Part(f"part {number}", kind, day, (number / 3, number / 5, 1.0))
    if number % 4 == 0:
        part.notes[f"note {number}"] = "to be checked " * (number % 5)
    if depth > 0:
        for n in range(3):
            child = build(depth - 1, number * 3 + n)
            child.owner = part
            part.parts.append(child)
    return part


def count(part):
    """How many parts there are."""
    return 1 + sum(count(child) for child in part.parts)


machine = build(6)
sizes = []
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    text = pickle.dumps(machine, protocol)
    machine = pickle.loads(text)
    sizes.append(len(text))
stream = io.BytesIO()
pickler = pickle._Pickler(stream)  # the one in Python
pickler.dump(machine.parts[0])
stream.seek(0)
half = pickle.load(stream)
twin = copy.deepcopy(machine)
print(count(machine), count(half), count(twin), twin.parts[2].kind is Kind.METAL, sizes[-1] > 0)
