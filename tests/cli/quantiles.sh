#!/usr/bin/env bash
# Exact quantiles in every form of output; those of many cells, which are kept, are those of a run over each
# cell, which are counted.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
look=$BUILDDIR/tests/tools/look

answers "of everything" run quantiles --q 0,0.5,1 --json -d t grid.h5
is "its fields" "count missing q values" "$(jq -r '.result | keys_unsorted | join(" ")' out)"
is "q as asked for" "[0,0.5,1]" "$(jq -c .result.q out)"
cp out all
quern run minmax --json -d t grid.h5
is "the ends are the extremes" "$(jq -c '[.result.count, .result.missing, .result.min, .result.max]' out)" \
	"$(jq -c '[.result.count, .result.missing, .result.values[0], .result.values[2]]' all)"
quern run median --json -d t grid.h5
is "median is the quantile 0.5" "$(jq -c '{median: .result.values[1]}' all)" "$(jq -c .result out)"
# Of an odd number of values it is one of them.
half=$(($(jq .result.count all) / 2 + 1))
quern run topk --k $half --smallest --json -d t grid.h5
is "... the one in the middle" "$(jq '.result.values[-1]' out)" "$(jq '.result.values[1]' all)"

# cells OVER PLACE SELECTION: one of them is that of a run of its own.
while read -r over place select; do
	quern run quantiles --q 0.1,0.5,0.77 --over "$over" --json -d t grid.h5
	cp out all
	quern run quantiles --q 0.1,0.5,0.77 -s "$select" --json -d t grid.h5
	is "over $over: cell $place" "$(jq -c '[.result.count, .result.values]' out)" \
		"$(jq -c "[.result.count, .result.values] | map(getpath([$place]))" all)"
	is "... q is there once" "[0.1,0.5,0.77]" "$(jq -c .result.q all)"
done <<'END'
time 0,0 :,0,0
time 4,5 :,4,5
lat,lon 3 3,:,:
lon 7,4 7,4,:
END
quern run median --over time --json -d t grid.h5
jq -c .result out >want
quern run median --over time --json --threads 3 -d t grid.h5
is "any number of threads" "$(cat want)" "$(jq -c .result out)"
$MPIRUN -n 3 "$QUERN" run median --over time --json -d t grid.h5 </dev/null >out 2>err
is "... and of ranks" "$(cat want)" "$(jq -c .result out)"
quern run quantiles --json -d t grid.h5
jq -c .result out >want
$MPIRUN -n 3 "$QUERN" run quantiles --json -d t grid.h5 </dev/null >out 2>err
is "... of everything" "$(cat want)" "$(jq -c .result out)"
quern run median,mean --by "month(time)" --json -d t grid.h5
is "by groups, beside a mean" "dims shape coords median mean" "$(jq -r '.result | keys_unsorted | join(" ")' out)"

quern run quantiles --q 0.25,0.75 --over time -o q.nc -d t grid.h5
is "a file" 0 "$status"
"$look" q.nc >looked
is "its quantiles are a coordinate" "q f8(q 2)" "$(grep '^q ' looked)"
is "... of the values" "t_values f8(lat 5, lon 6, q 2)" "$(grep '^t_values ' looked)"
check "... are said to be these" grep -q "^t_values:long_name = air: quantiles, by linear interpolation$" looked
check "... of which cells" grep -q "^t_values:comment = cells are made by time: quantile$" looked
answers "a table" run quantiles --over lat,lon -d t grid.h5
check "says them once" grep -Eq '^  q +0\.25 0\.5 0\.75$' out

quern run quantiles --by n --where 't > 1e9' -o none.nc -d t grid.h5
is "a file of no groups" 0 "$status"

# States that are larger than caches are of each thread too.
"$BUILDDIR/examples/mkclimate" --quiet --time 240 --lat 37 --lon 72 climate.nc || exit 1
while read -r kernel; do
	# shellcheck disable=SC2086 # words
	quern run $kernel --json --threads 1 -d t2m climate.nc
	jq -c .result out >want
	for i in 1 2 3; do
		# shellcheck disable=SC2086
		quern run $kernel --json --threads 4 -d t2m climate.nc
		jq -c .result out | cmp -s - want || echo "$kernel"
	done
done >others <<'END'
quantiles --q 0,1,0.5,0.001,0.99,0.3333
median,quantiles --q 0.1,0.2,0.3,0.4,0.6
topk --k 65536
END
is "threads share no state of a whole" "" "$(cat others)"

# is_within EPS: the values of ./out are where they should be, by counting those below them and up to them.
is_within()
{
	local q v n least most

	n=$(jq .result.count out)
	jq -r '.result | [.q, .values] | transpose[] | "\(.[0]) \(.[1])"' out >asked
	while read -r q v; do
		least=$("$QUERN" run count --json -d t2m --where "t2m < $v" climate.nc | jq .result.count)
		most=$("$QUERN" run count --json -d t2m --where "t2m <= $v" climate.nc | jq .result.count)
		jq -ne "($q - $1) * $n <= $most and ($q + $1) * $n >= $least" >/dev/null ||
			echo "$q: $least to $most of $n"
	done <asked
}

answers "approximate" run quantiles --q 0,0.1,0.5,1 --approx 0.02 --json -d t2m climate.nc
is "its fields" "count missing q values rank_error confidence" "$(jq -r '.result | keys_unsorted | join(" ")' out)"
check "in one pass, no further off than asked for" jq_true \
	'.run.passes == 1 and .result.rank_error > 0 and .result.rank_error <= 0.02 and .result.confidence == 0.999999' out
jq -c .result out >want
is "... which is so" "" "$(is_within "$(jq .result.rank_error out)" 2>&1)"
for how in "--threads 1" "--threads 4"; do
	# shellcheck disable=SC2086 # words
	quern run quantiles --q 0,0.1,0.5,1 --approx 0.02 $how --json -d t2m climate.nc
	is "... the same with $how" "$(cat want)" "$(jq -c .result out)"
done
$MPIRUN -n 3 "$QUERN" run quantiles --q 0,0.1,0.5,1 --approx 0.02 --json -d t2m climate.nc </dev/null >out 2>err
is "... by three ranks" "$(cat want)" "$(jq -c .result out)"
"$BUILDDIR/examples/mkclimate" --quiet --time 240 --lat 37 --lon 72 --only t2m --chunk-shape 7,37,11 other.nc || exit 1
quern run quantiles --q 0,0.1,0.5,1 --approx 0.02 --json other.nc
is "... of other chunks" "$(cat want)" "$(jq -c .result out)"
quern run median,quantiles --q 0.5 --approx 0.02 --where 'lat > -60' --json -d t2m climate.nc
check "beside a median, of a part" jq_true '.result | .median == .values[0] and .rank_error > 0' out
quern run median --approx 0.4 --over time --json -d t2m climate.nc
check "exact where that is one pass" jq_true '[.result.rank_error, .result.confidence | flatten | unique] == [[0], [1]]' out
quern run median --over time --json -d t2m climate.nc
cp out exact
quern run median --approx 0.4 --over time --json -d t2m climate.nc
is "... to the bit" "$(jq -c .result.median exact)" "$(jq -c .result.median out)"
quern run quantiles --approx 0.1 -o approx.nc -d t2m climate.nc
check "a file says it" grep -q '^rank_error:long_name = part of the values that ranks may be off by$' <("$look" approx.nc)
refuses 2 "no part" "quern: --approx 0: how far off ranks may be is a part of all values, above 0 and below 0.5, such as 0.01$" \
	run median --approx 0 -d t grid.h5
refuses 2 "a part of many" "quern: --approx 1: how far off ranks may be" run quantiles --approx 1 -d t grid.h5

refuses 2 "a percentile" "quern: --q 95: a quantile is a number from 0 to 1; a percentile is a hundred times as much$" \
	run quantiles --q 95 -d t grid.h5
refuses 2 "less than none" "quern: --q -0\.1: a quantile is a number from 0 to 1$" run quantiles --q -0.1 -d t grid.h5
refuses 2 "NaN" "--q: .nan. is not a list" run quantiles --q nan -d t grid.h5
refuses 2 "an option that median has not" "--q is an option of kernel quantiles" run median --q 0.1 -d t grid.h5
finish
