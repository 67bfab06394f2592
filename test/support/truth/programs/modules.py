"""Modules that were made or imported late, locals of threads, loggers, signals, files, pools of workers that never ran."""

import concurrent.futures
import importlib
import logging
import pathlib
import threading
import types
import urllib.parse

made = []
for number in range(40):
    module = types.ModuleType(f"made_{number}", "a module")
    exec(f"shared = []\ndef use(x):\n    shared.append(x)\n    return shared, {number}\nuse([1])", vars(module))
    made.append(module)
late = [importlib.import_module(name) for name in ("csv", "calendar", "textwrap", "difflib", "statistics")]
local = threading.local()
local.request = {"user": [1, 2]}
locals_ = [threading.local() for _ in range(30)]
for number, one in enumerate(locals_):
    one.number = [number]
locks = [threading.Lock(), threading.RLock(), threading.Condition(), threading.Event()]
logger = logging.getLogger("truth.programs")
logger.addHandler(logging.StreamHandler())
records = [logger.makeRecord("truth", 20, "file", n, "message %s", (n,), None) for n in range(50)]
paths = [pathlib.Path("/tmp") / f"file {n}" for n in range(100)]
for path in paths[:50]:
    str(path), path.parts
urls = [urllib.parse.urlsplit(f"http://host{n}/path?q={n}") for n in range(50)]
file = open("/tmp/of_the_truth", "w+")
file.write("text")
pool = concurrent.futures.ThreadPoolExecutor(2)
futures = [concurrent.futures.Future() for _ in range(20)]
for number, future in enumerate(futures):
    future.set_result([number])
