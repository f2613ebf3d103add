#!/usr/bin/env bash
# The modules for Fortran as they are installed: what they find is what the command finds.

. "$SRCDIR/tests/cli/lib.sh"

[ -z "$SAN" ] || skip_all "a build with sanitizers is not installed"
[ "$FC" != no ] || skip_all "there is no Fortran compiler"
command -v pkg-config >/dev/null || skip_all "there is no pkg-config"

image=$PWD/image
check "make install" "$MAKE" -C "$(dirname "$BUILDDIR")" -s install DESTDIR="$image" prefix=/usr
pc=$(dirname "$(find "$image" -name quern-fortran.pc)")
export PKG_CONFIG_PATH=$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} PKG_CONFIG_SYSROOT_DIR=
export LD_LIBRARY_PATH=$pc/..
# What is installed is moved as a whole: its directories begin with $image.
sed -i "s|=/usr|=$image/usr|" "$pc"/*.pc

# compile SOURCE PROGRAM [FLAG...]: by MPI's wrapper, for this compiler.
compile()
{
	local source=$1 program=$2

	shift 2
	# shellcheck disable=SC2046 # flags are words
	check "${source##*/} compiles" env OMPI_FC="$FC" MPICH_FC="$FC" "$MPIFC" -Wall -Werror "$SRCDIR/$source" \
		-o "$program" "$@" $(pkg-config --cflags --libs quern-fortran)
}

generate cf.nc
"$BUILDDIR/tests/tools/grid" . || exit 1
compile tests/fortran/results.f90 results -std=f2008

# finds N FIELD KERNEL DATASET OVER FILE [DIM]: on N ranks; DIM is what a cell has several of.
finds()
{
	local n=$1 field=$2 want

	shift 2
	quern run "$1" -d "$2" ${3:+--over "$3"} "$4" --json
	want=$(jq -cS .result out)
	# Dimensions of Fortran begin with the last one.
	jq -c "[(.result.$field | flatten[]), (([\"${5-}\"] - [\"\"]) + ((.result.dims // []) | reverse))[],
		((.result.$field | [while(type == \"array\"; .[0]) | length]) | reverse)[],
		(.result | (.coords // {})[(.dims // [])[0] // \"\"] // [])[]]" out >values
	rm -f results.csv
	timeout "$hang" $MPIRUN -n "$n" ./results "$1" "$2" "$3" "$field" "$4" >got 2>err
	is "$n ranks: $1 of $2${3:+ over $3}" "0 $want" "$? $(jq -cS .result results.json)"
	is "... and $field as an array" "$(cat values)" "$(jq -cs . got)"
	check "... written to a file" test -s results.csv
}
for n in 1 3; do
	finds $n edges histogram t '' grid.h5 edge
	finds $n counts histogram t '' grid.h5 bin
	finds $n mean moments t time grid.h5
	finds $n max minmax t lat,lon grid.h5
	finds $n values quantiles t time,lat grid.h5 q
done

# --- the examples ---
if ! find "$image" -name quern_f08.mod | grep -q .; then
	skip "the examples" "MPI has no mpi_f08 for this compiler"
	finish
fi
compile examples/grind.f90 grind -std=f2018
for n in 1 3; do
	timeout "$hang" "$BUILDDIR/examples/grind" cf.nc /packed >want
	timeout "$hang" $MPIRUN -n "$n" ./grind cf.nc /packed >out 2>err
	is "grind on $n ranks: counts" "0 $(head -n 1 want)" "$? $(head -n 1 out)"
	is "... mean and deviation" "$(sed -n 's/^\(mean\|standard deviation\) //p' want | jq -cs .)" \
		"$(sed -n 's/^\(mean\|standard deviation\) //p' out | jq -cs .)"
	is "... counts of bins" "$(sed -n 's/.* to .*: //p' want)" "$(sed -n 's/.* to .*: //p' out)"
done

# --- in memory ---
compile examples/heat.f90 heat -std=f2008
"$BUILDDIR/examples/heat" 50 20 5 >want
for n in 1 3; do
	timeout "$hang" $MPIRUN -n "$n" ./heat 50 20 5 >out 2>err
	is "heat on $n ranks: mean and deviation" \
		"0 $(sed -n 's/^mean \(.*\), standard deviation \(.*\)/\1 \2/p' want | jq -cs .)" \
		"$? $(sed -n 's/^\(mean\|standard deviation\) //p' out | jq -cs .)"
	is "... bins" "$(grep '^bin' want)" "$(grep '^bin' out)"
done
compile tests/fortran/sizes.f90 sizes -std=f2008
is "arrays of other sizes than the grid has are refused" "6 6" \
	"$(timeout "$hang" ./sizes >out; grep -c ' 2 2 .*elements, and it has' out) $(wc -l <out)"
timeout "$hang" $MPIRUN -n 2 ./grind none.nc /packed >out 2>err
is "an error is said once" 1 "$(grep -c '^grind: none.nc: ' err)"
finish
