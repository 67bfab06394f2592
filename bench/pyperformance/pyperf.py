"""
Stands in for pyperf, which pyperformance's programs measure themselves with: as much of it as they use. The clock, and
how often a piece of work is done, are the bench's.
"""

import argparse

from bench import cpu_seconds as perf_counter
from bench import measure


def python_implementation():
    return "cpython"


class Runner:
    def __init__(self, **options):
        self.argparser = argparse.ArgumentParser()
        self.args = None
        self.metadata = {}

    def parse_args(self, args=None):
        self.args = self.argparser.parse_args(args)
        return self.args

    def bench_time_func(self, name, time_func, *args, **options):
        """The program does its work so often, and says how long the part that counts took."""
        measure(name, lambda loops: time_func(loops, *args))

    def bench_func(self, name, func, *args, **options):
        def time_func(loops):
            began = perf_counter()
            for _ in range(loops):
                func(*args)
            return perf_counter() - began

        measure(name, time_func)

    def bench_async_func(self, name, func, *args, **options):
        """Only for what waits for nothing: there is no loop of events."""

        def finish():
            try:
                func(*args).send(None)
            except StopIteration:
                return
            raise RuntimeError(f"{name} waits for something")

        self.bench_func(name, finish)
