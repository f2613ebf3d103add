#!/usr/bin/env bash
#
# demo.sh - the main job on generated data; `make demo` runs it.
#
# It makes a climate-like NetCDF-4 file and a table of particles (kept in the build directory, for the
# examples of the README), looks at them, computes moments and a histogram, and shows that neither ranks
# nor threads change a byte of the result.

set -euo pipefail

: "${BUILDDIR:?}" "${QUERN:?}"
mpirun=${MPIRUN:-mpirun}
dir=$BUILDDIR/demo
file=climate.nc

# As root, and with more ranks than cores, Open MPI wants to be told.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe

bold=
plain=
if [ -t 1 ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

title()
{
	printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"
}

# Shows a command the way a user would type it, then runs it.
show()
{
	printf '%s$ %s%s\n' "$bold" "$*" "$plain" | sed "s|$QUERN|quern|"
	"$@"
}

# A new file when there is none, or when its generator is newer.
make_data()
{
	local generator=$BUILDDIR/examples/mkclimate

	mkdir -p "$dir"
	cd "$dir"
	[ "$file" -nt "$generator" ] || "$generator" --quiet "$file"
	"$BUILDDIR/examples/mkparticles" particles.h5
}

# The result of a JSON document, without the account of the run.
result()
{
	if command -v jq >/dev/null; then
		jq -S .result
	else
		sed -n '/^  "result": {/,/^  }/p'
	fi
}

# compare KERNEL OPTIONS...: a reference with one process and one thread, then other ways.
compare()
{
	local ranks threads nbytes

	"$QUERN" run "$@" --threads 1 --json "$file" | result >reference
	nbytes=$(wc -c <reference)
	[ "$nbytes" -gt 2 ]
	printf '  quern run %s\n' "$*"
	printf '    %-12s %-13s %s\n' '1 process' '1 thread' "$nbytes bytes of result"
	for threads in 2 3; do
		"$QUERN" run "$@" --threads $threads --json "$file" | result >other
		same '1 process' "$threads threads"
	done
	for ranks in 2 3; do
		$mpirun -n $ranks "$QUERN" run "$@" --json "$file" | result >other
		same "$ranks ranks" ''
	done
}

same()
{
	if cmp -s reference other; then
		printf '    %-12s %-13s %s\n' "$1" "$2" 'the same bytes'
	else
		printf '    %-12s %-13s %s\n' "$1" "$2" 'DIFFERENT BYTES'
		diff reference other || true
		exit 1
	fi
}

title "1. The data: a year of synthetic climate, every six hours on a grid of one degree"
make_data
show "$QUERN" inspect "$file"

title "2. Moments of the air temperature, as one process with all its cores as threads"
show "$QUERN" run moments -d t2m "$file"

title "3. The same by two MPI ranks"
show $mpirun -n 2 "$QUERN" run moments -d t2m "$file"

title "4. How the temperatures are distributed"
show "$QUERN" run histogram --bins 20 --range 210,330 -d t2m "$file"

title "5. Precipitation, packed into 16-bit integers with missing values: unpacked on the way"
show "$QUERN" run minmax -d precip "$file"

title "6. A member of the records of another file"
show "$QUERN" run moments -d table --column pos.x particles.h5

title "7. The proof: neither ranks nor threads change a byte"
compare moments --order 4 -d t2m
compare histogram --bins 50 --range 210,330 -d t2m
compare moments -d precip

printf '\nThe data are %s and particles.h5 in %s; quern is %s.\n' "$file" "$dir" "$QUERN"
