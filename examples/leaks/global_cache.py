"""A cache without an end: each order that was ever looked at stays in a dictionary of the module."""

CACHE = {}
RECENT = 8  # so many the mended one keeps

numbers = iter(range(10**9))


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [f"line {line} of order {number}" for line in range(20)]

    def total(self):
        return len(self.lines)


def look_up(number):
    if number not in CACHE:
        CACHE[number] = Order(number)
    return CACHE[number]


def work():
    return look_up(next(numbers)).total()


def mended():
    order = look_up(next(numbers))
    while len(CACHE) > RECENT:
        del CACHE[next(iter(CACHE))]
    return order.total()


if __name__ == "__main__":
    for _ in range(1000):
        work()
    print(len(CACHE), "orders")
