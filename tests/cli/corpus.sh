#!/usr/bin/env bash
# What quern finds in files of every kind: in generated ones, and in the public files of the HDF5
# and NetCDF projects where they are. See tests/tools/rows.c.

. "$SRCDIR/tests/lib.sh"
rows=$BUILDDIR/tests/tools/rows
corpus=$(cd "$QUERN_CORPUS" 2>/dev/null && pwd)
# One core will do: discovering the machine takes longer than reading a small dataset.
export HWLOC_SYNTHETIC="core:1 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
# No threads of BLAS, which a fork would have to stop, and functions of libraries found once and not
# by every child.
export OPENBLAS_NUM_THREADS=1 LD_BIND_NOW=1
# No MPI, so no slow stack traces are needed with sanitizers (tests/run).
export ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1

# report NAME: the cases in NAME.tap, with the name of the list.
report()
{
	sed "s/^\(not \)\?ok [0-9]* - /&$1: /" "$1.tap"
	grep -q '^1\.\.' "$1.tap" || fail "$1: finished" "tests/tools/rows died"
	grep -q '^not ok' "$1.tap" && tap_failed=$((tap_failed + 1))
}

check "files are generated" "$BUILDDIR/tests/tools/generate" .
"$rows" made.jsonl . >made.tap
report made
if [ -n "$corpus" ]; then
	"$rows" "$corpus/netcdf-c.jsonl" "$corpus/netcdf-c" >netcdf-c.tap &
	"$rows" "$corpus/hdf5.jsonl" "$corpus/hdf5" >hdf5.tap
	wait
	report hdf5
	report netcdf-c
else
	skip "public files" "none in $QUERN_CORPUS (set QUERN_CORPUS)"
fi
finish
