#!/usr/bin/env bash
# Programs in four languages on what `make install` puts into a directory of its own, found by pkg-config alone:
# programs.sh; and the example in C++.

. "$SRCDIR/tests/cli/lib.sh"

[ -z "$SAN" ] || skip_all "a build with sanitizers is not installed"
command -v pkg-config >/dev/null || skip_all "there is no pkg-config"
prefix=$PWD/prefix
"$MAKE" -C "$(dirname "$BUILDDIR")" -s install prefix="$prefix" exec_prefix="$prefix" libdir="$prefix/lib" \
	includedir="$prefix/include" bindir="$prefix/bin" datadir="$prefix/share" mandir="$prefix/share/man" \
	pythondir="$prefix/python" >log 2>&1 || fail "make install" "$(cat log)"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PYTHONPATH=$prefix/python PYTHONDONTWRITEBYTECODE=1
"$BUILDDIR/tests/tools/grid" . || exit 1
# Paths of the build are not told: what is found is found in the prefix.
cxx=$(command -v g++ clang++)
python=$(find_python)
FILE=$PWD/grid.h5 QUERN=$prefix/bin/quern WHERE=$prefix CXX=$cxx PYTHON=$python \
	env -u LIBDIR -u BUILDDIR -u TEST_CPPFLAGS -u TEST_LIBS -u LD_LIBRARY_PATH -u QUERN_LIBRARY \
	bash "$SRCDIR/tests/install/programs.sh" >programs.tap
take_cases programs.tap

# --- the example in C++ ---
[ -n "$cxx" ] || skip "examples/profile.cpp" "no C++ compiler (g++ or clang++)"
quern run moments -d t --over time,lon grid.h5 --json
want=$(jq -r '.result | [.coords.lat, .count, .mean, .stddev] | transpose[] | @tsv' out)
for compiler in $cxx; do
	# shellcheck disable=SC2046 # flags are words
	check "examples/profile.cpp compiles by ${compiler##*/}" "$compiler" -std=c++11 -Wall -Wextra -Wpedantic -Werror \
		"$SRCDIR/examples/profile.cpp" -o profile $(pkg-config --cflags --libs quern)
	for n in 1 2; do
		timeout "$hang" $MPIRUN -n $n ./profile grid.h5 t time,lon >out 2>err
		is "... and finds on $n ranks what the command finds" "0 $want" "$? $(tail -n +2 out | jq -Rr '
			split("\t") | map(if . == "" then null else tonumber end) | @tsv')"
	done
	timeout "$hang" $MPIRUN -n 2 ./profile none.h5 t time >out 2>err
	is "... errors are exceptions, said once" "1 1" "$(grep -c '^profile: none.h5: ' err) $(grep -c '^profile: ' err)"
done
finish
