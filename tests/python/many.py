"""Many runs of one process leave nothing behind; threads run at once."""

import gc
import os
import threading
import unittest

import numpy as np
import report

import quern

MANY = 1000


def held():
    """Descriptors, threads and children of this process."""
    children = "/proc/self/task/{0}/children".format(os.getpid())
    with open(children) as file:
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task")), len(file.read().split())


def resident():
    """Its memory, KiB."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def reduced():
    with quern.Reduction("moments", (40, 50), ("y", "x"), steps="time") as r:
        for t in range(2):
            r.absorb(t, u=np.full((40, 50), 1.5))
        return r.finish()["count"]


class Many(unittest.TestCase):
    def grows(self, once):
        for _ in range(50):
            once()
        gc.collect()
        before, memory = held(), resident()
        for _ in range(MANY):
            once()
        gc.collect()
        self.assertEqual(held(), before)
        self.assertLess(resident() - memory, 1000)

    def test_runs(self):
        """a thousand runs leave no memory, descriptors, threads or children"""
        self.grows(lambda: float(quern.run("mean", "grid.h5", dataset="t", threads=2)))

    def test_reductions(self):
        """a thousand reductions in memory leave none either"""
        self.grows(reduced)

    def test_threads(self):
        """eight threads have a run each"""
        options = {"dataset": "t", "over": "time", "threads": 1}
        want = quern.run("moments", "grid.h5", **options).document["result"]
        found = []

        def work():
            for _ in range(20):
                found.append(quern.run("moments", "grid.h5", **options).document["result"])

        before = held()
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gc.collect()
        self.assertEqual(found, [want] * 160)
        self.assertEqual(held(), before)


report.main()
