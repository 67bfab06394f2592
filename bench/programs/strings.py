"""Count the words of a text, split, join, format and replace."""

import collections
import random

random.seed(3)
letters = "abcdefghijklmnopqrstuvwxyz"
words = ["".join(random.choices(letters, k=random.randint(2, 12))) for _ in range(8_000)]
text = " ".join(random.choices(words, k=150_000))
counts = collections.Counter()
for line in (text[start : start + 80] for start in range(0, len(text), 80)):
    counts.update(word.strip().upper() for word in line.split())
report = [f"{word:<20}{count:>8}" for word, count in sorted(counts.items())]
joined = "\n".join(line.replace("A", "aa").lower() for line in report)
print(len(counts), len(joined))
