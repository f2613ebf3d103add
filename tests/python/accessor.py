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
        """The dataset as xarray opens it."""
        try:
            self.ds = xr.open_dataset("climate.nc")
        except (ImportError, ValueError, OSError) as why:
            self.skipTest(f"xarray cannot open the file: {why}")
        self.addCleanup(self.ds.close)

    def test_reductions(self):
        """reductions and chains"""
        array = self.ds.t2m
        found = array.quern.mean("time")
        self.assertEqual((found.dims, found.name), (("lat", "lon"), "t2m"))
        want = quern.run("mean", "climate.nc", dataset="t2m", over="time")
        np.testing.assert_array_equal(found.values, want["mean"])
        found = array.quern.where("t2m > 280").isel(time=slice(0, 4)).groupby("time.month").mean()
        self.assertEqual(found.dims, ("month", "lat", "lon"))
        self.assertEqual(set(array.quern.moments().data_vars) & {"mean", "count"}, {"mean", "count"})

    def test_opened(self):
        """numbers and coordinates are those of xarray"""
        array = self.ds.t2m
        found, lines = array.quern.max("time"), array.quern.mean(["lat", "lon"])
        np.testing.assert_array_equal(found, array.max("time"))
        np.testing.assert_array_equal(found.lat, array.lat)
        np.testing.assert_array_equal(lines.time, array.time)
        part = quern.open("climate.nc").t2m.isel(lat=30, lon=slice(0, 3))
        windows = array.isel(lat=30, lon=slice(0, 3)).astype(float).rolling(time=3, center=True)
        np.testing.assert_allclose(part.rolling(time=3).mean()["mean"], windows.mean(), 1e-12)

    def test_refused(self):
        """what is not as it is in a file"""
        array = self.ds.t2m
        turned = array.assign_coords(lat=np.arange(61.0))
        turned.encoding["source"] = "climate.nc"
        with self.assertRaisesRegex(quern.UsageError, "lat is not in memory as it is in the file"):
            turned.quern.mean("time")
        with self.assertRaisesRegex(quern.UsageError, "has no file"):
            (array + 1).quern.mean()
        part = array[:4].copy()
        with self.assertRaisesRegex(quern.UsageError, "not what is in its file"):
            part.quern.mean()

    def test_changed(self):
        """what memory has is not what is read"""
        array = self.ds.t2m
        for make in (
            lambda: array.isel(lat=slice(None, None, -1)),
            lambda: array.sortby("lat", ascending=False),
            lambda: array.copy(data=np.zeros(array.shape)),
            lambda: array.roll(lon=1),
            lambda: array.shift(time=1),
            lambda: array.load(),
        ):
            changed = make()
            changed.encoding["source"] = "climate.nc"
            with self.assertRaisesRegex(quern.UsageError, "not what is in its file"):
                changed.quern.mean("time")


report.main()
