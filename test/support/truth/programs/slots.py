"""Dataclasses with slots, frozen ones, slots beside a dictionary and weak references, subclasses of builtin types."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Book:
    title: str
    price: float
    tags: list = field(default_factory=list)
    sequel: "Book | None" = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Isbn:
    group: int
    number: str


class Mixed:
    __slots__ = ("first", "second", "__dict__", "__weakref__")


class Late(Book):
    __slots__ = ("late",)


class Row(list):
    __slots__ = ("name",)


class Table(dict):
    def __init__(self, owner):
        super().__init__()
        self.owner = owner


books = [Book(f"title {n}", n * 0.5, ["new", n]) for n in range(400)]
for one, other in zip(books, books[1:]):
    one.sequel = other
isbns = {Isbn(n % 7, str(n)): books[n] for n in range(400)}
mixed = [Mixed() for _ in range(50)]
for number, one in enumerate(mixed):
    one.first = number
    one.third = books[number]  # second stays empty
late = [Late("late", 1.0) for _ in range(20)]
late[3].late = late
rows = [Row([n, str(n)]) for n in range(30)]
rows[4].name = rows
tables = [Table(books[n]) for n in range(30)]
for number, table in enumerate(tables):
    table[number] = tables[number - 1]
