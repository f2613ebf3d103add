"""Prints the seconds of the import and of two runs of a small file, the least of five processes."""

import subprocess
import sys

ONCE = """
from time import perf_counter as now
begin = now()
import quern
imported = now()
float(quern.run("mean", "grid.h5", dataset="t"))
first = now()
float(quern.run("mean", "grid.h5", dataset="t"))
print(imported - begin, first - imported, now() - first)
"""

times = [
    [float(t) for t in subprocess.check_output([sys.executable, "-c", ONCE]).split()] for _ in range(5)
]
imported, first, second = min(times, key=lambda t: t[0] + t[1])
print(f"{imported:.3f} + {first:.3f} s, another run {second:.4f} s")
