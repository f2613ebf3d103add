#!/usr/bin/env bash
#
# programs.sh - programs in C, C++, Fortran and Python on what is installed, and nothing else: each is built by what
# pkg-config says, runs alone and on three ranks, and what it prints is what the installed command prints, byte by
# byte. run.sh calls it for an installation of its own, tests/machines/matrix.sh in a fresh system.
#
#	FILE		grid.h5 of tests/tools/grid
#	QUERN		the installed command
#	MPIRUN		the launcher, with options
#	CC CXX FC MPIFC	compilers; `no` or nothing: there is none
#	PYTHON		an interpreter that has numpy, or nothing
#	WHERE		directory that everything must be from

# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"
here=$SRCDIR/tests/install

# A document without what is of one run: times and places.
lasting()
{
	sed '/^  "run": {/,$d' "$1"
}

# same NAME PROGRAM...: alone and on ranks it finds what the command finds.
same()
{
	local name=$1 n

	shift
	while read -r kernel dataset over; do
		"$QUERN" run "$kernel" -d "$dataset" ${over:+--over "$over"} "$FILE" --json >want ||
			fail "the command: $kernel"
		for n in 1 $ranks; do
			launch=
			[ "$n" = 1 ] || launch="$MPIRUN -n $n"
			# shellcheck disable=SC2086 # words
			if timeout "$hang" $launch "$@" "$kernel" "$dataset" "$over" "$FILE" >got 2>err </dev/null &&
				[ -s got ] && [ "$(lasting got)" = "$(lasting want)" ]; then
				pass "$name, $n ranks: $kernel of $dataset${over:+ over $over}"
			else
				fail "$name, $n ranks: $kernel of $dataset${over:+ over $over}" \
					"$(cat err; diff <(lasting want) <(lasting got) | head -n 20)"
			fi
		done
	done <<-'RUNS'
		moments t
		minmax t time
		quantiles t time,lat
		histogram t
	RUNS
}

# uses PROGRAM: its library is what is installed.
uses()
{
	case $(ldd "$1" | sed -n 's/.*libquern.so.1 => \([^ ]*\).*/\1/p') in
	"$WHERE"/*) pass "$1 loads what is installed" ;;
	*) fail "$1 loads what is installed" "$(ldd "$1")" ;;
	esac
}

# The library of MPI that a shared object has.
mpi_of()
{
	ldd "$1" | sed -n 's/^[[:space:]]*\(libmpi[^ ]*\.so[^ ]*\).*/\1/p' | grep -v 'mpi_\|mpifort' | head -n 1
}

flags()
{
	pkg-config --cflags --libs "$1"
}

# build PROGRAM SOURCE PACKAGE COMPILER...
build()
{
	local program=$1 source=$2 package=$3

	shift 3
	# shellcheck disable=SC2046 # flags are words
	check "$program compiles" "$@" "$source" -o "$program" $(flags "$package") && uses "./$program" &&
		same "$program" "./$program"
}

strict="-Wall -Wextra -Wpedantic -Werror"
ranks=3
[ -n "${MPIRUN-}" ] || ranks=
# shellcheck disable=SC2086 # words
{
	build c "$here/finds.c" quern $CC -std=c99 $strict
	for cxx in ${CXX-}; do
		build "${cxx##*/}" "$here/finds.c" quern "$cxx" -std=c++11 $strict -x c++
	done
}
[ -n "${CXX-}" ] || skip "in C++" "there is no compiler of C++"
if [ "${FC:-no}" = no ] || ! pkg-config --exists quern-fortran; then
	skip "in Fortran" "there is no compiler of Fortran, or its module was not built"
else
	build fortran "$here/finds.f90" quern-fortran env OMPI_FC="$FC" MPICH_FC="$FC" "$MPIFC" -std=f2008 -Wall -Werror
fi
if [ -z "${PYTHON-}" ]; then
	skip "in Python" "no python3 has numpy"
else
	mpi4py=$(echo "$("$PYTHON" -c 'import mpi4py; print(mpi4py.__path__[0])' 2>/dev/null)"/MPI.*.so)
	library=$("$PYTHON" -c 'import quern._library as l; print(l.lib._name)')
	case $library in
	"$WHERE"/*) pass "python loads what is installed" ;;
	*) fail "python loads what is installed" "$library" ;;
	esac
	if [ ! -e "$mpi4py" ] || [ "$(mpi_of "$mpi4py")" != "$(mpi_of "$library")" ]; then
		skip "python on ranks" "no mpi4py, or it has another MPI"
		ranks=
	fi
	same python "$PYTHON" "$here/finds.py"
fi
finish
