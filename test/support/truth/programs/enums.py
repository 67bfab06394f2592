"""Enumerations and flags, with members that carry data, aliases, combinations that were made while running."""

import enum


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"
    CRIMSON = "red"


class Planet(enum.Enum):
    MERCURY = (3.3e23, 2.4e6)
    EARTH = (5.9e24, 6.3e6)

    def __init__(self, mass, radius):
        self.mass = mass
        self.radius = radius


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    RUN = enum.auto()


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 1000


class Word(enum.StrEnum):
    YES = enum.auto()
    NO = enum.auto()


combined = [Right(n % 8) for n in range(100)]
levels = {Level(1): [Word.YES], Level.HIGH: [Word("no")]}
made = [enum.Enum(f"Made{n}", {f"A{m}": (n, m) for m in range(6)}) for n in range(25)]
members = [list(one) for one in made]
planets = {planet: [planet.mass] for planet in Planet}
pixels = [(Colour.RED, n) for n in range(200)]
