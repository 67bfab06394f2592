"""Import a good part of the standard library, as programs do at their start, and look at it."""

import importlib
import inspect

NAMES = """
    argparse base64 bisect calendar collections.abc configparser contextlib copy csv dataclasses
    datetime decimal enum fractions functools heapq html.parser ipaddress json.tool keyword
    logging.handlers pathlib pprint random re shlex statistics string textwrap weakref zipfile
"""

modules = {name: importlib.import_module(name) for name in NAMES.split()}
members = {
    (name, key): len(value.__doc__ or "")
    for name, module in modules.items()
    for key, value in vars(module).items()
    if inspect.isclass(value) or inspect.isfunction(value)
}
print(len(modules), len(members) > 400, max(members, key=members.get))
