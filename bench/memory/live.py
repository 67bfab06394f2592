"""100 MB of small objects that stay."""

kept = [(number, str(number), {"half": number / 2}) for number in range(400_000)]
print(len(kept))
