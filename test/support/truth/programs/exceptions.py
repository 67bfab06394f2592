"""Exceptions that are kept: with tracebacks and their frames, causes, contexts, notes, groups, arguments."""


class Refused(Exception):
    def __init__(self, order, reason):
        super().__init__(order, reason)
        self.order = order


def check(order):
    local = {"order": order, "again": [order]}
    if order["amount"] > 0:
        raise Refused(order, f"reason {len(local)}")


def handle(order, depth):
    data = bytes(100)
    if depth:
        return handle(order, depth - 1)
    try:
        check(order)
    except Refused as error:
        error.add_note("a note")
        raise ValueError("no", data) from error


kept = []
for number in range(100):
    try:
        handle({"amount": number + 1}, number % 5)
    except ValueError as error:
        kept.append(error)
contexts = []
for number in range(30):
    try:
        try:
            {}[number]
        except KeyError:
            [][number]
    except IndexError as error:
        contexts.append(error)
group = ExceptionGroup("many", kept[:10] + [ExceptionGroup("inner", contexts[:3])])
bare = [OSError(2, "no file", "name"), StopIteration([1]), SystemExit(3), UnicodeDecodeError("ascii", b"x", 0, 1, "why")]
try:
    import missing_module_of_the_truth
except ImportError as error:
    bare.append(error)
try:
    [].missing
except AttributeError as error:
    bare.append(error)
