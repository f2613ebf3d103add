#!/usr/bin/env bash
# Conditions and expressions: what does not hold is not there; results are those of selections and of other
# ways to the same numbers, on any number of ranks.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

# points NAME MESSAGE PLACE ARGS: refused as wrong usage, with the expression and a ^ under PLACE.
points()
{
	local name=$1 message=$2 place=$3

	shift 3
	quern "$@" grid.h5
	is "$name: exit code" 2 "$status"
	check "... says why" grep -qF -- "$message" err
	is "... and where" "$place" "$(sed -n 3p err | tr -cd ' ^' | awk '{ print index($0, "^") - 3 }')"
}

# --- conditions on coordinates and indexes are selections ---
while read -r kernel options; do
	# shellcheck disable=SC2086 # words
	same "$kernel where the index is" "$kernel" $options -d t \
		--where 'index(time) >= 2 && index(time) < 5' grid.h5 -- \
		"$kernel" $options -d t -s time=2:5 grid.h5
done <<'END'
moments
count
mean
histogram --bins 4 --range 230,280
minmax
topk --k 4
END
same "where a coordinate is" moments -d t --where 'lon >= 60 && lon <= 240 && lat > 0' grid.h5 -- \
	moments -d t -s 'lon=60.0:240.0,lat=0.01:90.0' grid.h5
quern run moments -d t --where "time < 2001-01-02" grid.h5
is "dates without" "2 1" "$status $(grep -c "2001-01-02 is a difference of numbers: a date stands in quotes, '2001-01-02'" err)"
same "dates in quotes" moments -d t --where "time < '2001-01-02'" grid.h5 -- \
	moments -d t -s 'time=2001-01-01' grid.h5
same "parts of times" count -d t --where 'day(time) == 2' grid.h5 -- count -d t -s 'time=2001-01-02' grid.h5
same "over a dimension" moments -d t --over time --where 'index(time) % 2 == 1' grid.h5 -- \
	moments -d t --over time -s 'time=1::2' grid.h5
same "over the last dimension" minmax -d n --over lon --where 'index(lon) < 4' grid.h5 -- \
	minmax -d n --over lon -s 'lon=0:4' grid.h5
same "by a key" sum -d t --by 'day(time)' --where 'lat == 40' grid.h5 -- \
	sum -d t --by 'day(time)' -s 'lat=40.0' grid.h5

# --- conditions on the data ---
all=$(run_result count -d t grid.h5 | jq .count)
missing=$(run_result count -d t grid.h5 | jq .missing)
warm=$(run_result count -d t --where 't > 250' grid.h5 | jq .count)
cold=$(run_result count -d t --where 't <= 250' grid.h5 | jq .count)
is "a missing condition does not hold" "$all" $((warm + cold))
check "... and some are on both sides" [ $((warm * cold)) -gt 0 ]
is "what does not hold is not missing either" '{"count":0,"missing":0,"sum":0}' \
	"$(run_result sum -d t --where 't > 1000' grid.h5)"
is "what is missing can be asked for" "{\"count\":0,\"missing\":$missing}" \
	"$(run_result count -d t --where 'missing(t)' grid.h5)"
same "a whole name is a name" sum -d t --where '/t > 250' grid.h5 -- sum -d t --where 't > 250' grid.h5
same "another dataset" count -d t --where 'n > 3 && !missing(t)' grid.h5 -- count -d n --where 'n > 3 && !missing(t)' grid.h5
is "the largest of those below a limit" \
	"$(run_result minmax -d t --where 't < 250' grid.h5 | jq -c '[.max, .argmax]')" \
	"$(run_result topk --k 1 -d t --where 't < 250' grid.h5 | jq -c '[.values[0], .coordinates[0]]')"

# --- expressions ---
is "twice the values, twice the sum" "$(run_result sum -d t grid.h5 | jq '2 * .sum')" \
	"$(run_result sum -d t --expr 't * 2' grid.h5 | jq .sum)"
same "one minus itself" sum -d t --expr 't - t' grid.h5 -- sum -d t --expr '0 * t' grid.h5
same "a condition counts" sum -d t --expr 't > 250' grid.h5 -- sum -d t --expr 'where(t > 250, 1, 0)' grid.h5
is "a coordinate of each element" "$(run_result count -d t --where '!missing(t) && lat > 50' grid.h5 | jq .count)" \
	"$(run_result sum -d t --expr 'where(missing(t), 0, lat > 50)' grid.h5 | jq .sum)"
answers "documents have them" run sum --json -d t --expr 't*2' --where 'lat>0' grid.h5
is "... as they were written" '["t*2","lat>0"]' "$(jq -c '[.input.expr, .input.where]' out)"
quern run sum --json -d big --expr 'big * big * big * big' grid.h5
is "integers beyond 64 bits: exit code" 0 "$status"
check "... are told of" grep -q "warning: of [0-9]* elements an expression has integers that 64 bits" err
check "... and missing" [ "$(jq .result.missing out)" -gt 0 ]

# --- several files, several ranks ---
same "joined files have times of their own units" sum -d x --where "time >= '2001-01-02'" part_0.h5 part_1.h5 -- \
	sum -d x -s 2: part_0.h5 part_1.h5
for n in 1 3; do
	for line in "moments --over lat" "minmax --by day(time)" "topk --k 5"; do
		# shellcheck disable=SC2086 # words
		$MPIRUN -n "$n" "$QUERN" run $line -d t --expr 'sqrt(t) + lat' \
			--where 'n > 2 || lon > 100' --json grid.h5 </dev/null 2>err | jq -cS .result
	done >"ranks_$n"
done
check "3 ranks find the same bytes" cmp -s ranks_1 ranks_3
check "... which are some" [ "$(wc -l <ranks_1)" -eq 3 ]

# --- chunks in which a condition of coordinates cannot hold are not read: t is in 4 x 2 x 1 of them ---
# pruned WHERE WANT [ARGS]: so many chunks are left out, the others are read, and the plan knows.
pruned()
{
	local where=$1 want=$2

	shift 2
	quern run count -d t --json --where "$where" "$@" grid.h5
	is "chunks without $where" "$want $((all_chunks - want))" "$(field run.chunks_pruned) $(field run.chunks)"
	quern plan count -d t --json --where "$where" "$@" grid.h5
	is "... as planned" "$want $((all_chunks - want))" "$(field plan.chunks_pruned) $(field plan.items)"
}

quern plan count -d t --json grid.h5
all_chunks=$(field plan.items)
is "without a condition none is left out" 0 "$(field plan.chunks_pruned)"
pruned 't > 250' 0
pruned 't > 250 || index(time) == 0' 0
pruned 'index(time) == 2' $((all_chunks - 2))
pruned 'index(time) == 2 && t > 250' $((all_chunks - 2))
pruned 'index(time) == 2 && index(lat) > 2' $((all_chunks - 1))
pruned 'index(time) + 10 * index(lat) == 2' $((all_chunks - 1))
pruned '(index(time) == 2 || index(lon) == 7) && index(lon) != 7' $((all_chunks - 2))
pruned 'index(time) == 2 && 1 > 2' "$all_chunks"
quern plan count -d t --where 'index(time) == 2' grid.h5
prints "tables say so" "^  $((all_chunks - 2)) chunks left out, of which --select or --where takes nothing\$"
for line in "moments" "minmax --over lat" "moments --by month(time)" "quantiles --over time" "topk --k 3" "histogram"; do
	# shellcheck disable=SC2086 # words
	same "$line of nothing" $line -d t --where 'index(time) < 0' grid.h5 -- $line -d t --where 't > 1e9' grid.h5
done
quern run count --json --expr 'big * big' --where 'index(time) == 0' -d big grid.h5
check "what is left out is not beyond 64 bits" \
	grep -q "of $(jq .result.missing out) elements an expression has integers" err
# A chunk that is damaged: rows 32 to 47, columns 20 to 39.
generate damaged.h5
path=$(awk '{ print $1; exit }' damaged.txt)
refuses 3 "a damaged chunk is met" "chunk \(2, 1\)" run sum -d "$path" --where 'index(`0`) > 31' damaged.h5
answers "... but where it is left out" run sum --json -d "$path" --where 'index(`0`) > 47 || index(`0`) < 32' damaged.h5

# --- what is wrong ---
points "an unknown name" "nothing is named 'lta'" 9 run sum -d t --where 't > 0 && lta > 1'
points "a number as a condition" "a condition is wanted" 0 run sum -d t --where 't + 1'
points "half an expression" "--expr: " 3 run sum -d t --expr 't *'
points "another file" "is given a name by -d NAME=PATH@FILE" 5 run sum -d t --expr 't - t@moved.h5'
points "a key of --by" "'warm': it is a key of --by, which has no name here: write t > 273 in its place" 0 \
	run sum -d t --by 'warm=t > 273' --where 'warm == 1'

# --- what was hardly meant ---
for over in "" "--over time" "--by lat"; do
	# shellcheck disable=SC2086 # words
	quern run count -d t $over --where 't > 1e6' grid.h5
	is "a condition that never holds $over" "0 1" \
		"$status $(grep -c "^quern: warning: --where: t > 1e6 holds for none of the 240 elements" err)"
done
quern run count -d t --by 'day(time)' --where 't > 1e6' -o none.nc grid.h5
is "... of which a file has no groups" "0 1" \
	"$status $(grep -cE "^quern: warning: none.nc: dimension (time|day) is of length 0, which xarray, ncdump" err)"
quern run count -d t --by 'bin(lat,[-90,0,90])' --where 't > 1e6' -o none.nc grid.h5
is "... but all bins" "0 0" "$status $(grep -c "is of length 0" err)"
quern run count -d t --where 'lat > 1000' grid.h5
is "... of coordinates alone, where nothing is read" "0 1" "$status $(grep -c "holds for none of the 240" err)"
timeout "$hang" $MPIRUN -n 3 "$QUERN" run count -d t --where 't > 270' grid.h5 >out 2>err
is "... and one that holds here and there" 0 "$(grep -c "holds for none" err)"
quern run mean -d t --over lat,lon --by 'day(time)' grid.h5
is "groups of a kept dimension" "0 1" \
	"$status $(grep -c "^quern: warning: --by: day(time): dimension time is kept, so that of the 2 groups" err)"

# --- days of weeks: 2001-02-01 and 2001-03-01 are Thursdays, 2002-02-01 a Friday, 2002-03-02 a Saturday ---
same "days of weeks" sum -d v --where 'weekday(time) == 3' curved.h5 -- sum -d v -s 'time=0:2' curved.h5
quern run count -d v --by 'dayofweek(time)' --json curved.h5
is "... as groups" '{"dayofweek":[3,4,5]} [12,6,6]' "$(jq -c .result.coords out) $(jq -c .result.count out)"
points "... of a calendar without weeks" "days of others are none of a week" 0 \
	run sum -d t --where 'weekday(time) == 1'
quern run count -d t --by 'b=bin(big * 4, 0:10:5)' --where 'index(time) == 0' grid.h5
check "what --where leaves out of a key is not beyond 64 bits" grep -q "of 30 elements an expression has integers" err
same "groups beside no group of another key are none, with a condition and without" \
	count -d t --by 'lat,bin(lon,[1000,2000])' --where 'index(time) >= 0' grid.h5 -- \
	count -d t --by 'lat,bin(lon,[1000,2000])' grid.h5

# --- words ---
for ranks in 1 3; do
	timeout "$hang" $MPIRUN -n $ranks "$QUERN" run count -d v --by mask --json curved.h5 >out 2>err
	is "numbers that stand for words, on $ranks ranks" '{"mask":["land","sea","3"]} [8,12,4]' \
		"$(jq -c .result.coords out) $(jq -c .result.count out)"
done
quern run count -d v --by mask -o r.nc curved.h5
is "... in a file both" "mask:flag_meanings = land sea 3 1 2 3" \
	"$("$BUILDDIR/tests/tools/look" r.nc | grep flag_meanings) $("$BUILDDIR/tests/tools/look" r.nc mask | xargs)"
refuses 2 "a kernel that must see all" "must see all of its dimensions" \
	run covariance --samples 0 -d t --where 't > 0' grid.h5

finish
