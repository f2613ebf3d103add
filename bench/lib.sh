# shellcheck shell=bash
# lib.sh - what the scripts of bench/ share.

export LC_ALL=C
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe

say()
{
	printf '%s\n' "$*"
}

die()
{
	say "bench: $*" >&2
	exit 1
}

free_gib()
{
	df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }' | grep . || echo 0
}

memory_gib()
{
	awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo
}

# field NAME FILE: the first number of that name in a JSON document.
field()
{
	sed -n 's/.*"'"$1"'": *\([^,}]*\).*/\1/p' "$2" | head -n 1
}

# One processor of each core that this process may use, the first N of them: "0,2".
first_cpus()
{
	local allowed

	allowed=$(taskset -cp $$ | sed 's/.*: //')
	lscpu -p=CPU,CORE 2>/dev/null | awk -F, -v allowed="$allowed" -v n="$1" '
		BEGIN {
			k = split(allowed, part, ",")
			for (i = 1; i <= k; i++) {
				split(part[i], end, "-")
				for (c = end[1]; c <= (end[2] == "" ? end[1] : end[2]); c++) ok[c] = 1
			}
		}
		!/^#/ && ok[$1] && !seen[$2]++ && found < n { list = list (found++ ? "," : "") $1 }
		END { if (found == n) print list }'
}

median()
{
	sort -g | awk '{ v[NR] = $1 }
		END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ratio()
{
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'
}

# choose_dir GIB: $data, where so much goes; $keep: it stays. Memory is better than a disk: nothing is
# written back while the clock runs.
choose_dir()
{
	keep=
	if [ -n "${BENCH_DIR:-}" ]; then
		keep=1
		data=$BENCH_DIR
		mkdir -p "$data"
	elif [ "$(free_gib /dev/shm)" -ge "$1" ] && [ "$(memory_gib)" -ge $((2 * $1)) ]; then
		data=$(mktemp -d /dev/shm/quern-bench.XXXXXX)
	else
		data=$out/data
		mkdir -p "$data"
	fi
}
