#!/usr/bin/env bash
# Bits flipped in small valid files, and their ends cut off: see flips.c. FLIPS=100000 does it more
# often than every `make check` can; `make flips` does that.

. "$SRCDIR/tests/lib.sh"
# Discovering the machine takes longer than reading a small file.
export HWLOC_SYNTHETIC="core:1 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
# No threads of BLAS, which a fork would have to stop, and functions of libraries found once and not
# by every child.
export OPENBLAS_NUM_THREADS=1 LD_BIND_NOW=1
export ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1

number=${FLIPS:-2000}
[ -z "$SAN" ] || [ -n "${FLIPS-}" ] || number=200
"$BUILDDIR/tests/damage/flips" "$number" "${SEED:-1}" "${JOBS:-$(nproc)}"
