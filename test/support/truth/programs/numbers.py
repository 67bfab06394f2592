"""Numbers: small and huge ones, floats, complex ones, decimals, fractions, dates with zones, ranges, random states."""

import datetime
import decimal
import fractions
import random
import zoneinfo

small = list(range(-5, 257))
plain = [n * 1_000 for n in range(500)]
huge = [3**n for n in range(200)]
floats = [n / 7 for n in range(300)]
complexes = [complex(n, -n) for n in range(50)]
decimals = [decimal.Decimal(n) / 7 for n in range(300)]
exact = decimal.Context(prec=200)
decimals += [exact.divide(decimal.Decimal(1), decimal.Decimal(n + 3)) for n in range(20)]
parts = [fractions.Fraction(n, n + 7) for n in range(100)]
zone = datetime.timezone(datetime.timedelta(hours=1), "here")
moments = [datetime.datetime(2026, 1, 1, tzinfo=zone) + datetime.timedelta(days=n) for n in range(200)]
naive = [datetime.datetime(2026, 1, 1 + n) for n in range(20)]
times = [datetime.time(n, tzinfo=zone) for n in range(20)]
days = {moment.date(): [moment] for moment in moments}
spans = [range(n, 10**n, n + 1) for n in range(20)] + [slice(n, [n], None) for n in range(20)]
generator = random.Random(5)
drawn = [generator.random() for _ in range(100)]


class Money(int):
    pass


class Share(float):
    pass


money = [Money(n) for n in range(50)] + [Share(n) for n in range(50)]
for number, one in enumerate(money):
    one.currency = ["EUR", number]
