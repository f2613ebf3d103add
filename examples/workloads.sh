#!/usr/bin/env bash
#
# workloads.sh - three jobs that people bring to geospatial data, each in one or two commands; `make workloads` runs it.
#
#	fluxes		zonal means of winds and temperature, and covariances along circles of latitude, as eddy fluxes
#			are: of each day
#	index		a normalised difference of two bands by months, from a date on
#	counties	the mean of each county at each time
#
# (A fourth, the climatology of days and hours, is climatology.sh.) They are of generated data (mkclimate). SIZE (1) makes the
# grid that many times as fine along each dimension, TIMES (120) is the number of times. Where Python has xarray the same is
# computed with it (with dask, if that is there), and must be the same: values are float64 of what float32 numbers come to,
# and may be 1e-6 of the largest apart. Then wall seconds and peak memory of both are printed; they are of this machine at
# this time. At last each is done on MORE (10; 1: not) times the data, finer along what the result does not keep, which takes
# no more memory. Of more times a result has more cells: these take memory, or with --memory several sweeps.

set -euo pipefail

: "${BUILDDIR:?}" "${QUERN:?}"
dir=${DIR:-$BUILDDIR/workloads}
size=${SIZE:-1}
times=${TIMES:-120}
more=${MORE:-10}
python=${PYTHON:-python3}
tolerance=1e-6

mkdir -p "$dir"
cd "$dir"

# make_data FILE LONGER WIDER OPTIONS...: at this size, with so many times the times and longitudes.
make_data()
{
	"$BUILDDIR/examples/mkclimate" --quiet --time $((times * $2)) --lat $((size * 36 + 1)) \
		--lon $((size * 72 * $3)) "${@:4}" "$1"
}

has_xarray()
{
	"$python" -c 'import xarray, netCDF4' 2>/dev/null
}

# measure NAME COMMAND...: adds its wall seconds and peak MiB to those of NAME, a line in ./measured. What is printed is
# kept for when it fails.
measure()
{
	local name=$1

	shift
	if [ -x /usr/bin/time ]; then
		/usr/bin/time -a -o measured -f "$name %e %M" "$@" >log 2>&1
	else
		local begin=$EPOCHREALTIME

		"$@" >log 2>&1
		echo "$name $begin $EPOCHREALTIME" | awk '{ print $1, $3 - $2, 0 }' >>measured
	fi || { cat log >&2; exit 1; }
}

# A command of the user, as it would be typed.
quern()
{
	local word

	if [ -z "$again" ]; then
		printf '  $ quern'
		for word; do
			case $word in
			*[!A-Za-z0-9_.,=@/-]*) word="\"$word\"" ;;
			esac
			printf ' %s' "$word"
		done
		echo
	fi
	measure quern "$QUERN" "$@"
}

# compare RESULT VARIABLES: the program on standard input makes `result`, a dataset of these variables and the
# dimensions of the file of quern.
compare()
{
	if [ -n "$again" ] || ! has_xarray; then
		cat >/dev/null
		return 0
	fi
	{
		cat <<-'END'
			import sys, time, warnings
			warnings.simplefilter("ignore")
			import xarray as xr
			try:
			    import dask
			    chunks = {"time": 24}
			    how = "xarray+dask"
			except ImportError:
			    chunks = None
			    how = "xarray"
		END
		cat
		cat <<-'END'
			result.to_netcdf("peer.nc")
			open("how", "w").write(how)
		END
	} >peer.py
	measure peer "$python" peer.py
	"$python" - "$1" "$2" $tolerance <<-'END'
		import sys, numpy as np, xarray as xr
		mine, peer = xr.open_dataset(sys.argv[1]), xr.open_dataset("peer.nc")
		worst = 0
		for name in sys.argv[2].split(","):
		    a, b = mine[name].values, peer[name].transpose(*mine[name].dims).values
		    assert a.shape == b.shape, (name, a.shape, b.shape)
		    assert (np.isnan(a) == np.isnan(b)).all(), name
		    worst = max(worst, float(np.nanmax(abs(a - b)) / np.nanmax(abs(b))))
		assert worst <= float(sys.argv[3]), worst
		print(f"  the same as {open('how').read()}: {worst:.0e} apart, {sys.argv[3]} allowed")
	END
}

# Sums of the times, and the most memory, of quern and its peer.
report()
{
	awk -v again="$again" '{ s[$1] += $2; if ($3 > m[$1]) m[$1] = $3 }
		END { for (n in s) printf "  %-6s %8.2f s %8.0f MiB%s\n", n, s[n], m[n] / 1024, again }' measured | sort -r
	rm -f measured
}

# They make their data so many times as large.
fluxes()
{
	make_data winds.nc 1 "$1" --winds --hours 6
	quern run cov,mean -d u10,t2m,v10 --with v10 --over lon -o zonal.nc winds.nc
	quern run mean -d '*_cov,*_mean' --by 'date(time)' --over time -o fluxes.nc zonal.nc
	compare fluxes.nc u10_cov,t2m_cov,u10_mean,t2m_mean,v10_mean <<-'END'
	d = xr.open_dataset("winds.nc", chunks=chunks)[["u10", "v10", "t2m"]].astype("f8")
	d = d.where(d.notnull().to_array().all("variable"))
	means = d.mean("lon")
	eddies = d - means
	n = d.v10.notnull().sum("lon")
	out = xr.Dataset({name + "_mean": means[name] for name in d})
	for name in "u10", "t2m":
	    out[name + "_cov"] = (eddies[name] * eddies.v10).sum("lon") / (n - 1)
	result = out.resample(time="D").mean().rename(time="date")
	END
}

index()
{
	make_data red.nc "$1" 1 --only t2m --hours 24 --seed 2
	make_data nir.nc "$1" 1 --only t2m --hours 24 --seed 3
	quern run mean -d red=t2m@red.nc -d nir=t2m --expr 'index=(nir - red) / (nir + red)' \
		--where "time >= '1979-01-15'" --by 'month(time)' --over time -o index.nc nir.nc
	compare index.nc index <<-'END'
	red = xr.open_dataset("red.nc", chunks=chunks).t2m
	nir = xr.open_dataset("nir.nc", chunks=chunks).t2m
	index = ((nir - red) / (nir + red)).sel(time=slice("1979-01-15", None))
	index = index.astype("f8").groupby("time.month").mean()
	result = index.rename(month="time").drop_vars("time").to_dataset(name="index")
	END
}

counties()
{
	make_data counties.nc 1 "$1" --only t2m --counties 50
	quern run mean -d t2m --by county --over lat,lon -o means.nc counties.nc
	compare means.nc t2m <<-'END'
	d = xr.open_dataset("counties.nc", chunks=chunks)
	means = d.t2m.astype("f8").groupby(d.county.load()).mean()
	result = means.to_dataset(name="t2m")
	END
}

# run NAME WHAT
run()
{
	again=
	echo "$1: $2"
	"$1" 1
	report
	[ "$more" -gt 1 ] || return 0
	again=", of $more times the data"
	mkdir -p more
	cd more
	"$1" "$more"
	report
	cd ..
}

rm -f measured more/measured
run fluxes "of each day and latitude, covariances along the circle (over n - 1) and means"
run index "of each month and place, from the 15th of January on"
run counties "the mean of each at each time"
rm -rf more
