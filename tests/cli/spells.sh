#!/usr/bin/env bash
# Spells: elements that follow each other along a dimension and hold a condition, against their own runs.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
look=$BUILDDIR/tests/tools/look

# spells LAT LON [MIN]: what awk finds of n > 0 at a point, of all times.
spells()
{
	"$QUERN" run sum --over lat,lon -s "lat=$1,lon=$2" --where "$condition" -d "$3" --json grid.h5 2>/dev/null |
		jq -r .result.count[] | awk -v least="${4:-1}" '
			function close_it() { if (n > longest) { longest = n; begin = last - n + 1 }; all += n; if (n >= least) { number++; total += n }; n = 0 }
			$1 { n++; last = NR - 1; if (first == "") first = NR - 1; next }
			{ close_it() }
			END { if (n) close_it(); if (first == "") first = last = begin = "null"
				printf "%d %d %d %s %s %s %d", longest, number, total, first, last, begin, all }'
}
point()
{
	jq -r ".result | .longest_start |= map(map(.[0]?)) |
		[.longest, .number, .total, .first, .last, .longest_start, .count] | map(.[$1][$2] | tostring) | join(\" \")" out
}

condition='index(time) != 3 && t > 240'
for least in 1 2 3; do
	quern run spells --min-length $least --over time --where "$condition" -d t --json grid.h5
	for at in "0 0" "1 2" "2 3" "4 5" "3 1"; do
		# shellcheck disable=SC2086 # words
		is "spells of $least or more at $at" "$(spells $at t $least)" "$(point $at)"
	done
done
cp out one.json
for n in 2 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" run spells --min-length 3 --over time --where "$condition" -d t --json \
		grid.h5 </dev/null >out 2>err
	is "on $n ranks" "$(jq -cS .result one.json)" "$(jq -cS .result out)"
done
answers "beside another kernel" run count,spells --min-length 3 --over time --where "$condition" -d t --json grid.h5
is "... the same" "$(jq -cS '.result.longest, .result.last' one.json)" "$(jq -cS '.result.longest, .result.last' out)"
answers "in a selection with steps" run spells -s time=1:8:2,lat=0,lon=0 --where 'index(time) > 2' -d t --json grid.h5
is "... of its elements, by indexes of the dataset" "[3,1,3,3,7]" \
	"$(jq -c '.result | [.longest, .number, .total, .first, .last]' out)"
answers "in groups" run spells --over time --by 'b=bin(index(time),[0,3,8])' -s lat=0,lon=0 --where 'index(time) > 0' \
	-d t --json grid.h5
is "... a spell ends with its group" "[2,5] [1,3] [2,7]" \
	"$(jq -cr '[.result.longest, .result.first, .result.last | flatten | tojson] | join(" ")' out)"
quern run spells --over time --where "$condition" -d t -o s.nc grid.h5
check "in a file" grep -q '^t_longest i8(' <("$look" s.nc)
check "... with the times at which the longest begin" \
	grep -qx 't_longest_start_time:long_name = time where the longest spell begins' <("$look" s.nc)
quern run spells --over time -s lat=0,lon=0 --where 'index(time) > 2' --json -d t grid.h5
is "a place as of extremes" '{"time":[["2001-01-01T18:00:00"]]}' "$(jq -c .result.longest_start_coords out)"
quern run spells --over time -s lat=0,lon=0 --where 't > 999' -d t --json grid.h5
check "of nothing there is none" jq_true '[.result | .count, .longest_start | flatten | unique] == [[0], [null]]' out

for each in "time=0:3+5:8 [3,2,5,1,7]" "time=0:3:2+6 [1,2,2,2,6]" "time=0:3+3:6 [5,1,5,1,5]" "time=2+5 [2,1,2,2,5]" \
	"time=6:7 [1,1,1,6,6]"; do
	answers "in ${each% *}" run spells --over time -s "${each% *},lat=0,lon=0" -d t --json grid.h5
	is "... those a step apart follow each other" "${each#* }" \
		"$(jq -c '.result | [.longest, .number, .total, .first, .last] | flatten' out)"
done
refuses 2 "a union of several steps" "time is a union of pieces with different steps" \
	run spells --over time -s time=0:4:2+5:8,lat=0,lon=0 -d t grid.h5
refuses 2 "one element of several dimensions" "name it with --over" run spells -s time=6:7,lat=0,lon=0 -d t grid.h5
refuses 2 "several dimensions" "name it with --over" run spells -d t grid.h5
refuses 2 "... of --over" "spells goes along one dimension" run spells --over time,lat -d t grid.h5
refuses 2 "windows" "kernel spells has no windows" run spells --over time --rolling lat=3 -d t grid.h5
finish
