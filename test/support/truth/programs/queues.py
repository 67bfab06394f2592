"""Queues: deques over several blocks, a heap, a queue with its locks, a bounded deque that turned round."""

import collections
import heapq
import queue


class Job:
    def __init__(self, number):
        self.number = number

    def __lt__(self, other):
        return self.number < other.number


jobs = collections.deque(Job(n) for n in range(700))
for _ in range(150):
    jobs.rotate(3)
    jobs.popleft()
recent = collections.deque(maxlen=100)
for n in range(1000):
    recent.append((n, jobs[n % len(jobs)]))
heap = []
for n in range(300):
    heapq.heappush(heap, (n * 7919 % 1000, n, Job(n)))
waiting = queue.PriorityQueue()
for n in range(50):
    waiting.put(Job(50 - n))
stack = queue.LifoQueue()
stack.put(waiting)
running = iter(recent)
next(running)
nested = collections.deque()
nested.append(nested)
