#!/usr/bin/env bash
# Covariances, correlations and lines of least squares of two values of each element are the nearest doubles, whatever
# is missing, weighed, kept or grouped; what is no pair is refused.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

refused()
{
	local name=$1 message=$2

	shift 2
	quern run "$@"
	is "$name: exit code" 2 "$status"
	check "... says why" grep -qF -- "$message" err
}

all='[.count,.missing,.cov,.corr,.slope,.intercept,.r2,.stderr]'

# --- known values: rationals, rounded ---
is "with a coordinate" \
	'[211,29,21.179239364758324,0.18901209663318805,0.11264709043009515,251.70607958525136,0.03572557267367362,0.04048158989053312]' \
	"$(run_picked "$all" cov,corr,regress -d t --with time grid.h5)"
is "weighted, with a dataset" \
	'[211,29,168.22288513806018,0.09155779002745125,0.003209363046252927,251.81939603524376,0.00838282891471085,0.0024144733851945866]' \
	"$(run_picked "$all" cov,corr,regress -d t --with n --weights lat+90 grid.h5)"
for n in 1 3; do
	$MPIRUN -n "$n" "$QUERN" run cov,corr,regress -d t --with time --over time -s lon=2 --json grid.h5 \
		</dev/null 2>err | jq -cS .result >"ranks_$n"
done
slopes='[[0.2609286178005198],[null],[0.27611102228579315],[0.14928563435872397],[0.09785733904157366]]'
is "over a dimension, on several ranks" "$slopes" "$(jq -c .slope ranks_3)"
is "... and what there is none of" '[[7],[0],[7],[7],[8]]' "$(jq -c .count ranks_3)"
check "... and on one" cmp -s ranks_1 ranks_3

# --- what is the same ---
same()
{
	local name=$1 want

	want=$(run_picked "$2" "${@:4}" "${@:3:1}" grid.h5)
	check "$name: there is something" [ "${want:-null}" != null ]
	is "$name" "$want" "$(run_picked "${filter:-$2}" "${other[@]}" grid.h5)"
}

other=(var -d t --over lat --expr 't * 1.0')
filter=.variance same "a covariance with itself is the variance" .cov lat cov -d t --with 't * 1.0' --over
other=(corr -d n --with t --over lon,time)
filter=.corr same "either of two may be the first" .corr lon,time corr -d t --with n --over
other=(cov -d t --with time --by 'lab = index(lat) % 2' --weights 3)
filter=.cov same "one weight is none" .cov 'lab = index(lat) % 2' cov -d t --with time --by
other=(regress -d t --with n --weights 'n > 10' --over lon)
filter='[.slope,.intercept,.r2,.stderr]'
is "weights of 0 and 1 select" "$(run_picked "$filter" regress -d t --with n --where 'n > 10' --over lon grid.h5)" \
	"$(run_picked "$filter" "${other[@]}" grid.h5)"
is "of an expression" '[211,29]' \
	"$(run_picked '[.count,.missing]' count -d t --expr 't - 273.15' --with 'where(n > 3, n, 3)' grid.h5)"
is "several files" "$(run_picked .corr corr -d x --with 'index(time) * 2.0 + y' part_0.h5 part_1.h5)" \
	"$(run_picked .corr corr -d x --with 'y + 2 * index(time)' part_0.h5 part_1.h5)"

# --- what there is no value of ---
is "a constant has no correlation, and along it is no line" '[0,null,null,null,null,null]' \
	"$(run_picked '[.cov,.corr,.slope,.intercept,.r2,.stderr]' cov,corr,regress -d t --with big grid.h5)"
is "... but it has one itself" '[0,null,0,0,null,0]' \
	"$(run_picked '[.cov,.corr,.slope,.stderr,.r2,.slope]' cov,corr,regress -d big --with time grid.h5)"
is "an infinity is in no sum" '["nan","nan","nan"]' \
	"$(run_picked '[.cov,.corr,.slope]' cov,corr,regress -d t --with '1 / index(time)' grid.h5)"
is "NaN is missing in either" "$(run_picked .count count -d t --where 'n > 3' grid.h5)" \
	"$(run_picked .count count -d t --with 'log(min(n - 3, 1) - 0.5)' grid.h5)"
is "... or a value" '"nan"' \
	"$(run_picked .corr corr -d t --with 'log(n - 10000)' --nan keep grid.h5)"

# --- kernels of one value beside them: of the pairs ---
is "mean, max and median" "$(run_picked '[.mean,.max,.median]' mean,max,median -d t --where 'n > -99' grid.h5)" \
	"$(run_picked '[.mean,.max,.median]' mean,max,corr,median -d t --with n grid.h5)"
check "... with a word about it" grep -qF -- \
	'--with: mean, max, median are of the pairs, too: what is missing in one of the two is missing for them' err
is "... of cells" "$(run_picked .mean mean -d t --where 'n > -99' --over time grid.h5)" \
	"$(run_picked .mean cov,mean -d t --with n --over time grid.h5)"
check "... of one" grep -qF -- '--with: mean is of the pairs, too' err
is "... with a count" "$(run_picked '[.count,.mean]' count,mean -d t --where 'n > -99' grid.h5)" \
	"$(run_picked '[.count,.mean]' mean,count -d t --with n grid.h5)"

# --- what is refused ---
refused "a pair of one" 'kernel corr is of two values of each element: give the other with --with EXPR' \
	corr -d t grid.h5
refused "... among others" 'kernel regress is of two values' count,regress -d t grid.h5
refused "a kernel of one" '--with: kernel mean takes no other values; with other values you can have: count, histogram2d, cov' \
	mean -d t --with n grid.h5
refused "... and another" '--with: kernel mean takes no other values' mean,median -d t --with n grid.h5
refused "a name of nothing" "--with: nothing is named 'nope'" corr -d t --with nope grid.h5

# --- against a coordinate ---
is "a trend is the line with a coordinate" \
	"$(run_picked '[.count,.slope,.intercept,.r2,.stderr]' regress -d t --with time --over time grid.h5)" \
	"$(run_picked '[.count,.slope,.intercept,.r2,.stderr]' trend -d t --over time grid.h5)"
is "... of any dimension" "$(run_picked .slope regress -d t --with lon --over lat,lon grid.h5)" \
	"$(run_picked .slope trend -d t --against lon --over lat,lon grid.h5)"
is "... for each group" "$(run_picked .slope regress -d t --with time --by 'month(time)' grid.h5)" \
	"$(run_picked .slope trend -d t --by 'month(time)' grid.h5)"
is "... with what else there is of pairs" "$(run_picked .corr corr -d t --with time grid.h5)" \
	"$(run_picked .corr trend,corr -d t grid.h5)"
is "... of joined files whose units of time differ" '[5.538461538461538,5.538461538461538,5.538461538461538]' \
	"$(run_picked .slope trend -d x --over time part_0.h5 part_1.h5)"
refused "a dimension that is not there" "--against: /t has no dimension 'tim'; did you mean 'time'?" \
	trend -d t --against tim grid.h5
refused "one that is kept" '--against: time is kept, so that each cell has one value of it' \
	trend -d t --over lon grid.h5
is "... beside one of one value" "$(run_picked .mean mean -d t --over time grid.h5)" \
	"$(run_picked .mean mean,trend -d t --over time grid.h5)"
is "... with nothing to say" 0 "$(grep -c pairs err)"
refused "another value too" '--with: kernel trend is against the coordinate of --against' \
	trend -d t --with n grid.h5
is "an index where there is no coordinate" "$(run_picked .slope regress -d plain --with 'index(`2`)' grid.h5)" \
	"$(run_picked .slope trend -d plain --against 2 grid.h5)"
check "... with a word about it" grep -qF \
	'/plain has no coordinate along dimension 2: slopes are for each index of it' err

# --- files ---
quern run regress,cov -d t --with n --weights lat+90 --over time -o pairs.csv grid.h5
check "a table says what units are" grep -qx '# intercept: intercept of the line of least squares, weighted, in K' pairs.csv
quern run slope,cov -d t --with time grid.h5
is "a field is no kernel" 2 "$status"
check "... and it is said whose it is" grep -qF 'slope is a field of the kernel regress' err
quern run regress,cov -d t --with time --over time -o pairs.csv grid.h5
check "... of both" grep -qx '# slope: slope of the line of least squares, unweighted, in K hours-1' pairs.csv
check "... multiplied" grep -qx '# cov: covariance of pairs, unweighted, over n - 1, in K hours' pairs.csv
quern run corr -d t --with time --json grid.h5
is "a document has it" '["time","time"]' "$(jq -c '[.input.with, .input.with]' out)"
quern kernels cov --json
is "kernels say what they need" '[true,true,true]' \
	"$(jq -c '.kernels[0] | [.with, .needs_with, .weights]' out)"

finish
