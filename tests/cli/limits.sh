#!/usr/bin/env bash
# Limits of the system for a process: each run ends in time, with its result or with an error that does
# not blame the data.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
"$BUILDDIR/tests/tools/readers" make r.h5 || exit 1
quern run moments --json -d packed cf.nc
field result.count >want

# limited ULIMIT-OPTION VALUE ARG...
limited()
{
	local option=$1 value=$2

	shift 2
	status=0
	bash -c 'ulimit "$1" "$2" && shift 2 && exec timeout "$0" "$@"' "$hang" "$option" "$value" \
		"$QUERN" "$@" >out 2>err || status=$?
}

# --- what the system has to confine readers with ---
answers "info" info
prints "... says what the sandbox is" "^sandbox    .*(filtered|not filtered) .*restricted"
quern info --json
check "... in the document too" grep -Eq '"(calls_filtered|files_restricted)": (true|false)' out

# --- file descriptors ---
for n in 5 8 15; do
	limited -n $n run moments -d packed cf.nc
	is "$n file descriptors" "1 1" \
		"$status $(grep -c "may have only $n file descriptors.*raise the limit (ulimit -n)" err)"
done
for n in 16 17 18; do
	limited -n $n run count --threads 4 -d bits r.h5
	case $status in
	0) pass "$n file descriptors for four readers" ;;
	1) check "$n file descriptors for four readers" grep -q "Too many open files" err ;;
	*) fail "$n file descriptors for four readers" "$(outcome)" ;;
	esac
done

# --- address space: OpenBLAS waits for ever where it has none ---
if [ -n "$SAN" ]; then
	skip "little address space" "sanitizers take more than there would be"
	finish
fi
unset OPENBLAS_NUM_THREADS
limited -v 1000000 run moments --json --threads 1 -d packed cf.nc
is "little address space, and a result" "0 $(cat want)" "$status $(field result.count)"
for kib in 120000 200000 300000; do
	limited -v $kib run moments --threads 1 -d packed cf.nc
	# 127: it cannot be loaded.
	case $status in
	0 | 1 | 127) pass "$kib KiB of address space: it ends" ;;
	*) fail "$kib KiB of address space: it ends" "$(outcome)" ;;
	esac
done
limited -v 300000 run covariance --samples 0 --threads 8 -d packed -s ':,0,:' cf.nc
case $status in
0) fail "covariance where BLAS has no room" "$(outcome)" ;;
127) skip "covariance where BLAS has no room" "quern cannot be loaded" ;;
*) check "covariance where BLAS has no room" grep -q 'ulimit -v' err ;;
esac
finish
