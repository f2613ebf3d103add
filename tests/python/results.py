"""Results are what the command finds, to the last bit."""

import json
import os
import unittest

import numpy as np
import report

import quern
from quern._result import _times

GRID = "grid.h5"


def same(value, array):
    """Is a value of a document, nested lists of numbers, what an array has? Masked and NaN are null."""
    if isinstance(value, list):
        return len(value) == len(array) and all(same(v, a) for v, a in zip(value, array))
    if value is None:
        return array is None or np.ma.getmaskarray(array).all() or bool(np.isnan(array).all())
    if isinstance(array, np.datetime64):
        return array == np.datetime64(value)
    if isinstance(value, str):
        return str(array).replace(" ", "T") == value
    return array == value and isinstance(float(array), float)


class Results(unittest.TestCase):
    def test_far_times(self):
        """times that datetime64 does not have stay texts"""
        dates = np.array(["1979-01-01T06:00:00", ""])
        self.assertEqual(_times(dates).dtype, "datetime64[ns]")
        self.assertTrue(np.isnat(_times(dates)[1]))
        self.assertEqual(_times(dates, "proleptic_gregorian").dtype, "datetime64[ns]")
        for text in ("0001-01-01T00:00:00", "2300-01-01", "2001-02-30"):
            self.assertEqual(_times(np.array(["2000-01-01", text]))[1], text)
        for text in ("2001-02-30T06:00:00.25", "no date"):
            self.assertEqual(str(_times(np.array([text]), "360_day")[0])[:10], text[:10])
    def compare(self, kernel, **options):
        """Every field of a run is that of the command's."""
        found = quern.run(kernel, GRID, **options)
        arguments = [
            f"--{name.rstrip('_').replace('_', '-')}" + ("" if value is True else f"={value}")
            for name, value in options.items()
        ]
        document = report.command(kernel, *arguments, GRID)
        self.assertEqual(
            json.dumps(found.document["result"]), json.dumps(document["result"]), arguments
        )
        for name in found:
            with self.subTest(field=name):
                want = document["result"].get(name)
                if want is None:
                    owner, _, dim = name.rpartition("_")
                    want = document["result"].get(owner + "_coords", {}).get(dim)
                if want is not None:
                    self.assertTrue(same(want, found[name]), f"{name}: {want} {found[name]}")
        return found

    def test_plain(self):
        """moments of everything"""
        found = self.compare("moments", dataset="t")
        self.assertEqual(found.dims, ())
        self.assertIsInstance(found.mean, float)
        self.assertIsInstance(found["count"], int)

    def test_over(self):
        """moments over time: NaN where nothing is"""
        found = self.compare("moments", dataset="t", over="time")
        self.assertEqual((found.dims, found["mean"].shape), (("lat", "lon"), (5, 6)))
        self.assertTrue(np.isnan(found["mean"][1, 2]))
        self.assertEqual(found["count"].dtype, np.int64)
        self.assertEqual(len(found.coords["lat"]), 5)

    def test_places(self):
        """indexes and their coordinates, masked where nothing is"""
        found = self.compare("minmax", dataset="t", over="time")
        self.assertTrue(np.ma.getmaskarray(found["argmin"])[1, 2].all())
        self.assertEqual(found.dims_of("argmin"), ("lat", "lon", "dimension"))
        self.assertIn("argmin_time", found)

    def test_groups(self):
        """groups of months"""
        found = self.compare("mean", dataset="t", by="month(time)")
        self.assertEqual(found.dims, ("month",))

    def test_rows(self):
        """quantiles and histograms: several values a cell"""
        found = self.compare("quantiles", dataset="t", over="time,lat", q="0.1,0.5,0.9")
        self.assertEqual(found.dims_of("values"), ("lon", "q"))
        found = self.compare("histogram", dataset="t", bins=4)
        self.assertEqual(found.dims_of("counts"), ("bin",))

    def test_pairs(self):
        """pairs of groups have keys for coordinates"""
        found = self.compare("mean", dataset="t", by="month(time),lat", pairs=True)
        self.assertEqual(found.dims, ("group",))
        self.assertEqual(sorted(found.coords), ["lat", "month"])
        self.assertEqual(found.coords["lat"].shape, found["mean"].shape)

    def test_kept(self):
        """a result outlives its run and session"""
        with quern.Session() as session:
            found = quern.run("mean", GRID, dataset="t", over="time", comm=session)
        self.assertEqual(found.units, {"mean": "K"})
        self.assertEqual(found["mean"].shape, (5, 6))

    def test_wide(self):
        """sums of integers beyond 64 bits are exact"""
        found = self.compare("sum", dataset="big")
        self.assertIsInstance(int(found["sum"]), int)

    def test_times(self):
        """coordinates that are times are datetime64, of other calendars cftime's or texts"""
        found = quern.run("mean", "climate.nc", dataset="t2m", over="lat,lon")
        self.assertEqual(found.coords["time"].dtype, "datetime64[ns]")
        found = quern.run("mean", GRID, dataset="t", over="lat,lon")
        try:
            import cftime
        except ImportError:
            self.assertEqual(found.coords["time"].dtype.kind, "U")
        else:
            first = cftime.datetime(2001, 1, 1, calendar="noleap")
            self.assertEqual(found.coords["time"][0], first)
            self.assertEqual(found.to_xarray()["time"].values[0], first)

    def test_several(self):
        """several datasets"""
        found = quern.run("mean", GRID, dataset=["t", "n"])
        self.assertEqual(list(found), ["t", "n"])
        document = report.command("mean", "-d", "t,n", GRID)
        self.assertEqual(found["n"].mean, document["result"]["n"]["mean"])

    def test_values(self):
        """values of Python for options"""
        found = quern.run(["min", "max"], GRID, dataset="t", over=["lat", "lon"], nan="keep", raw=False)
        want = report.command("min,max", "-d", "t", "--over", "lat,lon", "--nan", "keep", GRID)
        self.assertEqual(found.document["result"], want["result"])
        found = quern.run("histogram", GRID, dataset="t", bins=3, range=(-1.5, 1e3))
        want = report.command("histogram", "-d", "t", "--bins=3", "--range=-1.5,1000", GRID)
        self.assertEqual(found.document["result"], want["result"])

    def test_output(self):
        """output into a file"""
        found = quern.run("mean", GRID, dataset="t", over="time", output="mean.nc")
        self.assertEqual(list(found), [])
        self.assertGreater(os.path.getsize("mean.nc"), 0)
        quern.run("mean", GRID, dataset="t", over="time", output="mean.json", force=True)
        with open("mean.json", encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["result"]["mean"]), 5)

    def test_shown(self):
        """what is shown in terminals and notebooks"""
        found = quern.run("moments", GRID, dataset="t", over="time")
        self.assertIn("mean", repr(found))
        self.assertIn("<table>", found._repr_html_())
        self.assertIn("mean", dir(found))

    def test_numbers(self):
        """the only field as a number and as an array"""
        found = quern.run("mean", GRID, dataset="t")
        self.assertEqual(float(found), found.mean)
        over = quern.run("mean", GRID, dataset="t", over="time")
        self.assertEqual(np.asarray(over).shape, (5, 6))
        with self.assertRaises(ValueError):
            float(quern.run("moments", GRID, dataset="t"))

    def test_xarray(self):
        """as a Dataset of xarray"""
        try:
            import xarray  # noqa: F401
        except ImportError:
            self.skipTest("no xarray")
        found = quern.run("moments,quantiles", GRID, dataset="t", over="time").to_xarray()
        self.assertEqual(found["mean"].dims, ("lat", "lon"))
        self.assertEqual(found["values"].dims, ("lat", "lon", "q"))
        self.assertEqual(found["lat"].size, 5)
        both = quern.run("mean", GRID, dataset="t,n", over="time").to_xarray()
        self.assertEqual(sorted(both.data_vars), ["n_mean", "t_mean"])

    def test_documents(self):
        """documents of kernels, information, files and plans"""
        self.assertTrue(any(k["name"] == "mean" for k in quern.kernels()["kernels"]))
        self.assertEqual(quern.info()["quern"], quern.__version__)
        rows = quern.inspect(GRID, dataset="t")["datasets"]
        self.assertEqual([row["shape"] for row in rows], [[8, 5, 6]])
        self.assertGreater(quern.plan("mean", GRID, dataset="t")["plan"]["items"], 0)


report.main()
