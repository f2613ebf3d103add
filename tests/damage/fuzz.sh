#!/usr/bin/env bash
# The fuzz targets replay what they begin with, and what once went wrong (damage/fuzz/regress). `make fuzz`
# looks for more.

. "$SRCDIR/tests/lib.sh"
corpus=$(cd "$QUERN_CORPUS" 2>/dev/null && pwd)
export ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1

# small FILES...: those of public files that are small, a hundred at most
small()
{
	find "$@" -type f -size -64k \( -name '*.h5' -o -name '*.nc' \) 2>/dev/null |
		LC_ALL=C sort | head -n 100
}

public=
[ -z "$corpus" ] || public=$(small "$corpus/hdf5" "$corpus/netcdf-c" | tr '\n' ' ')
mkdir seeds
# shellcheck disable=SC2086 # names without spaces
check "seeds are made" "$BUILDDIR/tests/damage/fuzz/seeds" seeds $public
for target in index filter unpack select sums program; do
	regress=$SRCDIR/tests/damage/fuzz/regress/$target
	n=$(ls seeds/$target | wc -l)
	[ ! -d "$regress" ] || n=$((n + $(ls "$regress" | wc -l)))
	check "$target: $n inputs" "$BUILDDIR/tests/damage/fuzz/$target" seeds/$target "$regress"
done
finish
