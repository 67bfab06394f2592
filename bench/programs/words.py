"""Count words and pairs of words of a text."""

from collections import Counter, defaultdict

text = " ".join(f"w{number * number % 7919}" for number in range(60_000))
counts = Counter()
pairs = defaultdict(int)
for _ in range(2):
    words = text.split()
    for word in words:
        counts[word] += 1
    for one, other in zip(words, words[1:]):
        pairs[one, other] += 1
by_length = {}
for word, count in counts.items():
    by_length.setdefault(len(word), []).append((count, word.title()))
print(counts.most_common(2), len(pairs), sorted(len(words) for words in by_length.values()))
