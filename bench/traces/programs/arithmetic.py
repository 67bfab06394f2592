"""Numbers of all kinds: decimals, fractions, long integers, complex numbers and floats."""

from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import accumulate
from math import comb, isqrt

getcontext().prec = 40


def interest(capital, years):
    """The balance after each month, rounded to cents."""
    balance = Decimal(capital)
    for month in range(12 * years):
        rate = Decimal(3 + month % 5) / Decimal(1200)
        balance = (balance * (1 + rate)).quantize(Decimal("0.01"))
        yield balance


def harmonic(n):
    """Sums of 1 + 1/2 + ... + 1/n, exactly."""
    return list(accumulate(Fraction(1, k) for k in range(1, n + 1)))


def continued(value, depth):
    """The continued fraction of a square root."""
    whole = isqrt(value)
    terms, m, d, a = [whole], 0, 1, whole
    while len(terms) < depth and whole * whole != value:
        m = d * a - m
        d = (value - m * m) // d
        a = (whole + m) // d
        terms.append(a)
    return terms


balances = [list(interest(1000 + 37 * n, 15)) for n in range(120)]
sums = harmonic(900)
triangle = [[comb(n, k) for k in range(n + 1)] for n in range(160)]
roots = {n: continued(n, 60) for n in range(2, 900)}
primes = [n for n in range(2, 30_000) if pow(2, n - 1, n) == 1]
points = []
for row in range(80):
    for column in range(120):
        z = c = complex(column / 40 - 2, row / 40 - 1)
        steps = 0
        while abs(z) < 2 and steps < 12:
            z = z * z + c
            steps += 1
        points.append((c, steps))
floats = sorted(str(n / 7 * 1.1 ** (n % 30)) for n in range(20_000))
print(balances[-1][-1], float(sums[-1]), triangle[-1][70], len(roots), len(primes))
print(sum(steps for _, steps in points), floats[100])
