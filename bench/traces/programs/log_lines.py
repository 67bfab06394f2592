"""Take the lines of a log apart with regular expressions, and report what is in them."""

import re
from collections import Counter, defaultdict

LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>[\d:.]+) (?P<level>[A-Z]+) +\[(?P<source>[\w.]+)\] (?P<text>.*)"
)
PAIR = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")
LEVELS = ["INFO", "INFO", "INFO", "DEBUG", "WARNING", "ERROR"]


def lines(count):
    """Lines as a server writes them; some of them are broken."""
    for n in range(count):
        level = LEVELS[n * 7 % len(LEVELS)]
        when = f"2024-03-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:{n * 13 % 60:02}.{n % 1000:03}"
        text = f'user=u{n * 31 % 401} path="/shop/{n % 53}/item {n % 11}" ms={n * n % 977}'
        yield f"{when} {level:<7} [shop.part{n % 9}] request {text}" if n % 97 else f"!! {n}"


counts = Counter()
slowest = defaultdict(list)
words = Counter()
broken = []
for line in lines(6_000):
    found = LINE.fullmatch(line)
    if found is None:
        broken.append(line.split())
        continue
    fields = found.groupdict()
    pairs = {key: value.strip('"') for key, value in PAIR.findall(fields["text"])}
    counts[fields["level"], fields["source"]] += 1
    slowest[pairs["user"]].append((int(pairs["ms"]), pairs["path"], fields["day"]))
    words.update(re.sub(r"[^a-z]+", " ", line.lower()).split())
best = {user: sorted(visits, reverse=True)[:3] for user, visits in slowest.items()}
report = "\n".join(f"{level:8} {source:12} {n:6}" for (level, source), n in counts.most_common())
print(len(broken), len(report), best["u7"][0], words.most_common(2))
