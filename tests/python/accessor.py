"""The accessor of xarray."""

import unittest

import numpy as np
import report

import quern

try:
    import quern.xarray
    import xarray as xr
except ImportError as missing:
    WHY = str(missing)
else:
    WHY = ""


@unittest.skipIf(WHY, WHY)
class Accessor(unittest.TestCase):
    def setUp(self):
        """The variable as xarray opens it."""
        self.array = xr.DataArray(np.zeros((8, 5, 6)), dims=("time", "lat", "lon"), name="t")
        self.array.encoding["source"] = "grid.h5"

    def test_reductions(self):
        """reductions and chains"""
        found = self.array.quern.mean("time")
        self.assertEqual((found.dims, found.name), (("lat", "lon"), "t"))
        want = quern.run("mean", "grid.h5", dataset="t", over="time")
        np.testing.assert_array_equal(found.values, want["mean"])
        found = self.array.quern.where("t > 3").isel(time=slice(0, 4)).groupby("time.month").mean()
        self.assertEqual(found.dims, ("month", "lat", "lon"))
        self.assertEqual(set(self.array.quern.moments().data_vars) & {"mean", "count"}, {"mean", "count"})

    def test_opened(self):
        """datasets as xarray opens them"""
        try:
            ds = xr.open_dataset("climate.nc")
        except (ImportError, ValueError, OSError) as why:
            self.skipTest(f"xarray cannot open the file: {why}")
        with ds:
            found = ds.t2m.quern.max("time")
            np.testing.assert_array_equal(found, ds.t2m.max("time"))
            np.testing.assert_array_equal(found.lat, ds.lat)
            lines = ds.t2m.quern.mean(["lat", "lon"])
            np.testing.assert_array_equal(lines.time, ds.time)
            part = quern.open("climate.nc").t2m.isel(lat=30, lon=slice(0, 3))
            windows = ds.t2m.isel(lat=30, lon=slice(0, 3)).astype(float).rolling(time=3, center=True)
            np.testing.assert_allclose(part.rolling(time=3).mean()["mean"], windows.mean(), 1e-12)
            with self.assertRaises(quern.UsageError):
                ds.t2m.isel(lat=slice(None, None, -1)).quern.mean("time")

    def test_refused(self):
        """what is not as it is in a file"""
        with self.assertRaisesRegex(quern.UsageError, "has no file"):
            (self.array + 1).quern.mean()
        part = self.array.isel(time=slice(0, 4))
        part.encoding["source"] = "grid.h5"
        with self.assertRaisesRegex(quern.UsageError, "time: 4"):
            part.quern.mean()
        turned = self.array.assign_coords(lat=np.arange(5.0))
        turned.encoding["source"] = "grid.h5"
        with self.assertRaisesRegex(quern.UsageError, "lat is not in memory as it is in the file"):
            turned.quern.mean("time")


report.main()
