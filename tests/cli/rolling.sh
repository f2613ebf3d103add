#!/usr/bin/env bash
# Windows along a dimension of the result: each is what a run over the elements of its cells finds, weighted or not,
# in any number of sweeps and on any ranks; what has no meaning is refused.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
look=$BUILDDIR/tests/tools/look

# row PLACE: the fields of a row of the last document, without those of places.
row()
{
	jq -cS ".result | del(.dims, .shape, .coords, .argmin, .argmax, .argmin_coords, .argmax_coords, .values_coords) | map_values(getpath([$1]))" "${2:-out}"
}

# one ARG...: the fields of a run over everything.
one()
{
	"$QUERN" run "$@" --json 2>/dev/null | jq -cS '.result | del(.dims, .shape, .coords, .argmin, .argmax, .argmin_coords, .argmax_coords, .values_coords)'
}

# --- a window is a run over its elements ---
for kernel in moments minmax 'quantiles --q 0.1,0.5' 'topk --k 2'; do
	# shellcheck disable=SC2086 # words
	quern run $kernel --over lat,lon --rolling time=3 -d t --json grid.h5
	cp out all
	for i in 1 4 6; do
		# shellcheck disable=SC2086 # words
		is "$kernel: window $i" "$(one $kernel -d t -s "time=$((i - 1)):$((i + 2))" grid.h5 | jq -cS 'del(.q, .indices, .coordinates, .values_coords)')" \
			"$(row "$i" all | jq -cS 'del(.q, .indices, .coordinates, .values_coords)')"
	done
done
answers "of each point" run moments --over time --rolling lon=5 -d t --json grid.h5
is "... along the last dimension" "$(one moments -d t -s "lat=3:4,lon=1:6" grid.h5)" "$(row 3,3)"
is "... what is not whole has no value" '[null]' "$(jq -c '[.result[] | arrays | .[3][1]?] | unique' out)"
answers "integers" run sum --over lat,lon --rolling time=5 -d big --json grid.h5
is "... of more than 64 bits" "$(one sum -d big -s time=1:6 grid.h5)" "$(row 3)"
answers "places" run minmax --over lat --rolling time=3 -d t --json grid.h5
is "... are along the kept dimension too" "$(one minmax -d t -s time=2:5,lon=0 grid.h5 | jq -c .min)" \
	"$(jq -c '.result as $r | $r.min[3][0]' out)"
is "... in order" 2 "$(jq '.result.argmin[3][0] | length' out)"

# --- weights ---
answers "a triangle" run moments --over lat,lon --rolling time=5,weights=triangle -d t --json grid.h5
is "... weighs elements" "$(one moments -d t --weights '3-abs(index(time)-4)' -s time=2:7 grid.h5)" "$(row 4)"
cp out triangle
quern run moments --over lat,lon --rolling 'time=5,weights=3-abs(offset)' -d t --json grid.h5
is "... as its expression does" "$(jq -cS .result triangle)" "$(jq -cS .result out)"
answers "with weights" run mean --over lat,lon --rolling time=3,weights=triangle --weights '1+index(lon)' -d t --json grid.h5
is "... both count" "$(one mean -d t --weights '(2-abs(index(time)-4))*(1+index(lon))' -s time=3:6 grid.h5)" "$(row 4)"

# --- groups that go round ---
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 8 y.nc || exit 1
by="hour(time)"
answers "hours" run moments --by "$by" --rolling hour=3 -s time=0:8,lat=0:8,lon=0:8 -d t2m --json y.nc
is "... all have a window" "$(one moments -s time=0:8,lat=0:8,lon=0:8 -d t2m --where 'hour(time)!=12' y.nc)" "$(row 0)"
is "... and four groups" '[4]' "$(jq -c .result.shape out)"

# --- sweeps, ranks, files ---
all=(moments --over time --rolling lat=3 -d t2m -s time=0:6 y.nc)
quern plan "${all[@]}" --threads 1 --json
need=$(field plan.memory_bytes)
quern run "${all[@]}" --threads 1 -o one.nc
quern run "${all[@]}" --threads 2 --memory $((need - 6000000)) --stats -o several.nc
is "several sweeps" 0 "$status"
check "... as --stats says" grep -q ' sweeps over the data, each for some of the cells' err
for name in t2m_mean t2m_variance t2m_count t2m_max; do
	"$look" one.nc $name >one
	"$look" several.nc $name >several
	check "... the same $name" cmp -s one several
done
timeout "$hang" $MPIRUN -n 3 "$QUERN" run "${all[@]}" -o ranks.nc </dev/null >out 2>err
"$look" ranks.nc t2m_variance | cmp -s - <("$look" one.nc t2m_variance)
is "on three ranks" 0 "$?"
quern run mean --over lat --rolling time=3 -d t -o one.csv grid.h5
check "a file tells of windows" grep -qx '# rolling: time=3' one.csv
is "... and has nothing where they are not whole" "2001-01-01T00:00:00,0," "$(grep -v '^#' one.csv | sed -n 2p)"
check "... in cell_methods" grep -q 'cell_methods = time: lat: mean (in windows as the global attribute rolling says)' <("$look" one.nc)
quern run mean --over time --by "$by" --rolling hour=3 -d t2m --memory 40M -o no.nc y.nc
is "what goes round must fit: exit code" 1 "$status"
check "... is refused with numbers" grep -q 'needs about [0-9]* MiB for the [0-9]* cells' err

# --- what has no meaning ---
r() { refuses 2 "$1" "$2" run mean -d t "${@:3}" grid.h5; }
r "an even window" "odd number of cells" --over lat --rolling time=4
r "no window" "write DIM=N" --over lat --rolling time
r "a dimension that is reduced" "lat is reduced: .* which has: time, lon" --over lat --rolling lat=3
r "a dimension that is none" "x is not there: .*time, lon" --over lat --rolling x=3
r "no dimensions" "the result has no dimensions" --rolling time=3
r "a window that is too long" "has 8 along time, fewer than the 9 of a window" --over lat --rolling time=9
r "weights that are no whole numbers" "offset -1 is 0.5: weights are whole numbers" --over lat --rolling 'time=3,weights=0.5'
quern run mean -d t --over lat --rolling 'time=3,weights=lon' grid.h5
is "weights of other names" 2 "$status"
check "... point to the name" grep -q "rolling: nothing is named 'lon'" err
quern run mean --over time --by 'hour(time)' --rolling hour=3 --where 'hour(time) != 6' -d t grid.h5
check "a gap that windows close over is warned of" \
	grep -q -- "--rolling: groups of hour without elements, 1 of 4, are left out, and windows go on behind them" err
quern run mean --over time --by 'hour(time)' --rolling hour=3 -d t grid.h5
is "... and none is not" "" "$(cat err)"
refuses 2 "a mistyped word" "--rolling: nothing is named 'triangel' for weights: write weights=triangle, or an expression of the place" \
	run mean --over lat,lon --rolling time=3,weights=triangel -d t grid.h5
refuses 2 "a mistyped window" "--rolling 'time:3': write DIM=N or DIM=N,weights=triangle, such as time=5" \
	run mean --over lat,lon --rolling time:3 -d t grid.h5
refuses 2 "weights of a kernel that has none" "--rolling, weights=: kernel quantiles takes no weights" \
	run quantiles -d t --over lat --rolling time=3,weights=triangle grid.h5
r "pairs" "leave either out" --over lat --by 'hour(time),month(time)' --pairs --rolling month=1

# 60 days of four hours each.
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --lat 4 --lon 5 --time 240 c.nc || exit 1
there() { jq -c '[.result.mean | flatten | .[0:4][] | . != null]' out; }
while read -r dim groups want; do
	answers "windows of $dim, by $groups" run mean --by "$groups" --rolling "$dim=3" -d t2m --json c.nc
	is "... go round where times do" "$want" "$(there)"
done <<-END
	hour hour(time) [true,true,true,true]
	hour hour(time),date(time) [false,false,false,false]
	hour date(time),hour(time) [false,true,true,false]
	dayofyear dayofyear(time) [false,true,true,true]
	month year(time),month(time) [false,true,false]
END
finish
