"""Ten million objects of a program's own that stay."""

import builtins


class Order:
    def __init__(self, number):
        self.number = number
        self.name = f"order {number}"
        self.lines = [(number, 1.5 * number), {"sku": number}]


# 7 objects each, and 1 for every other number.
builtins.orders = {number: Order(number) for number in range(1_250_000)}
print(len(builtins.orders))
