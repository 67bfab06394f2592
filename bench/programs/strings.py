"""Take a text apart into words, count and change them, and put it together again."""

import collections

stems = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
words = [f"{first}-{second}{n}" for first in stems for second in stems for n in range(40)]
text = "\n".join(" ".join(words[start::37]) for start in range(37)) + "\n"
text *= 12

counts = collections.Counter()
lines = []
for line in text.splitlines():
    parts = [word.strip("-").upper() for word in line.split(" ")]
    counts.update(parts)
    lines.append("|".join(f"{index:>4}:{word:<16}" for index, word in enumerate(parts)))
changed = [line.replace("ALPHA", "a").replace(" ", "").lower() for line in lines]
pieces = [piece.partition(":") for line in changed for piece in line.split("|")]
report = "\n".join(f"{word} {count}" for word, count in sorted(counts.items()))
print(len(pieces), len(report), max(len(line) for line in changed))
