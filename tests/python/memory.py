"""Reductions of arrays in memory find what a run over a file of them finds."""

import json
import unittest

import numpy as np
import report

import quern

N, NY, NX = 7, 11, 13
U = np.random.default_rng(1).normal(280, 9, (N, NY, NX))


def whole(array):
    """The array, as a part of one with a halo."""
    halo = np.full([n + 2 for n in array.shape], np.nan)
    halo[(slice(1, -1),) * array.ndim] = array
    return halo[(slice(1, -1),) * array.ndim]


def reduction(kernel, **options):
    return quern.Reduction(kernel, (NY, NX), ("y", "x"), steps="time", **options)


def text(found):
    return json.dumps(found.document["result"])


class Memory(unittest.TestCase):
    def of_steps(self, kernel, layout=whole, u=U, **options):
        with reduction(kernel, **options) as r:
            for t in range(N):
                r.absorb(t, u=layout(u[t]))
            return r.finish()

    def test_values(self):
        """the values of numpy"""
        found = self.of_steps("moments", over="time", units="K")
        self.assertEqual((found.dims, found.shape), (("y", "x"), (NY, NX)))
        self.assertEqual(found.units["mean"], "K")
        np.testing.assert_allclose(found["mean"], U.mean(0), rtol=1e-15)
        np.testing.assert_array_equal(found["max"], U.max(0))

    def test_layouts(self):
        """the same bytes, however arrays are laid out"""
        want = text(self.of_steps("moments"))
        for name, layout in {
            "whole": np.ascontiguousarray,
            "Fortran": np.asfortranarray,
            "every second": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
            "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
            "other bytes": lambda a: a.astype(">f8"),
            "of records": lambda a: np.rec.fromarrays([a, a.astype("i1")])["f0"],
            "list": lambda a: a.tolist(),
        }.items():
            with self.subTest(name):
                self.assertEqual(text(self.of_steps("moments", layout)), want)
        turns = iter([np.ascontiguousarray, np.asfortranarray, whole] * N)
        self.assertEqual(text(self.of_steps("moments", lambda a: next(turns)(a))), want)

    def test_boxes(self):
        """the same bytes of several boxes, and of one that is empty"""
        want = text(self.of_steps("minmax"))
        boxes = [np.s_[:4, :], np.s_[4:, 5:], np.s_[4:, :5], np.s_[3:3, :]]
        with reduction("minmax", boxes=boxes) as r:
            for t in range(N):
                r.absorb(t, u=[U[t][b] for b in boxes])
            self.assertEqual(text(r.finish()), want)

    def test_masks(self):
        """masked arrays, and masks of their own"""
        there = U > 275
        want = np.ma.masked_array(U, ~there)
        found = self.of_steps("moments", np.ma.asarray, want)
        self.assertEqual((found["count"], found["missing"]), (there.sum(), (~there).sum()))
        self.assertEqual(found["min"], want.min())
        with reduction("moments", mask="land") as r:
            for t in range(N):
                r.absorb(t, u=U[t], land=there[t])
            self.assertEqual(text(r.finish()), text(found))

    def test_types(self):
        """types of numpy, and those that are refused"""
        for dtype in "i1 u1 i2 u2 i4 u4 i8 u8 f4 f8".split():
            with self.subTest(dtype), reduction("sum") as r:
                values = np.arange(NY * NX).reshape(NY, NX) % 100
                r.absorb(0, u=values.astype(dtype))
                self.assertEqual(r.finish()["sum"], values.sum())
        for dtype in ("c16", "f2", "U3"):
            with self.subTest(dtype), reduction("sum") as r:
                with self.assertRaisesRegex(quern.UsageError, "cannot be reduced"):
                    r.absorb(0, u=np.zeros((NY, NX), dtype))

    def test_snapshots(self):
        """results while it goes on"""
        with reduction("mean") as r:
            for t in range(N):
                r.absorb(t, u=U[t])
                np.testing.assert_allclose(float(r.snapshot()), U[: t + 1].mean(), rtol=1e-15)

    def test_once(self):
        """a grid without steps; coordinates, conditions, weights, files"""
        options = {"over": "x", "where": "u > 270", "coords": {"y": np.arange(NY) * 2.5}}
        with quern.Reduction("mean", (NY, NX), ("y", "x"), weights="w", **options) as r:
            r.absorb(u=U[0], w=np.abs(U[1]))
            found = r.finish(output="memory.csv")
        weights = np.abs(U[1]) * (U[0] > 270)
        np.testing.assert_allclose(found["mean"], (U[0] * weights).sum(1) / weights.sum(1), rtol=1e-14)
        np.testing.assert_array_equal(found.coords["y"], np.arange(NY) * 2.5)
        with open("memory.csv") as file:
            self.assertEqual(len([line for line in file if line[0] != "#"]), NY + 1)

    def test_times(self):
        """steps that are times, of the standard calendar and of another"""
        # Of any calendar the 61st day after the first of January is not the same.
        for calendar in ("standard", "360_day"):
            with self.subTest(calendar), reduction(
                "minmax", over="time", step_units="days since 2001-01-01", step_calendar=calendar
            ) as r:
                for t in range(3):
                    r.absorb(58 + t, u=U[t] * 0 - t)
                found = r.finish()["argmin_time"]
                if calendar == "standard":
                    self.assertEqual(found.dtype, "datetime64[ns]")
                    self.assertEqual(found[0, 0], np.datetime64("2001-03-02"))
                    continue
                try:
                    import cftime
                except ImportError:
                    self.assertEqual(found[0, 0][:10], "2001-03-01")
                else:
                    self.assertEqual(found[0, 0], cftime.datetime(2001, 3, 1, calendar="360_day"))

    def test_groups(self):
        """groups of steps"""
        with reduction("mean", by="month(time)", step_units="days since 2001-01-01") as r:
            for t in range(4):
                r.absorb(t * 20, u=U[t])
            found = r.finish()
        np.testing.assert_array_equal(found.coords["month"], [1, 2, 3])
        np.testing.assert_allclose(found["mean"], [U[:2].mean(), U[2].mean(), U[3].mean()], rtol=1e-15)

    def test_errors(self):
        """what is wrong is said, and stays wrong"""
        with self.assertRaisesRegex(quern.UsageError, "2 dimensions need as many names"):
            quern.Reduction("mean", (2, 3), ("x",))
        with reduction("mean", no_such_option=1) as r:
            with self.assertRaisesRegex(quern.UsageError, "no-such-option"):
                r.absorb(0, u=U[0])
        with self.assertRaisesRegex(quern.UsageError, "a box is 2 slices"):
            reduction("mean", boxes=np.s_[0:2])
        with reduction("mean") as r:
            with self.assertRaisesRegex(quern.UsageError, "u: an array of .* boxes are of"):
                r.absorb(0, u=U[0, 1:])
            with self.assertRaisesRegex(quern.UsageError, "u: an array of"):
                r.finish()
        with self.assertRaisesRegex(quern.UsageError, "finished"):
            r.absorb(0, u=U[0])
        for wrong in ({"v": U[0]}, {"u": U[0].astype("f4")}, {}):
            with reduction("mean") as r:
                r.absorb(0, u=U[0])
                with self.assertRaises(quern.UsageError):
                    r.absorb(1, **wrong)
        with reduction("no_such_kernel") as r, self.assertRaisesRegex(quern.UsageError, "no_such_kernel"):
            r.absorb(0, u=U[0])


report.main()
