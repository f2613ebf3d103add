#!/usr/bin/env python3
"""peers.py - the workloads of peers.sh in Python, as their users write them, and a comparison.

    peers.py numpy|dask WORKLOAD FILE OTHER LABELS OUT.npy   computes
    peers.py has numpy|dask                                  is what it needs installed?
    peers.py labels FILE OUT.nc                              a map of 400 regions on FILE's grid
    peers.py same A B TOLERANCE                              are two results the same?

numpy: h5py and numpy in two processes, each of which takes slabs of 64 steps and sends back sums.
dask: xarray on dask's threads, two of them. Results are arrays of float64.
"""

import json
import sys
from multiprocessing import Pool

import h5py
import numpy as np

SLAB = 64       # steps: four chunks of the files of peers.sh
NPROCESSES = 2
EDGES = np.linspace(220, 320, 65)  # of the joint histogram, on both axes


# --- numpy and h5py ------------------------------------------------------------------------------

def valid(dataset, where):
    values = np.array(dataset[where], ndmin=1)
    fill = dataset.attrs.get("_FillValue")
    if fill is not None:
        values[values == fill] = np.nan
    return values


def sums(values, axis):
    return np.array([np.nansum(values, axis=axis, dtype=np.float64),
                     np.sum(~np.isnan(values), axis=axis, dtype=np.float64)])


def months(file, where):
    hours = file["time"][where]
    start = np.datetime64("1979-01-01")
    return (start + hours.astype("timedelta64[h]")).astype("datetime64[M]").astype(int) % 12


def by_month(values, month):
    out = np.zeros((2, 12) + values.shape[1:])
    for m in np.unique(month):
        out[:, m] = sums(values[month == m], 0)
    return out


def by_label(values, label):
    n = int(label.max()) + 1
    out = np.zeros((2, n))
    for step in values:
        there = ~np.isnan(step)
        out[0] += np.bincount(label[there], step[there], n)
        out[1] += np.bincount(label[there], minlength=n)
    return out


def joint_counts(a, b):
    return np.histogram2d(a.ravel(), b.ravel(), bins=(EDGES, EDGES))[0]


def squares(values):
    return np.concatenate([sums(values, 0), sums(values.astype(np.float64) ** 2, 0)[:1]])


def part(task):
    """The sums of one slab."""
    workload, path, other, labels, first = task
    with h5py.File(path) as file, h5py.File(other) as second:
        slab = np.s_[first:first + SLAB]
        values = valid(file["t2m"], slab)
        if workload == "time mean":
            return sums(values, 0)
        if workload == "time std":
            return squares(values)
        if workload == "monthly climatology":
            return by_month(values, months(file, slab))
        if workload == "zonal mean":
            return sums(values, 2)
        if workload == "full mean":
            return sums(values, None)
        if workload == "mean by label":
            with h5py.File(labels) as file_of_labels:
                return by_label(values, file_of_labels["region"][:])
        b = valid(second["t2m"], slab)
        if workload == "joint histogram":
            return joint_counts(values, b)
        return by_month((values - b) / (values + b), months(file, slab)).sum(axis=(2, 3))


def block_median(task):
    """The median over time of some latitudes."""
    path, first, n = task
    with h5py.File(path) as file:
        return np.nanmedian(valid(file["t2m"], np.s_[:, first:first + n]), axis=0)


def with_numpy(workload, path, other, labels):
    with h5py.File(path) as file:
        ntimes, nlat, _ = file["t2m"].shape
        nrows = (file["t2m"].chunks or (1, 16))[1]
        if workload == "full median":
            return np.nanmedian(valid(file["t2m"], np.s_[:]))
    with Pool(NPROCESSES) as pool:
        if workload == "median over time":
            tasks = [(path, i, nrows) for i in range(0, nlat, nrows)]
            return np.concatenate(pool.map(block_median, tasks, 1))
        tasks = [(workload, path, other, labels, i) for i in range(0, ntimes, SLAB)]
        parts = pool.imap(part, tasks)
        if workload == "zonal mean":
            s = np.concatenate(list(parts), axis=1)
        else:
            s = next(parts)
            for p in parts:
                s = s + p
    if workload == "joint histogram":
        return s
    if "month" in workload:
        s = s[:, s[1].reshape(12, -1).any(axis=1)]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = s[0] / s[1]
        if workload == "time std":
            return np.sqrt((s[2] - s[1] * mean ** 2) / (s[1] - 1))
        return mean


# --- xarray and dask -----------------------------------------------------------------------------

def with_dask(workload, path, other, labels):
    import dask
    import xarray

    dask.config.set(scheduler="threads", num_workers=NPROCESSES)
    chunks = {"lat": 91, "lon": 180} if workload == "median over time" else {"time": SLAB}
    x = xarray.open_dataset(path, chunks=chunks)["t2m"]
    if workload == "time mean":
        out = x.mean("time", dtype="f8")
    elif workload == "time std":
        out = x.astype("f8").std("time", ddof=1)
    elif workload == "monthly climatology":
        out = x.groupby("time.month").mean(dtype="f8")
    elif workload == "zonal mean":
        out = x.mean("lon", dtype="f8")
    elif workload == "full mean":
        out = x.mean(dtype="f8")
    elif workload == "median over time":
        out = x.chunk({"time": -1}).median("time")
    elif workload == "index by month":
        b = xarray.open_dataset(other, chunks=chunks)["t2m"]
        out = ((x - b) / (x + b)).groupby("time.month").mean(..., dtype="f8")
    elif workload == "joint histogram":
        import dask.array

        b = xarray.open_dataset(other, chunks=chunks)["t2m"]
        both = dask.array.stack([x.data.ravel(), b.data.ravel()], axis=1)
        counts, _ = dask.array.histogramdd(both.rechunk({1: 2}), bins=(EDGES, EDGES))
        return counts.compute()
    elif workload == "mean by label":
        region = xarray.open_dataset(labels)["region"].load()
        out = x.groupby(region).mean(..., dtype="f8")
    else:
        raise SystemExit("xarray has no " + workload)
    return out.compute().values


# --- Labels, results -----------------------------------------------------------------------------

def make_labels(path, out):
    with h5py.File(path) as file, h5py.File(out, "w") as made:
        nlat, nlon = len(file["lat"]), len(file["lon"])
        row = np.arange(nlat)[:, None] * 20 // nlat
        made["region"] = (row * 20 + np.arange(nlon)[None, :] * 20 // nlon).astype("i4")
        for i, name in enumerate(("lat", "lon")):
            made[name] = file[name][:]
            made[name].make_scale(name)
            made["region"].dims[i].attach_scale(made[name])


def largest(path):
    """The values of the largest variable of doubles or floats that is no coordinate."""
    found = []

    def visit(name, item):
        if not isinstance(item, h5py.Dataset) or item.dtype.kind != "f":
            return
        if item.attrs.get("CLASS") != b"DIMENSION_SCALE" and not name.endswith("_bnds"):
            found.append(item)

    with h5py.File(path) as file:
        file.visititems(visit)
        # The variable itself before what came along.
        return valid(max(found, key=lambda d: (d.name == "/t2m", d.size)), np.s_[...])


def load(path):
    if path.endswith(".npy"):
        values = np.load(path)
    elif path.endswith(".json"):
        with open(path) as file:
            result = json.load(file)["result"]
        values = next(result[k] for k in ("mean", "median", "counts") if k in result)
    elif path.endswith(".txt"):
        values = np.loadtxt(path)
    else:
        values = largest(path)
    return np.squeeze(np.asarray(values, dtype=np.float64)).ravel()


def same(a, b, tolerance):
    x, y = load(a), load(b)
    if x.shape != y.shape:
        print(f"{x.shape} and {y.shape} values")
        return 1
    if (np.isnan(x) != np.isnan(y)).any():
        print("other missing values")
        return 1
    if np.isnan(x).all():
        print("no values")
        return 1
    difference = np.nanmax(np.abs(x - y)) / max(np.nanmax(np.abs(x)), 1e-300)
    print(f"{difference:.1e}")
    return int(not difference <= tolerance)


def main(words):
    if words[:1] == ["has"] and len(words) == 2:
        if words[1] == "dask":
            import dask.array  # noqa: F401
            import xarray      # noqa: F401
        return 0
    if words[:1] == ["labels"] and len(words) == 3:
        return make_labels(*words[1:])
    if words[:1] == ["same"] and len(words) == 4:
        return same(words[1], words[2], float(words[3]))
    if words[:1] in (["numpy"], ["dask"]) and len(words) == 6:
        compute = with_numpy if words[0] == "numpy" else with_dask
        return np.save(words[5], np.asarray(compute(*words[1:5]), dtype=np.float64))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
