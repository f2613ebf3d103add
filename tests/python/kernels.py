"""Kernels in C."""

import os
import unittest

import report

import quern

SOURCE = os.path.join(os.environ["SRCDIR"], "examples", "structure.c")


class Kernels(unittest.TestCase):
    def test_text(self):
        """a kernel of a text is that of its file"""
        with open(SOURCE, encoding="utf-8") as file:
            text = file.read()
        kernel = quern.kernel(text)
        self.assertEqual(kernel, quern.kernel(text))
        want = report.command(SOURCE, "--lag-dim=time", "--lags=1,2", "-dt", "grid.h5")["result"]
        found = quern.run(kernel, "grid.h5", lag_dim="time", lags=[1, 2], dataset="t")
        self.assertEqual(found.document["result"], want)
        lazily = quern.open("grid.h5").t.reduce(kernel, lag_dim="time", lags=[1, 2])
        self.assertEqual(lazily.document["result"], want)

    def test_wrong(self):
        """a kernel that does not compile"""
        with self.assertRaisesRegex(quern.UsageError, "error"):
            quern.run(quern.kernel("int none = nothing;"), "grid.h5", dataset="t")


report.main()
