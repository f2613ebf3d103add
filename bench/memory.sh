#!/usr/bin/env bash
# memory.sh - what runs were planned to take of memory, and what they took: a line a run and a rank.
#
#	memory.sh QUERN DIRECTORY <RUNS
#
# RUNS has the words of a run a line, as they stand behind `quern run`, with its files; results go to DIRECTORY. With
# QUERN="mpirun -n 2 quern" they are of two ranks.
set -euo pipefail

if [ $# -ne 2 ]; then
	echo "usage: memory.sh QUERN DIRECTORY <RUNS" >&2
	exit 2
fi
read -ra quern <<<"$1"
out=$2
mkdir -p "$out"

# As MiB.
size() { numfmt --from=iec-i --to-unit=Mi --format=%.1f "${1// /}"; }

printf '%8s %8s %6s %4s  %s\n' planned peak part rank run
while read -ra words; do
	[ ${#words[@]} -gt 0 ] || continue
	"${quern[@]}" run "${words[@]}" --stats -o "$out/memory.nc" </dev/null 2>"$out/memory.log" >&2 || {
		cat "$out/memory.log" >&2
		continue
	}
	sed -n 's/^ *rank \([0-9]*\) .*peak memory \([^ ]*\) \(.\)\(i\?\)B of \([^ ]*\) \(.\)\(i\?\)B planned.*/\1 \2\3\4 \5\6\7/p' \
		"$out/memory.log" |
		while read -r rank peak planned; do
			peak=$(size "$peak") planned=$(size "$planned")
			awk -v a="$planned" -v b="$peak" -v r="$rank" -v w="${words[*]}" \
				'BEGIN { printf "%8.1f %8.1f %5.0f%% %4d  %s\n", a, b, 100 * b / a, r, w }'
		done
done
rm -f "$out/memory.nc" "$out/memory.log"
