#!/usr/bin/env bash
# Weights: sums, means and variances are the nearest doubles, whatever is constant and whichever dimensions are
# reduced; what is no weight is refused.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

# same NAME FILTER ARGS -- ARGS: both runs find the same.
same()
{
	local name=$1 filter=$2 first=() want

	shift 2
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	want=$(run_picked "$filter" "${first[@]}")
	check "$name: there is something" [ "${want:-null}" != null ]
	is "$name" "$want" "$(run_picked "$filter" "$@")"
}

# refused NAME CODE MESSAGE ARGS
refused()
{
	local name=$1 code=$2 message=$3

	shift 3
	quern run "$@"
	is "$name: exit code" "$code" "$status"
	check "... says why" grep -qF -- "$message" err
}

# --- known values: rationals, rounded ---
is "moments by the cosine of the latitude" \
	'[211,29,30737.637539453186,120.98327615617589,254.065177568628,65.6794884402534,8.10428827475019,234.5,271.70001220703125]' \
	"$(run_picked '[.count,.missing,.sum,.sum_of_weights,.mean,.variance,.stddev,.min,.max]' \
		moments -d t --weights coslat grid.h5)"
is "... the root of the mean square" 254.1935710761027 "$(run_picked .rms rms -d t --weights coslat grid.h5)"
means='[252.97427690323553,251.5196705487298,253.17033116738548,253.14763873662218,253.77699284467377,255.2611937153639,256.2049734006527,256.5692955975882]'
is "... means of maps" "$means" "$(run_picked .mean mean -d t --over lat,lon --weights coslat grid.h5)"
for n in 1 3; do
	$MPIRUN -n "$n" "$QUERN" run mean -d t --over lat,lon --weights coslat --json grid.h5 </dev/null 2>err |
		jq -c .result.mean >"ranks_$n"
done
is "... on several ranks" "$means" "$(cat ranks_3)"
check "... and on one" cmp -s ranks_1 ranks_3

# --- weights that are alike, and whole numbers ---
same "one weight is none" '[.count,.mean,.variance,.stddev,.min,.max]' moments -d t grid.h5 -- \
	moments -d t --weights 0.37 grid.h5
same "... over a dimension" '[.count,.mean,.variance,.stddev,.min,.max]' moments -d t --over time grid.h5 -- \
	moments -d t --over time --weights 3 grid.h5
for over in time lat lon time,lon; do
	same "over $over: 0 and 1 select" '[.sum,.sum_of_weights]' sum -d t --over "$over" --weights 1 \
		-s 'lat=1:5:2' grid.h5 -- \
		sum -d t --over "$over" --weights 'index(lat) % 2' --where 'index(lat) % 2 == 1' \
		-s 'lat=1:5:2' grid.h5
	same "over $over: sums of whole products" .sum \
		sum -d n --over "$over" --expr 'n * (index(lon) + 3 * index(lat))' grid.h5 -- \
		sum -d n --over "$over" --weights 'index(lon) + 3 * index(lat)' grid.h5
done
same "sums of more than 64 bits" .sum sum -d big --expr 'big * 1.0' grid.h5 -- \
	sum -d big --weights 1.0 grid.h5
quern run sum -d big --weights 'index(time) * 0 + 4' --json grid.h5
check "... are integers" grep -q '"sum": *4427218577690292387840,' out
check "... as the sum of weights is" grep -q '"sum_of_weights": *960[^0-9.]*$' out
same "by a key" '[.mean,.stddev]' moments -d t --by 'day(time)' --weights lat+90 grid.h5 -- \
	mean,std -d t --by 'day(time)' --weights lat+90 grid.h5
same "elements of weight 0 are counted" '[.count,.min,.max]' moments -d t grid.h5 -- \
	moments -d t --weights 'index(time) == 3' grid.h5
same "extremes go without weights" . minmax -d t grid.h5 -- minmax -d t --weights coslat grid.h5

# --- weights of whole rows: as if each element had its own ---
each='+ 0 * (index(time) + index(lat) + index(lon))'
fields='[.count,.missing,.sum,.sum_of_weights,.mean,.variance,.stddev,.min,.max]'
for weights in lat+90 'index(lat)' 'index(lat) / 7' coslat 3; do
	for over in time lon time,lon; do
		same "over $over: $weights of rows" "$fields" \
			moments -d t --over "$over" --weights "($weights) $each" grid.h5 -- \
			moments -d t --over "$over" --weights "$weights" grid.h5
	done
	same "of whole numbers: $weights" '[.count,.sum,.sum_of_weights,.mean,.rms]' \
		sum,mean,rms -d n --over time --weights "($weights) $each" grid.h5 -- \
		sum,mean,rms -d n --over time --weights "$weights" grid.h5
	same "of days: $weights" .mean \
		mean -d t --over time --by 'day(time)' --weights "($weights) $each" grid.h5 -- \
		mean -d t --over time --by 'day(time)' --weights "$weights" grid.h5
	same "of what is infinite: $weights" "$fields" \
		moments -d t --over time --expr '(t - 250) / (index(lon) % 2)' --weights "($weights) $each" grid.h5 -- \
		moments -d t --over time --expr '(t - 250) / (index(lon) % 2)' --weights "$weights" grid.h5
done
for n in 1 3; do
	$MPIRUN -n "$n" "$QUERN" run moments -d t --over time --weights coslat --json grid.h5 </dev/null 2>err |
		jq -c .result >"rows_$n"
done
check "... on several ranks" [ -s rows_1 -a "$(cat rows_1)" = "$(cat rows_3)" ]

# --- what has no weight ---
is "a missing weight makes missing" '[232,8]' \
	"$(run_picked '[.count,.missing]' count -d big --weights 'abs(n)' grid.h5)"
is "weights of 0" '[211,0,0,null,null,null]' \
	"$(run_picked '[.count,.sum,.sum_of_weights,.mean,.variance,.stddev]' moments -d t --weights 'lat * 0' grid.h5)"
is "one weight that is not 0 has no variance" '[null,null]' \
	"$(run_picked '[.variance,.stddev]' moments -d t -s 0,0,: --weights 'index(lon) == 3' grid.h5)"
refused "a negative one" 3 \
	'--weights: the weight of element (time=0, lat=3, lon=0) of /t is -40: weights are finite numbers of 0 or more' \
	sum -d t -s 0,3,0 --weights lat grid.h5
refused "an infinite one" 3 'is inf: weights are' sum -d t --weights '1 / index(lat)' grid.h5
refused "NaN that is a value" 3 'is nan: weights are' sum -d t --nan keep --weights 'sqrt(lat)' grid.h5
same "one that is left out does not matter" .sum sum -d t --weights 'abs(lat)' -s lat=0:3 grid.h5 -- \
	sum -d t --weights lat --where 'lat > 0' grid.h5
refused "a kernel without weights" 2 '--weights: kernel topk takes no weights; with weights you can have: moments,' \
	minmax,topk -d t --weights lat grid.h5
refused "fourth moments" 2 'skewness and kurtosis (--order 4) are of elements without weights' \
	moments --order 4 -d t --weights coslat grid.h5
refused "no latitude" 2 'coslat: no coordinate of /named in grid.h5 is a latitude' \
	sum -d named --weights coslat grid.h5
refused "a name of nothing" 2 "nothing is named 'coslatt'" sum -d t --weights coslatt grid.h5
refused "the cosine in a condition" 2 "nothing is named 'coslat'" sum -d t --where 'coslat > 0' grid.h5

# --- what results say ---
quern run moments -d t --over lat,lon --weights 'coslat*1' -o w.csv grid.h5
check "CSV has the weights" grep -qF '# weights: coslat * 1' w.csv
check "... and what fields are" grep -qF '# mean: arithmetic mean, weighted, in K' w.csv
check "... the sum has no units" grep -qxF '# sum: sum of weight times value, correctly rounded' w.csv
quern run moments -d t --weights coslat --json grid.h5
is "a document has them" coslat "$(jq -r .input.weights out)"
quern run moments -d t --weights coslat grid.h5
check "a table has them" grep -qE '^ +weights +coslat$' out
check "... and does not say that it is unweighted" grep -qF 'weighted; variances are over W' out
quern kernels --json
is "kernels say whether they take weights" '[true,false]' \
	"$(jq -c '[.kernels[] | select(.name == "std", .name == "topk") | .weights]' out)"

finish
