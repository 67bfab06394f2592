"""What two years of a bookshop's order lines tell: `python bookshop.py bookshop.csv`.

Reads a CSV file of order lines and prints a report: the rows that had to be rejected, turnover and
VAT, what the price rules gave away, which books are bought together, which titles lead to which,
what kinds of customers there are, and what searches find in titles and customers' notes.
"""

import csv
import json
import operator
import re
import statistics
import sys
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import combinations, groupby, takewhile
from typing import Any, NamedTuple

COLUMNS = "order date customer name city title author category quantity price code note".split()
CENT = Decimal("0.01")
VAT_PERCENT = defaultdict(lambda: 7, {"Audio": 19, "Calendars": 19})
MOST_OFF = Decimal("0.40")

# Name: condition -> the share of the price that is taken off. The shares of all that apply add up.
RULES = """
    bulk: quantity >= 10 -> min(0.05 + quantity / 500, 0.15)
    class set: category = "Children" and quantity >= 3 and not code = "STAFF" -> 0.08
    student: code = "STUDENT" and not (category = "Calendars" or category = "Audio") -> 0.10
    loyal: code = "LOYAL" and earlier > 2 -> min(earlier * 0.01, 0.12)
    summer: code = "SUMMER" and month >= 6 and month <= 8 -> 0.05
    staff: code = "STAFF" -> max(0.25, 0.35 - price / 250)
    old year: category = "Calendars" and month <= 2 -> 0.50
    welcome: earlier = 0 and price * quantity > 40 -> 2.50 / (price * quantity)
"""
QUERIES = """
    lighthouse OR lantern
    gift AND -wrap
    "second copy" AND (ferry OR train)
    garden* AND -(diary OR club)
    heron* AND (calendar OR moon OR psalms)
    "account books" AND -harrowmere AND -birthday
"""


@dataclass(slots=True)
class Line:
    """One title in an order."""

    title: str
    author: str
    category: str
    quantity: int
    price: Decimal
    code: str
    note: str

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> "Line":
        """The line in a row of the file; ValueError says what is wrong with it."""
        if not row["title"]:
            raise ValueError("the title is missing")
        if not re.fullmatch("0*[1-9][0-9]*", row["quantity"]):
            raise ValueError(f"quantity {row['quantity']!r} is not a positive number")
        if not re.fullmatch("[0-9]+([.][0-9]+)?", row["price"]):
            raise ValueError(f"price {row['price']!r} is not an amount")
        values = {name: row[name] for name in cls.__slots__}
        return cls(**values | {"quantity": int(row["quantity"]), "price": Decimal(row["price"])})


@dataclass(slots=True)
class Order:
    """What a customer ordered at once."""

    number: str
    day: date
    customer: str
    lines: list[Line] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Order":
        """The order that became this JSON object."""
        lines = [Line(**line | {"price": Decimal(line["price"])}) for line in data["lines"]]
        return cls(data["number"], date.fromisoformat(data["day"]), data["customer"], lines)


@dataclass(slots=True)
class Customer:
    """A customer with all orders, the oldest first."""

    key: str
    name: str
    city: str
    orders: list[Order] = field(default_factory=list)


class Shop:
    """All that a file of order lines holds, and the rows that could not be used."""

    def __init__(self, path: str) -> None:
        self.customers: dict[str, Customer] = {}
        self.orders: dict[str, Order] = {}
        self.rejected: list[tuple[int, str]] = []
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != COLUMNS:
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            for row in rows:
                try:
                    self.add(row)
                except ValueError as error:
                    self.rejected.append((rows.line_num, str(error)))
        if not self.orders:
            raise ValueError("there is no order in it")
        for customer in self.customers.values():
            customer.orders.sort(key=lambda order: (order.day, order.number))

    def add(self, row: Mapping[str, str]) -> None:
        """Add a row to its order, and a new order to its customer."""
        if None in row or None in row.values():
            raise ValueError("there are too few or too many columns")
        line = Line.from_row(row)
        try:
            day = date.fromisoformat(row["date"])
        except ValueError:
            raise ValueError(f"there is no date {row['date']!r}") from None
        order = self.orders.get(row["order"])
        if order is None:
            order = self.orders[row["order"]] = Order(row["order"], day, row["customer"])
            customer = Customer(row["customer"], row["name"], row["city"])
            self.customers.setdefault(customer.key, customer).orders.append(order)
        elif (order.day, order.customer) != (day, row["customer"]):
            raise ValueError(f"order {order.number} has another date or customer")
        order.lines.append(line)


class Node:
    """A node of the syntax tree of a price rule or a query."""

    __slots__ = ()

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """The value of the tree below, where names stand for these facts."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number or a text."""

    value: Decimal | str

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A fact, by its name."""

    name: str

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        return facts[self.name]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """An operator or a function, and what it is applied to."""

    function: Callable[..., Any]
    arguments: list[Node]

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        return self.function(*[argument.evaluate(facts) for argument in self.arguments])


class Parser:
    """Recursive descent; the two small languages have their own tokens and operators."""

    TOKEN: str
    # By how strong they bind, the weakest first.
    OPERATORS: list[dict[str, Callable[..., Any]]]

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = deque(re.findall(self.TOKEN, source))

    def take(self, *expected: str) -> str:
        """Take the next token, which has to be one of those expected, if any are."""
        if not self.tokens or (expected and self.tokens[0] not in expected):
            found = self.tokens[0] if self.tokens else "the end"
            raise ValueError(f"{self.source!r}: {found} where it does not belong")
        return self.tokens.popleft()

    def expression(self, level: int = 0) -> Node:
        """Operands between operators of this level, or of one that binds stronger."""
        if level == len(self.OPERATORS):
            return self.operand(self.take())
        operators = self.OPERATORS[level]
        node = self.expression(level + 1)
        while self.tokens and self.tokens[0] in operators:
            node = Call(operators[self.take()], [node, self.expression(level + 1)])
        return node

    def operand(self, token: str) -> Node:
        """What begins with this token, and is no operation."""
        if token != "(":
            raise ValueError(f"{self.source!r}: {token} where it does not belong")
        node = self.expression()
        self.take(")")
        return node


class RuleParser(Parser):
    """The language of price rules."""

    TOKEN = r'"[^"]*"|[0-9.]+|\w+|->|[<>]=|\S'
    COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    OPERATORS = [
        {"or": operator.or_},
        {"and": operator.and_},
        COMPARISONS | {"=": operator.eq},
        {"+": operator.add, "-": operator.sub},
        {"*": operator.mul, "/": operator.truediv},
    ]
    FUNCTIONS = {"min": min, "max": max}

    def operand(self, token: str) -> Node:
        if token == "not":
            return Call(operator.not_, [self.expression(2)])
        if token in self.FUNCTIONS:
            self.take("(")
            arguments = [self.expression()]
            while self.take(",", ")") == ",":
                arguments.append(self.expression())
            return Call(self.FUNCTIONS[token], arguments)
        if token[0] == '"':
            return Constant(token[1:-1])
        if token[0].isdigit():
            return Constant(Decimal(token))
        return Name(token) if token.isidentifier() else super().operand(token)


class Rule:
    """A price rule, `name: condition -> share`."""

    def __init__(self, source: str) -> None:
        self.name, _, text = source.strip().partition(": ")
        parser = RuleParser(text)
        self.condition = parser.expression()
        parser.take("->")
        self.share = parser.expression()


class QueryParser(Parser):
    """The language of queries: word, prefix*, "a phrase", -not, AND, OR and parentheses."""

    TOKEN = r'"[^"]+"|\w+\*?|\S'
    OPERATORS = [{"OR": operator.or_}, {"AND": operator.and_}]

    def operand(self, token: str) -> Node:
        if token == "-":
            return Call(operator.sub, [Name("*"), self.operand(self.take())])
        return super().operand(token) if token in "()" else Name(token)
