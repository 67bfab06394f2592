"""Book 40,000 decimals into 300 accounts: a few megabytes of objects that stay."""

from collections import defaultdict
from decimal import Decimal

accounts = defaultdict(list)
for number in range(40_000):
    amount = (Decimal(number) / Decimal(7)).quantize(Decimal("0.01"))
    accounts[f"A{number % 300}"].append(amount)
totals = {name: sum(amounts, Decimal(0)) for name, amounts in accounts.items()}
print(sum(totals.values()))
