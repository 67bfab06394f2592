"""Runs one of pyperformance's programs as its own command line would, with its arguments."""

import os
import runpy
import sys

del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
