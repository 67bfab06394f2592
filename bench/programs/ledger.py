"""Book payments into accounts and draw up balances."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Booking:
    account: str
    amount: Decimal
    text: str


class Account:
    def __init__(self, name):
        self.name = name
        self.bookings = []
        self.balance = Decimal(0)

    def book(self, booking):
        self.bookings.append(booking)
        self.balance += booking.amount


accounts = {}
for number in range(24_000):
    amount = (Decimal(number) / 7).quantize(Decimal("0.01"))
    for name, signed in ((f"A{number % 300}", amount), (f"B{number % 17}", -amount)):
        account = accounts.get(name)
        if account is None:
            account = accounts[name] = Account(name)
        account.book(Booking(name, signed, f"payment {number}"))
rows = [f"{account.name:>6} {account.balance:>14} {len(account.bookings)}" for account in accounts.values()]
print(len(rows), sum(account.balance for account in accounts.values()), rows[0])
