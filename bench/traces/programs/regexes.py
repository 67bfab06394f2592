"""Regular expressions: words counted, replaced by a function, indexed and wrapped; many long strings come and go."""

import collections
import random
import re
import textwrap

random.seed(1)
LETTERS = "abcdefghij"
words = ["".join(random.choices(LETTERS, k=random.randint(2, 9))) for _ in range(3000)]
text = " ".join(random.choices(words, k=60_000))

counts = collections.Counter(re.findall(r"\b\w+\b", text))
turned = re.sub(r"(\w)(\w+)", lambda match: match[2] + match[1], text)
upper = [word.upper() for word in turned.split()]
places = collections.defaultdict(list)
for place, word in enumerate(upper):
    places[word].append(place)
lines = textwrap.wrap(text, 70)
fields = [re.split(r"[aeiou]+", line) for line in lines]
dates = [re.match(r"(?P<first>\w+) (?P<rest>.*)", line) for line in lines]
print(len(counts), len(turned), len(places), len(lines), len(fields), dates[0]["first"])
