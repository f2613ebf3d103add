"""climate - exact reductions of a climate file from Python, cell by cell as in a notebook.

    make demo                                   # writes .build/demo/climate.nc
    python3 climate.py .build/demo/climate.nc

Each reduction is one run over the file, on all cores; nothing is loaded but results. With mpi4py, pass
comm=MPI.COMM_WORLD to quern.open, and start this with mpirun: the results are the same to the last bit, on rank 0.
"""

# %% What is in the file
import sys

import numpy as np

import quern

ds = quern.open(sys.argv[1])
print(ds)

# %% One number: the global mean, weighted by area
mean = ds.t2m.weighted("coslat").mean()
print(f"global mean: {float(mean):.6f} K")

# %% A map: the spread of each place over time, as an array
spread = ds.t2m.std("time")["stddev"]
print(f"spread of places: {spread.shape}, up to {np.nanmax(spread):.3f} K")

# %% The cycle of the year, north and south of the equator
for name, half in (("north", ds.lat > 0), ("south", ds.lat < 0)):
    months = ds.t2m.where(half).weighted("coslat").groupby("time.month").mean(...)
    print(f"{name}:", " ".join(f"{t:.2f}" for t in months["mean"]))

# %% Conditions and expressions: degrees Celsius by classes of rain
edges = [0, 0.1, 1, 5, 20]
celsius = (ds.t2m - 273.15).rename("celsius")
classes = celsius.where(ds.precip.notnull()).groupby_bins(ds.precip, edges, right=False).moments(...)
for low, high, n, t in zip(edges, edges[1:], classes["count"], classes["mean"]):
    print(f"{low:g} to {high:g} mm/day: {n} values, {t:.3f} degrees")

# %% Quantiles, exact, of a part
q = ds.t2m.sel(lat=slice(-30, 30)).quantile([0.01, 0.5, 0.99])
print("tropics:", ", ".join(f"{x:.3f} K" for x in q["values"]))

# %% Two variables: correlation of temperature and rain at each place
together = ds.t2m.corr(ds.precip, "time")
print(together)

# %% With xarray, where it is installed
try:
    print(ds.t2m.groupby("time.month").mean().to_xarray()["mean"].sizes)
except ImportError:
    print("no xarray")
