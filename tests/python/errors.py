"""Errors are exceptions with the library's message, warnings those of Python."""

import gc
import os
import threading
import unittest
import warnings
import weakref

import report

import quern
from quern import _session


class Errors(unittest.TestCase):
    def test_usage(self):
        """wrong options"""
        with self.assertRaisesRegex(quern.UsageError, "nothing_like_it|nothing-like-it") as caught:
            quern.run("mean", "grid.h5", nothing_like_it=1)
        self.assertEqual(caught.exception.status, 2)
        with self.assertRaises(ValueError):
            quern.run("mean", "grid.h5", dataset="t", over="nowhere")
        with self.assertRaisesRegex(quern.UsageError, "no_such_kernel"):
            quern.run("no_such_kernel", "grid.h5", dataset="t")

    def test_data(self):
        """files that are bad or not there"""
        with open("bad.h5", "wb") as file:
            file.write(b"not HDF5")
        with self.assertRaisesRegex(quern.DataError, "bad.h5") as caught:
            quern.run("mean", "bad.h5")
        self.assertEqual(caught.exception.status, 3)
        with self.assertRaisesRegex(quern.DataError, "none.h5"):
            quern.run("mean", "none.h5")
        with self.assertRaisesRegex(quern.Error, "none.h5"):
            quern.open("none.h5")

    def test_denied(self):
        """what is not permitted"""
        os.mkdir("closed")
        os.chmod("closed", 0o500)
        if os.geteuid() == 0:
            self.skipTest("root may do everything")
        with self.assertRaises(quern.DeniedError):
            quern.run("mean", "grid.h5", dataset="t", output="closed/out.json")

    def test_warnings(self):
        """warnings point at the caller's line"""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            quern.run("mean", "grid.h5", dataset="t", select="lat=-30:30")
        self.assertTrue(caught)
        self.assertTrue(issubclass(caught[0].category, quern.QuernWarning))
        self.assertEqual(os.path.basename(caught[0].filename), "errors.py")

    def test_fields(self):
        """fields that are not there"""
        found = quern.run("mean", "grid.h5", dataset="t")
        with self.assertRaisesRegex(KeyError, "there are mean"):
            found["median"]
        with self.assertRaises(AttributeError):
            found.median

    def test_sessions(self):
        """a session that is closed"""
        with quern.Session() as session:
            self.assertGreater(quern.run("count", "grid.h5", dataset="t", comm=session)["count"], 0)
        with self.assertRaises(quern.UsageError):
            quern.run("count", "grid.h5", dataset="t", comm=session)

    def test_threads(self):
        """the session of a thread ends with the thread, and not with a process that was forked"""
        made = []

        def run():
            quern.run("count", "grid.h5", dataset="t", threads=1)
            made.append(weakref.ref(_session.own()))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        gc.collect()
        self.assertIsNone(made[0]())
        run()
        child = os.fork()
        if not child:
            try:
                run()
                os._exit(made[-1]() is made[-2]())
            finally:
                os._exit(2)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        run()
        self.assertIs(made[-1](), made[-2]())


report.main()
