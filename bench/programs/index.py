"""Index documents by their words, and answer questions from the index."""

import random
import re

random.seed(4)
syllables = ["ka", "lo", "mi", "ne", "pu", "ra", "si", "to", "vu", "xe"]
vocabulary = ["".join(random.choice(syllables) for _ in range(random.randint(2, 4))) for _ in range(3_000)]
documents = [" ".join(random.choice(vocabulary) for _ in range(60)) + "." for _ in range(900)]

index = {}
for number, document in enumerate(documents):
    for position, match in enumerate(re.finditer(r"\w+", document)):
        index.setdefault(match.group(), {}).setdefault(number, []).append(position)


def ranked(question):
    scores = {}
    for word in question.split():
        for number, positions in index.get(word, {}).items():
            scores[number] = scores.get(number, 0.0) + len(positions) / len(index[word])
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:10]


answers = [ranked(f"{one} {other}") for one, other in zip(vocabulary[::2], vocabulary[1::2])]
print(len(index), sum(map(len, answers)), answers[0][0][0])
