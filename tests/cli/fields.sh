#!/usr/bin/env bash
# Kernels of one field, and --fields: each value is that of `moments` or `minmax` on the same elements, whole and
# over dimensions, whoever computes it.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
generate special.h5
look=$BUILDDIR/tests/tools/look

# differ FILE DATASET ARG...: names the kernels whose field is not that of the larger one.
differ()
{
	local file=$1 dataset=$2 pair kernel name

	shift 2
	quern run moments --json "$@" -d "$dataset" "$file"
	cp out moments
	quern run minmax --json "$@" -d "$dataset" "$file"
	[ "$(jq -c '.result | [.count, .missing, .min, .max]' out)" = \
		"$(jq -c '.result | [.count, .missing, .min, .max]' moments)" ] || echo minmax
	for pair in mean:mean std:stddev var:variance min:min max:max; do
		kernel=${pair%:*} name=${pair#*:}
		quern run "$kernel" --json "$@" -d "$dataset" "$file"
		jq_true ".result | del(.dims, .shape, .coords) | keys == [\"$name\"]" out &&
			[ "$(jq -c ".result.$name" out)" = "$(jq -c ".result.$name" moments)" ] ||
			echo "$kernel"
	done
	quern run count --json "$@" -d "$dataset" "$file"
	[ "$(jq -c '.result | [.count, .missing]' out)" = \
		"$(jq -c '.result | [.count, .missing]' moments)" ] || echo count
}

is "t as a whole" "" "$(differ grid.h5 t)"
is "t over time" "" "$(differ grid.h5 t --over time)"
is "t by groups" "" "$(differ grid.h5 t --by 'bin(lat, -90:90:60)' --over time,lat)"
is "n over places" "" "$(differ grid.h5 n --over lat,lon)"
is "big as a whole" "" "$(differ grid.h5 big)"
is "big over time" "" "$(differ grid.h5 big --over time)"
is "one element" "" "$(differ grid.h5 t -s 1,0,0)"
is "none" "" "$(differ grid.h5 t -s :,1:2,2:3)"
for d in inf nan all_nan; do
	is "$d" "" "$(differ special.h5 /$d)"
	is "$d kept" "" "$(differ special.h5 /$d --nan keep)"
done

# --- what no other kernel has ---
quern run rms --json -s 1,0,0:2 -d n grid.h5
rms=$(field result.rms)
quern run moments --json -s 1,0,0:2 -d n grid.h5
is "rms" "$(jq '.result | (.variance / 2 + .mean * .mean) | . * 1e9 | round' out)" \
	"$(jq -n "$rms * $rms * 1e9 | round")"
quern run rms --json -d /inf special.h5
is "rms of infinities" '{"rms":"inf"}' "$(jq -c .result out)"
for over in time lat,lon; do
	quern run minmax --json --over $over -d n grid.h5
	jq -c '[.result.max, .result.min] | map(flatten) | transpose
		| map(if .[0] == null then null else .[0] - .[1] end)' out >want
	quern run range --json --over $over -d n grid.h5
	check "range over $over" cmp want <(jq -c '.result.range | flatten' out)
done

# --- ranks ---
for kernel in mean std range minmax "histogram --bins 4"; do
	for args in "" "--over time"; do
		# shellcheck disable=SC2086 # words
		quern run $kernel $args --json -d t grid.h5
		jq -S .result out >one
		# shellcheck disable=SC2086
		$MPIRUN -n 3 "$QUERN" run $kernel $args --json -d t grid.h5 </dev/null >out 2>err
		check "$kernel $args on 3 ranks" cmp one <(jq -S .result out)
	done
done
quern run histogram --bins 4 --json --over time -d t grid.h5
cp out over
quern run histogram --bins 4 --json -d t grid.h5
is "bins are common to all cells" "$(jq -c .result.edges out)" \
	"$(jq -c .result.edges over)"
is "... counts add up" "$(jq -c .result.counts out)" \
	"$(jq -c '.result.counts | flatten(1) | transpose | map(add)' over)"

# --- --fields ---
answers "fields" run moments --fields max,mean --json --over lat,lon -d t grid.h5
is "... those, in this order" '["dims","shape","coords","max","mean"]' "$(jq -c '.result | keys_unsorted' out)"
is "... are told" '"max,mean"' "$(jq -c .input.fields out)"
answers "a table" run moments --fields max,mean -d t grid.h5
is "... too" "max mean" "$(awk '$1 == "max" || $1 == "mean" || $1 == "count" { print $1 }' out | xargs)"
refuses 2 "no such field" "--fields 'men': kernel moments has no such field; did you mean 'mean'\?.* it has count, missing, sum" \
	run moments --fields max,men -d t grid.h5
refuses 2 "a field of --order 4" "no such field.* it has" run moments --fields kurtosis -d t grid.h5
answers "... is there then" run moments --order 4 --fields kurtosis --json -d t grid.h5
refuses 2 "a field twice" "'max': this field is there twice" run moments --fields max,max -d t grid.h5

# --- files: the only field is called by the dataset ---
quern run mean --over time -o r.nc -d t grid.h5
check "a map" grep -qxF "t f8(lat 5, lon 6)" <("$look" r.nc)
check "... says what it is" grep -qxF "t:cell_methods = area: mean time: mean" <("$look" r.nc)
quern run moments --fields mean --over time -o f.nc -d t grid.h5
check "--fields mean is the same" cmp <("$look" r.nc t) <("$look" f.nc t)
quern run rms --over time -o r.nc -d t grid.h5
check "rms" grep -qxF "t:cell_methods = area: mean time: root_mean_square" <("$look" r.nc)
check "... has the units" grep -qxF "t:units = K" <("$look" r.nc)
quern run var --over time -o r.nc -d t grid.h5
check "variance: their square" grep -qxF "t:units = K2" <("$look" r.nc)
quern run max -o r.nc -d t grid.h5
check "one value" grep -qE '^t f8\(\)' <("$look" r.nc)
finish
