"""Progress, and what a function that is told of it raises."""

import io
import os
import signal
import sys
import threading
import time
import types
import unittest
from contextlib import redirect_stderr
from unittest import mock

import report

import quern

# Takes a while.
SLOW = {"dataset": "t2m", "threads": 1, "expr": "sin(" * 40 + "t2m" + ")" * 40}


class Told(unittest.TestCase):
    def test_progress(self):
        """progress is told"""
        told = []
        quern.run("mean", "climate.nc", progress=lambda *x: told.append(x), **SLOW)
        self.assertTrue(told and all(done <= total for _, done, total in told))

    def test_raised(self):
        """what is raised there is raised by the run"""

        def raise_it(*_):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            quern.run("mean", "climate.nc", progress=raise_it, **SLOW)

    def test_shown(self):
        """progress in a terminal and in a notebook"""
        with redirect_stderr(io.StringIO()) as shown:
            quern.run("mean", "climate.nc", progress=True, **SLOW)
        self.assertRegex(shown.getvalue(), r"\[#*\.*\] +[0-9.]+% of [0-9.]+ GB.*\r *\r$")

        outputs = []

        class ZMQInteractiveShell:
            pass

        class Output:
            def update(self, html):
                outputs.append(html)

        def display(html, display_id):
            outputs.append(html)
            return Output() if display_id else None

        notebook = types.SimpleNamespace(HTML=str, display=display)
        ipython = types.ModuleType("IPython")
        ipython.get_ipython = ZMQInteractiveShell
        with mock.patch.dict(sys.modules, {"IPython": ipython, "IPython.display": notebook}):
            quern.run("mean", "climate.nc", **SLOW)
        self.assertIn("<progress value=", outputs[0])
        self.assertEqual(outputs[-1], "")

    def test_interrupted(self):
        """Ctrl-C ends a run soon, and the next one works"""
        begin = time.monotonic()
        quern.run("mean", "climate.nc", **SLOW)
        whole = time.monotonic() - begin
        begin = time.monotonic()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with self.assertRaises(KeyboardInterrupt):
            quern.run("mean", "climate.nc", output="none.nc", over="time", **SLOW)
        self.assertLess(time.monotonic() - begin, whole)
        self.assertFalse([name for name in os.listdir() if name.startswith("none.nc")])
        self.assertGreater(quern.run("count", "climate.nc", dataset="t2m")["count"], 0)


report.main()
