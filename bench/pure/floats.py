"""Nothing but floats."""

x = 0.5
for _ in range(200_000):
    x = 3.7 * x * (1.0 - x) + 1e-9
print(round(x, 6))
