"""A report on a bookshop's order lines, from a CSV file: python bookshop.py bookshop.csv

Turnover, reductions, books bought together, kinds of customers, and searches in titles and notes.
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
from decimal import Decimal
from itertools import chain, combinations
from typing import Any, NamedTuple

COLUMNS = "order date customer name city title author category quantity price code note".split()
VALID = {"title": ".+", "quantity": "[1-9][0-9]*", "price": "[0-9]+[.][0-9]{2}"}
VAT_PERCENT = {"Audio": 19, "Calendars": 19}  # and 7 on books
WORD = re.compile(r"\w+")
MOST_OFF = Decimal("0.40")
# Name: condition -> the share of the price that is taken off. The shares of all that apply add up.
RULES = """
    bulk: quantity >= 10 -> 0.05 + quantity / 500
    class set: category = "Children" and quantity >= 3 and not code = "STAFF" -> 0.08
    student: code = "STUDENT" and not (category = "Calendars" or category = "Audio") -> 0.10
    loyal: code = "LOYAL" and earlier > 2 -> 0.03 + earlier / 400
    summer: code = "SUMMER" and month >= 6 and month <= 8 -> 0.05
    staff: code = "STAFF" -> 0.35 - price / 250
    old year: category = "Calendars" and month <= 2 -> 0.50
    welcome: earlier = 0 and price * quantity > 40 -> 2.50 / (price * quantity)
"""
QUERIES = """
    lighthouse OR lantern
    gift -wrap
    "second copy" AND (ferry OR train)
    "account books" -(harrowmere OR birthday)
"""
Entry = NamedTuple("Entry", [("order", "Order"), ("account", str), ("amount", Decimal)])
Posting = NamedTuple("Posting", [("line", int), ("position", int)])
Pair = NamedTuple("Pair", [("titles", tuple[str, str]), ("count", int), ("lift", float)])


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
        for name, pattern in VALID.items():
            if not re.fullmatch(pattern, row[name]):
                raise ValueError(f"{row[name]!r} is no {name}")
        try:
            day = date.fromisoformat(row["date"])
        except ValueError:
            raise ValueError(f"{row['date']!r} is no date") from None
        order = self.orders.get(row["order"])
        if order is None:
            order = self.orders[row["order"]] = Order(row["order"], day, row["customer"])
            customer = Customer(row["customer"], row["name"], row["city"])
            self.customers.setdefault(customer.key, customer).orders.append(order)
        elif (order.day, order.customer) != (day, row["customer"]):
            raise ValueError(f"order {order.number} has another date or customer")
        values = {name: row[name] for name in Line.__slots__}
        values |= {"quantity": int(row["quantity"]), "price": Decimal(row["price"])}
        order.lines.append(Line(**values))


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a text in the syntax tree of a price rule or a query."""

    value: Decimal | str

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """What is written there."""
        return self.value


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, by its name."""

    name: str

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """The fact itself."""
        return facts[self.name]


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function, and what it is applied to."""

    function: Callable[..., Any]
    arguments: list["Node"]

    def evaluate(self, facts: Mapping[str, Any]) -> Any:
        """The result, given these facts."""
        return self.function(*[argument.evaluate(facts) for argument in self.arguments])


Node = Constant | Name | Call


class Parser:
    """Recursive descent. The two small languages have their own tokens and operators."""

    TOKEN: str
    OPERATORS: list[dict[str, Callable[..., Any]]]  # those that bind weakest come first

    def __init__(self, source: str) -> None:
        self.tokens = deque([*re.findall(self.TOKEN, source), ""])

    def until(self, end: str) -> Node:
        """An expression, and after it this token."""
        node = self.expression()
        if (token := self.tokens.popleft()) != end:
            raise ValueError(f"found {token!r} instead of {end!r}")
        return node

    def expression(self, level: int = 0) -> Node:
        """Operands between operators of this level, or of one that binds stronger."""
        if level == len(self.OPERATORS):
            return self.operand(self.tokens.popleft())
        node = self.expression(level + 1)
        while function := self.OPERATORS[level].get(self.tokens[0]):
            self.tokens.popleft()
            node = Call(function, [node, self.expression(level + 1)])
        return node

    def operand(self, token: str) -> Node:
        """What begins with this token: in both languages, an expression in parentheses."""
        if token != "(":
            raise ValueError(f"found {token!r} where it does not belong")
        return self.until(")")


class Rule(Parser):
    """A price rule, `name: condition -> share`."""

    TOKEN = r'"[^"]*"|[0-9.]+|\w+|->|[<>]=|\S'
    OPERATORS = [
        {"or": operator.or_},
        {"and": operator.and_},
        {"=": operator.eq, ">": operator.gt, ">=": operator.ge, "<=": operator.le},
        {"+": operator.add, "-": operator.sub},
        {"*": operator.mul, "/": operator.truediv},
    ]

    def __init__(self, source: str) -> None:
        self.name, _, text = source.strip().partition(": ")
        super().__init__(text)
        self.condition = self.until("->")
        self.share = self.until("")

    def operand(self, token: str) -> Node:
        """A number, a text, the name of a fact, or what comes after `not`."""
        if token == "not":
            return Call(operator.not_, [self.expression(2)])
        if token.startswith('"'):
            return Constant(token[1:-1])
        if token[:1].isdigit():
            return Constant(Decimal(token))
        return Name(token) if token.isidentifier() else super().operand(token)


class Query(Parser):
    """A query of words, "phrases", AND, OR, - (and not), and parentheses."""

    TOKEN = r'"[^"]+"|\w+|\S'
    OPERATORS = [{"OR": operator.or_}, {"AND": operator.and_, "-": operator.sub}]

    def operand(self, token: str) -> Node:
        """A word or a phrase: for the index, the name of a set of lines."""
        return Name(token) if WORD.search(token) else super().operand(token)


def book(order: Order, line: Line, earlier: int, rules: Iterable[Rule]) -> list[Entry]:
    """The entries of a sale to one who ordered so many times earlier; they add up to zero."""
    facts = asdict(line) | {"month": order.day.month, "earlier": earlier}
    full = line.quantity * line.price
    left = full * MOST_OFF
    amounts = {}
    for rule in rules:
        if rule.condition.evaluate(facts):
            off = round(min(full * rule.share.evaluate(facts), left), 2)
            amounts[f"off: {rule.name}"] = off
            left -= off
    paid = full - sum(amounts.values())
    percent = VAT_PERCENT.get(line.category, 7)
    vat = round(paid * percent / (100 + percent), 2)
    amounts |= {"cash": paid, "VAT": -vat, f"sales: {line.category}": vat - full}
    return [Entry(order, account, amount) for account, amount in amounts.items()]


def balances(entries: Iterable[Entry]) -> Counter[str]:
    """What the entries add up to on each account."""
    accounts = Counter()
    for entry in entries:
        accounts[entry.account] += entry.amount
    return accounts


class TextIndex:
    """An inverted index of titles, authors and notes: the facts that queries are about."""

    def __init__(self, lines: list[Line]) -> None:
        self.postings: dict[str, list[Posting]] = {}
        for number, line in enumerate(lines):
            # The gaps between the texts keep a phrase from going on in the next one.
            for start, text in ((0, line.title), (100, line.author), (200, line.note)):
                for position, word in enumerate(WORD.findall(text.casefold()), start):
                    self.postings.setdefault(word, []).append(Posting(number, position))

    def __getitem__(self, term: str) -> set[int]:
        """The lines with a word, or with all words of a phrase in a row."""
        starts = [
            {(line, position - offset) for line, position in self.postings.get(word, ())}
            for offset, word in enumerate(WORD.findall(term.casefold()))
        ]
        return {line for line, _ in set.intersection(*starts)}


def pairs(orders: Iterable[Order]) -> list[Pair]:
    """All pairs of titles in the same order, the most frequent first."""
    baskets = [sorted({line.title for line in order.lines}) for order in orders]
    single = Counter(title for basket in baskets for title in basket)
    both = Counter(pair for basket in baskets for pair in combinations(basket, 2))
    chance = {(a, b): single[a] * single[b] / len(baskets) for a, b in both}
    found = [Pair(titles, count, count / chance[titles]) for titles, count in both.items()]
    return sorted(found, key=lambda pair: (-pair.count, -pair.lift, pair.titles))


def similar_titles(found: Iterable[Pair]) -> dict[str, list[str]]:
    """For each title those that were ordered with it ten times as often as by chance."""
    similar = defaultdict(list)
    for (one, other), _, lift in found:
        if lift > 10:
            similar[one].append(other)
            similar[other].append(one)
    return similar


def trails_from(start: str, similar: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The shortest trail of similar titles to each that can be reached, the nearest first."""
    trails = {start: [start]}
    queue = [start]
    for title in queue:
        for other in similar[title]:
            if other not in trails:
                trails[other] = [*trails[title], other]
                queue.append(other)
    return trails


def segments(customers: Iterable[Customer], values: Mapping[str, Decimal]) -> dict[str, list]:
    """The customers' values by kind: who is in the best quarter by recency, frequency, value?"""
    features = {c.key: (c.orders[-1].day, len(c.orders), values[c.key]) for c in customers}
    columns = [sorted(column) for column in zip(*features.values())]
    kinds = defaultdict(list)
    for key, own in features.items():
        best = [4 * bisect_left(column, of) >= 3 * len(column) for column, of in zip(columns, own)]
        kinds["".join(mark if high else "-" for mark, high in zip("RFV", best))].append(values[key])
    return dict(sorted(kinds.items()))


def report(shop: Shop) -> Iterator[str]:
    """The lines of the report."""
    customers, orders = list(shop.customers.values()), list(shop.orders.values())
    lines = [line for order in orders for line in order.lines]
    yield f"{len(lines)} lines in {len(orders)} orders of {len(customers)} customers"
    yield f"\nRejected rows: {len(shop.rejected)}"
    yield from (f"  row {row}: {reason}" for row, reason in shop.rejected)

    rules = [Rule(rule) for rule in RULES.strip().splitlines()]
    ledgers: dict[str, list[Entry]] = defaultdict(list)
    values: Counter[str] = Counter()
    for customer in customers:
        for earlier, order in enumerate(customer.orders):
            entries = [entry for line in order.lines for entry in book(order, line, earlier, rules)]
            ledgers[f"{order.day:%Y-%m}"] += entries
            values[customer.key] += balances(entries)["cash"]
    months = {month: balances(ledger) for month, ledger in ledgers.items()}
    balanced = sum(sum(accounts.values()) == 0 for accounts in months.values())
    yield f"\nLedgers: {balanced} of {len(months)} months balance; the best months"
    for month, accounts in sorted(months.items(), key=lambda item: -item[1]["cash"])[:4]:
        yield f"  {month} {accounts['cash']:>10} with {-accounts['VAT']:>8} VAT"
    for account, amount in sorted(balances(chain(*ledgers.values())).items()):
        if account.startswith("off: "):
            yield f"  {account:<15} {amount:>10}"

    found = pairs(orders)
    yield f"\nBought together: {len(found)} pairs; lift, orders, share of all orders"
    for (one, other), count, lift in found[:5]:
        yield f"  {lift:5.1f} {count:3} {count / len(orders):6.2%}  {one} + {other}"
    similar = similar_titles(found)
    trails = [trail for title in similar for trail in trails_from(title, similar).values()]
    longest = max(trails, key=len, default=[])
    yield f"\nSimilar titles: {sum(map(len, similar.values())) // 2} links; the longest trail"
    yield from (f"  {step:2}. {title}" for step, title in enumerate(longest, 1))

    yield "\nCustomers in the best quarter by recency, frequency, value: how many, median value"
    for kind, amounts in segments(customers, values).items():
        yield f"  {kind} {len(amounts):4} {statistics.median(amounts):>8.2f}"
    best = max(customers, key=lambda customer: values[customer.key])
    yield f"  The best is {best.name} of {best.city} with {values[best.key]}"

    index = TextIndex(lines)
    yield f"\nSearches in {sum(map(len, index.postings.values()))} words"
    for query in QUERIES.strip().splitlines():
        hits = sorted(Query(query).until("").evaluate(index))
        titles = Counter(lines[hit].title for hit in hits)
        most = max(titles, key=titles.__getitem__, default="nothing")
        yield f"  {query.strip()}: {len(hits)}, most of all {most}"

    plain = [asdict(order) for order in orders]
    text = json.dumps(plain, default=str, ensure_ascii=False)
    same = [Order.from_json(order) for order in json.loads(text)] == orders
    yield f"\nJSON: {len(text)} characters, read back {'the same' if same else 'DIFFERENTLY'}"


def main() -> int:
    """Read the file and print the report; the exit status."""
    if len(sys.argv) != 2:
        print("bookshop.py: expected one argument, a CSV file of order lines", file=sys.stderr)
        return 2
    try:
        shop = Shop(sys.argv[1])
    except (OSError, ValueError, csv.Error) as error:
        print(f"bookshop.py: cannot read {sys.argv[1]}: {error.args[-1]}", file=sys.stderr)
        return 2
    print(*report(shop), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
