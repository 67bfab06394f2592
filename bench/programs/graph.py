"""Find shortest ways through a graph of towns, with a heap of candidates."""

import heapq
import random

random.seed(3)
towns = [f"town {number}" for number in range(4_000)]
roads = {town: [] for town in towns}
for town in towns:
    for _ in range(4):
        other = random.choice(towns)
        length = random.randint(1, 100)
        roads[town].append((other, length))
        roads[other].append((town, length))


def ways_from(start):
    best = {start: (0, None)}
    candidates = [(0, start)]
    while candidates:
        distance, town = heapq.heappop(candidates)
        if distance > best[town][0]:
            continue
        for other, length in roads[town]:
            candidate = distance + length
            if other not in best or candidate < best[other][0]:
                best[other] = (candidate, town)
                heapq.heappush(candidates, (candidate, other))
    return best


def way_to(best, town):
    way = []
    while town is not None:
        way.append(town)
        town = best[town][1]
    return tuple(reversed(way))


longest = 0
for start in towns[:6]:
    best = ways_from(start)
    ways = {town: way_to(best, town) for town in towns}
    longest = max(longest, max(len(way) for way in ways.values()))
print(len(best), longest)
