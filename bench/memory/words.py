"""Count the words of a text, three times over: a few megabytes of short-lived strings."""

from collections import Counter

text = " ".join(f"w{number * number % 7919}" for number in range(120_000))
counts = Counter()
for _ in range(3):
    for word in text.split():
        counts[word] += 1
print(counts.most_common(2))
