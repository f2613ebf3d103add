#!/usr/bin/env bash
#
# climatology.sh - for each point, day of the year and hour the mean of all years, smooth over 61 days with the weights of
# a triangle: what forecasts of weather are compared with. One command, on data that mkclimate makes.
#
#	climatology.sh [YEARS [LAT [LON]]]
#
# QUERN and BUILDDIR are as `make demo` has them: the command, and where examples/mkclimate was built. Where Python has xarray
# it computes the same, and the largest difference is printed. Then the same of ten times as many years: a rank needs no more
# memory.

set -euo pipefail

: "${BUILDDIR:?}" "${QUERN:?}"
years=${1:-4}
lat=${2:-16}
lon=${3:-32}
tolerance=1e-9 # relative: sums of xarray are rounded at each step
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# make_data FILE YEARS
make_data()
{
	"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time $(($2 * 1461)) --lat "$lat" --lon "$lon" "$1"
}

# smooth FILE OUT
smooth()
{
	"$QUERN" run mean --over time --by 'dayofyear(time),hour(time)' --rolling dayofyear=61,weights=triangle \
		-d t2m --stats --threads 1 -o "$2" "$1" 2>"$dir/stats"
	sed -n 's/.*seconds: total \([^ ]*\) .*/  quern: \1 s/p' "$dir/stats"
	sed -n 's/.*peak memory \([^,]*\) of .*/  peak memory of the rank: \1/p' "$dir/stats"
}

# with_xarray FILE: the same in xarray, and how far from the result.
with_xarray()
{
	python3 - "$1" "$dir/smooth.nc" "$tolerance" <<'END'
import sys
import time
import numpy as np
import xarray as xr

begin = time.perf_counter()
t2m = xr.open_dataset(sys.argv[1]).t2m.astype("f8")
weights = xr.DataArray(31 - abs(np.arange(-30, 31)), dims="window")
all_days = np.unique(t2m.time.dt.dayofyear)
hours = []
for hour, x in t2m.groupby("time.hour"):
    days = x.groupby("time.dayofyear")
    parts = [p.reindex(dayofyear=all_days, fill_value=0).pad(dayofyear=30, mode="wrap").rolling(dayofyear=61, center=True).construct("window")
             .isel(dayofyear=slice(30, -30)).dot(weights) for p in (days.sum(), days.count())]
    hours.append(parts[0] / parts[1])
mine = np.stack([h.transpose("dayofyear", "lat", "lon").values for h in hours], 1)
seconds = time.perf_counter() - begin
with xr.open_dataset(sys.argv[2], decode_times=False) as f:
    theirs = f["t2m"].values
assert mine.shape == theirs.shape and (np.isnan(mine) == np.isnan(theirs)).all()
worst = float(np.nanmax(abs(mine / theirs - 1)))
print(f"  xarray: {seconds:.1f} s; the largest relative difference of {mine.size} values is {worst:.1e},"
      f" where {sys.argv[3]} is allowed")
sys.exit(worst > float(sys.argv[3]))
END
}

make_data "$dir/years.nc" "$years"
echo "$years years:"
smooth "$dir/years.nc" "$dir/smooth.nc"
if python3 -c 'import xarray' 2>/dev/null; then
	with_xarray "$dir/years.nc"
else
	echo "  xarray is not installed: nothing to compare with"
fi
make_data "$dir/decades.nc" $((years * 10))
echo "$((years * 10)) years:"
smooth "$dir/decades.nc" "$dir/decades-smooth.nc"
