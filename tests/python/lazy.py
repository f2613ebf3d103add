"""Methods of xarray, as the runs that they are."""

import datetime
import shutil
import unittest

import numpy as np
import report

import quern


class Lazy(unittest.TestCase):
    def setUp(self):
        self.ds = quern.open("grid.h5")

    def same(self, found, kernel, *arguments):
        """A result is that of a command."""
        want = report.command(kernel, *arguments, "grid.h5")["result"]
        self.assertEqual(found.document["result"], want)

    def test_open(self):
        """variables and coordinates"""
        self.assertIn("/t", self.ds.variables)
        self.assertIn("/lat", self.ds.coords)
        self.assertEqual(self.ds.t.dims, ("time", "lat", "lon"))
        self.assertEqual(self.ds.sizes["lat"], 5)
        self.assertIn("/t (time, lat, lon)", repr(self.ds))
        self.assertIn("t", dir(self.ds))
        self.assertTrue("t" in self.ds and "/lat" in self.ds and "none" not in self.ds)
        self.assertEqual([f"/{name}" for name in self.ds], self.ds.variables)
        self.assertEqual(len(self.ds), len(self.ds.variables))
        with self.assertRaisesRegex(KeyError, "/t"):
            self.ds["none"]

    def test_reductions(self):
        """reductions"""
        t = self.ds.t
        self.same(t.mean("time"), "mean", "-d/t", "--over=time")
        self.same(t.mean(), "mean", "-d/t")
        self.same(t.mean(["lat", "lon"]), "mean", "-d/t", "--over=lat,lon")
        self.same(t.mean(["time", "lat", "lon"]), "mean", "-d/t")
        self.same(t.sum(), "sum", "-d/t", "--fields=sum")
        self.same(t.std("time"), "std", "-d/t", "--over=time")
        self.same(t.median("time"), "median", "-d/t", "--over=time")
        self.same(t.quantile([0.1, 0.9], "time"), "quantiles", "-d/t", "--q=0.1,0.9", "--over=time", "--fields=q,values")
        self.same(t.argmin("time"), "minmax", "-d/t", "--fields=argmin", "--over=time")
        self.same(t.histogram(bins=3), "histogram", "-d/t", "--bins=3")
        self.same(t.trend(), "trend", "-d/t", "--against=time", "--over=time")
        self.assertIsInstance(int(t.count()), int)
        self.assertEqual(float(t.quantile(0.5)), float(t.median()))
        self.assertEqual(t.quantile([0.1, 0.9], "time").dims_of("values"), ("lat", "lon", "q"))

    def test_parts(self):
        """parts by values and by indexes"""
        t = self.ds.t
        self.same(t.isel(time=slice(0, 4), lat=1).mean(), "mean", "-d/t", "-s", "time=0:4,lat=1")
        found = t.isel(lat=1, time=[0, 2]).mean("time")
        self.same(found, "mean", "-d/t", "-s", "lat=1,time=0+2", "--over=time,lat")
        lat = [float(x) for x in t.mean(["time", "lon"]).coords["lat"]]
        self.same(t.sel(lat=lat[1]).mean(), "mean", "-d/t", "-s", f"lat={lat[1]}")
        found = t.sel(lat=slice(int(min(lat)), max(lat))).mean()
        self.same(found, "mean", "-d/t", "-s", f"lat={min(lat)}:{max(lat)}")
        times = t.mean(["lat", "lon"]).coords["time"]
        first = str(times[0])[:10]
        for day in (first, datetime.date.fromisoformat(first), np.datetime64(first), times[0]):
            self.same(t.sel(time=slice(day, None)).max(), "max", "-d/t", "-s", f"time={first}:")
        self.same(t.sel(time=times[1]).max(), "max", "-d/t", "-s", "time=1")
        year = first[:4]
        self.same(t.sel(time=year).max(), "max", "-d/t", "-s", f"time={year}-01:{year}-12")
        with self.assertRaises(quern.UsageError):
            t.isel(time=0).isel(time=0)

    def test_one(self):
        """one time, as it may be written"""
        t = quern.open("climate.nc").t2m
        time = datetime.datetime(1979, 1, 2)
        stamp = np.datetime64(time)
        for one in (time, time.date(), stamp, stamp.astype("M8[ns]"), np.array(stamp)):
            part = t.sel(time=one)
            self.assertEqual(part.mean("lat").dims, ("lon",))
            self.assertEqual(float(part.mean()), float(t.isel(time=4).mean()))
        self.assertEqual(float(t.isel(time=np.array(4)).mean()), float(t.isel(time=4).mean()))
        self.assertEqual(t.sel(time="1979-01-02").mean("lat").shape, (4, 120))
        self.same_text("'1979-01-02T00:00:00'", np.array(stamp))
        zoned = time.replace(tzinfo=datetime.timezone.utc)
        for wrong in (zoned, np.datetime64("NaT"), np.datetime64("1979-01-02T00:00:00.000000001")):
            with self.assertRaises(ValueError):
                t.sel(time=wrong)

    def same_text(self, want, value):
        """A value in an expression."""
        self.assertEqual((self.ds.time > value).text, f"time > {want}")

    def test_lists(self):
        """lists, in the order of the file"""
        t = self.ds.t
        for wrong in ([5, 0], [0, 0, 1], [-1, 0], [True, False], np.array([True, False]), True):
            with self.assertRaises(quern.UsageError):
                t.isel(time=wrong)
        with self.assertRaises(TypeError):
            t.isel(time=1.5)
        for wrong in ([1, 0, 2], [1, 1], ["1979-01-02", "1979-01-02"], ["1979", 3]):
            with self.assertRaises(quern.UsageError):
                t.sel(time=wrong)
        self.same(t.isel(time=np.array([0, 2])).mean(), "mean", "-d/t", "-stime=0+2")
        self.assertEqual(t.isel(time=[-2, -1]).mean(["lat", "lon"]).shape, (2,))

    def test_expressions(self):
        """operators make expressions"""
        t, n = self.ds.t, self.ds.n
        self.same((t**2 + n * 2).mean("time"), "mean", "-d/t", "--expr=(t ** 2) + (n * 2)", "--over=time")
        self.same((273.15 - t).max(), "max", "-d/t", "--expr=273.15 - t")
        self.same(np.sqrt(abs(t)).mean(), "mean", "-d/t", "--expr=sqrt((abs(t)))")
        self.same((np.float64(2) * t).mean(), "mean", "-d/t", "--expr=2.0 * t")
        self.same((-t).rename("minus").min(), "min", "-d/t", "--expr=minus=-t")
        self.same(t.fillna(0).mean(), "mean", "-d/t", "--expr=where(missing(t), 0, t)")
        self.same((t > 3).sum(), "sum", "-d/t", "--expr=t > 3", "--fields=sum")
        self.same(t.clip(0, 5).mean(), "mean", "-d/t", "--expr=clip(t, 0, 5)")
        with self.assertRaises(TypeError):
            bool(t > 3)
        with self.assertRaises(ValueError):
            t + float("nan")

    def test_conditions(self):
        """conditions"""
        t, lat, time = self.ds.t, self.ds.lat, self.ds.time
        self.same(t.where("t > 3").mean(), "mean", "-d/t", "--where=t > 3")
        self.same(t.where(t > 3).mean("time"), "mean", "-d/t", "--where=t > 3", "--over=time")
        self.same(
            t.where((lat > 0) & ~(t < 3)).where(time.dt.month == 1).count(),
            "count", "-d/t", "--fields=count", "--where=((lat > 0) && (!(t < 3))) && ((month(time)) == 1)",
        )  # fmt: skip
        self.same(t.where(time >= "1970").max(), "max", "-d/t", "--where=time >= '1970'")
        self.same(t.where(t > 3, 0).mean(), "mean", "-d/t", "--expr=where((t > 3), t, 0)")

    def test_groups(self):
        """groups"""
        t = self.ds.t
        self.same(t.groupby("time.month").mean(), "mean", "-d/t", "--by=month(time)", "--over=time")
        self.same(t.groupby("time.month").mean(...), "mean", "-d/t", "--by=month(time)")
        self.same(t.groupby("lat").max(), "max", "-d/t", "--by=lat", "--over=lat")
        self.same(t.groupby("time.hour", "lat").mean(...), "mean", "-d/t", "--by=hour(time),lat")
        self.same(
            t.groupby((t > 3).rename("warm")).count(), "count", "-d/t", "--fields=count", "--by=warm=t > 3"
        )
        self.same(
            t.groupby_bins("lat", [-90, 0, 90], right=False).mean(...), "mean", "-d/t", "--by=bin(lat, [-90.0, 0.0, 90.0])"
        )
        self.same(t.resample(time="1D").mean(), "mean", "-d/t", "--by=window(time, '1d')", "--over=time")
        self.same(t.resample(time="MS").mean(), "mean", "-d/t", "--by=yearmonth(time)", "--over=time")
        for period in ("2MS", "1M5", "W", "ms", "m", ""):
            with self.assertRaises(quern.UsageError):
                t.resample(time=period)
        with self.assertRaisesRegex(quern.UsageError, "right=False"):
            t.groupby_bins("lat", [-90, 0, 90])

    def test_windows_and_weights(self):
        """windows and weights"""
        t = self.ds.t
        self.same(
            t.rolling(time=3).mean("lon"), "mean", "-d/t", "--over=lon", "--rolling=time=3"
        )
        self.same(t.weighted("coslat").mean(), "mean", "-d/t", "--weights=coslat")
        self.same(t.weighted(self.ds.lat + 90).mean(), "mean", "-d/t", "--weights=(lat + 90)")
        found = t.isel(lat=0).rolling(time=3).mean()
        self.assertEqual(found.dims, ("time", "lon"))
        self.same(
            found, "mean", "-d/t", "--stack=file", "--over=file,lat", "-slat=0", "--rolling=time=3"
        )
        with self.assertRaises(quern.UsageError):
            quern.open(["part_0.h5", "part_1.h5"]).x.rolling(time=3).mean()

    def test_pairs(self):
        """two variables"""
        t, n = self.ds.t, self.ds.n
        self.same(t.corr(n, "time"), "corr", "-d/t", "--with=n", "--over=time", "--fields=corr")
        self.same(t.cov(n), "cov", "-d/t", "--with=n", "--fields=cov")
        self.same(t.regress(n * 2), "regress", "-d/t", "--with=(n * 2)")

    def test_other_files(self):
        """an expression with a variable of another file"""
        turned = quern.open("turned.h5")
        found = (self.ds.t - turned.turned).max()
        self.same(found, "max", "-d/t,other=/turned@'turned.h5'", "--expr=t - other")
        with self.assertRaisesRegex(quern.UsageError, "another file"):
            self.ds.t - turned.turned.where("turned > 3")
        with self.assertRaisesRegex(quern.UsageError, "another file"):
            self.ds.t.groupby(turned.turned > 3)
        with self.assertRaisesRegex(quern.UsageError, "options"):
            self.ds.t - quern.open("turned.h5", nan="keep").turned

    def test_several_files(self):
        """variables of one name of several other files"""
        for n in (1, 2):
            shutil.copy("grid.h5", f"same_{n}.h5")
        t, a, b = (quern.open(f).t for f in ("grid.h5", "same_1.h5", "same_2.h5"))
        found = ((t - a) * (t - b - 1)).sum()
        self.assertEqual(len(set(found.input["dataset"].split(","))), 1)
        self.same(
            ((t * a) - (t + b)).mean("time"), "mean", "-d/t,a=/t@'same_1.h5',b=/t@'same_2.h5'",
            "--expr=(t * a) - (t + b)", "--over=time",
        )  # fmt: skip
        self.assertNotEqual((t - a).text, (t - b).text)

    def test_not_meant(self):
        """what is given to a part of an expression and can only be of the whole"""
        t, n, lat = self.ds.t, self.ds.n, self.ds.lat
        for make in (
            lambda: t - t.isel(time=0),
            lambda: t.isel(time=0) - t,
            lambda: t.where(t.isel(time=0) > 3),
            lambda: t.corr(n.isel(time=0)),
            lambda: t.groupby(n.isel(time=0) > 3),
            lambda: t - n.weighted("coslat"),
            lambda: t.weighted("coslat") - n,
            lambda: t - n.groupby("time.month"),
            lambda: t - n.rolling(time=3),
            lambda: t - n.options(threads=1),
        ):
            with self.assertRaises(quern.UsageError):
                make()
        part = self.ds.isel(time=slice(0, 4))
        self.same((part.t - part.n).max(), "max", "-d/t", "--expr=t - n", "-stime=0:4")
        self.same(part.t.where(lat > 0).max(), "max", "-d/t", "--where=lat > 0", "-stime=0:4")
        self.same(t.where(part.lat > 0).max(), "max", "-d/t", "--where=lat > 0")
        self.same((part.lat * t).max(), "max", "-d/t", "--expr=lat * t")
        self.same((t.weighted("coslat") * 2).mean(), "mean", "-d/t", "--expr=t * 2", "--weights=coslat")

    def test_types(self):
        """what no expression has"""
        t = self.ds.t
        for make in (
            lambda: t.fillna(None),
            lambda: t.clip(0, [1]),
            lambda: t.where(t > 3, [1]),
            lambda: t == [1, 2],
            lambda: t != None,  # noqa: E711
            lambda: t + [1],
        ):
            with self.assertRaises(TypeError):
                make()
        self.same(t.clip(None, 5).mean(), "mean", "-d/t", "--expr=min(t, 5)")
        self.same(t.clip(1).mean(), "mean", "-d/t", "--expr=max(t, 1)")

    def test_missing(self):
        """elements without a value are NaN to functions of numpy"""
        rain = quern.open("climate.nc").precip
        none = int(rain.isnull().sum())
        self.assertGreater(none, 0)
        self.assertEqual(int(np.isnan(rain).sum()), none)
        self.assertEqual(int(np.isfinite(rain).sum()), int(rain.count()))
        self.assertEqual(int(rain.fillna(-1).where(np.isnan(rain)).count()), none)
        self.assertEqual(int(np.fmax(rain, 0).count()), int(rain.count()) + none)
        self.assertEqual(int(np.maximum(rain, 0).count()), int(rain.count()))

    def test_datasets(self):
        """all variables at once"""
        found = self.ds[["t", "n"]].mean("time")
        self.assertEqual(sorted(found), ["n", "t"])
        self.assertEqual(found["t"].document["result"]["t"], self.ds.t.mean("time").document["result"])
        one = self.ds[["t"]].isel(time=0).max()
        self.assertEqual(float(one["t"]), float(self.ds.t.isel(time=0).max()))

    def test_ensembles(self):
        """files on top of each other"""
        found = quern.open(["part_0.h5", "part_1.h5"])
        name = found.variables[0].lstrip("/")
        self.assertEqual(found.files, ["part_0.h5", "part_1.h5"])
        self.assertIn(name, dir(found))


report.main()
