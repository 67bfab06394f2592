"""Classes made by the dozen: metaclasses, descriptors, generics, abstract ones, many bases, slots, class attributes."""

import abc
import typing


class Registry(type):
    known = {}

    def __new__(cls, name, bases, space, **options):
        made = super().__new__(cls, name, bases, space)
        made.options = options
        cls.known[name] = made
        return made

    def __init__(cls, name, bases, space, **options):
        super().__init__(name, bases, space)


class Field:
    def __set_name__(self, owner, name):
        self.owner, self.name = owner, name

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__.get(self.name)


class Model(metaclass=Registry, table="models"):
    key = Field()


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    content: T


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...


models = [
    Registry(f"Model{n}", (Model,), {"number": n, "field": Field(), "__slots__": ("a", "b")}, table=f"table {n}")
    for n in range(60)
]
instances = [model() for model in models]
for number, one in enumerate(instances):
    one.a = number
shapes = [type(f"Shape{n}", (Shape,), {"area": lambda self: 0, "n": n}) for n in range(30)]
for shape in shapes[:20]:
    Shape.register(type("Other", (), {}))
    isinstance(shape(), Shape)
boxes = [Box[int], Box[str], Box[T], list[Box[int]], int | str | None, typing.Callable[[int], str]]


class Diamond(type("Left", (Model,), {}), type("Right", (Model,), {})): ...


diamond = [Diamond() for _ in range(20)]
