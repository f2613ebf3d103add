#!/usr/bin/env bash
# Selections that are unions along a dimension: what they find is what a condition on indexes finds, and of kept
# dimensions what the pieces find one by one.

. "$SRCDIR/tests/cli/lib.sh"
export HWLOC_SYNTHETIC="core:2 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
"$BUILDDIR/tests/tools/grid" || exit 1
"$BUILDDIR/examples/mkclimate" -q --time 400 --lat 37 --lon 72 --chunk 20000 climate.nc

# --- as conditions ---
where='(index(time) < 2 || index(time) == 4) && (index(lon) == 0 || index(lon) == 2 || index(lon) == 3 || index(lon) == 5)'
while read -r kernel options; do
	# shellcheck disable=SC2086 # words
	same "$kernel of a union" "$kernel" $options -d t -s 'time=0:2+4,lon=0+2:4+5' grid.h5 -- \
		"$kernel" $options -d t --where "$where" grid.h5
done <<'END'
moments --order 4
count
mean --by lat
histogram --bins 4 --range 230,280
quantiles
minmax
topk --k 4
moments --weights coslat
minmax --expr t*index(time)+n
END
same "overlapping, in any order" sum -d t -s 'time=4+0:2+1:2+-5:2' grid.h5 -- \
	sum -d t -s 'time=0:2+4' grid.h5
same "a union that is a range" minmax -d t -s 'time=0:2+2:5' grid.h5 -- minmax -d t -s 'time=0:5' grid.h5
same "... in steps" minmax -d t -s 'lon=1+3+5' grid.h5 -- minmax -d t -s 'lon=1:6:2' grid.h5
is "only chunks with a piece are read" "true" "$(quern run count --json -d t2m -s 'time=0:10+390:400' climate.nc
	jq '.run.chunks_pruned > 10 * .run.chunks' out)"
is "... where items have several chunks, too" "true" \
	"$(quern run mean --json -d t2m --over time -s 'time=0:10+390:400' climate.nc
	jq '.run.chunks_pruned > 10 * .run.chunks' out)"
same "... which have all of it" moments -d t2m -s 'time=0:10+390:400' climate.nc -- \
	moments -d t2m --where 'index(time) < 10 || index(time) >= 390' climate.nc

# --- by coordinates ---
same "ranges of values" minmax -d t2m -s 'lat=-60.0:-40.0+40.0:60.0,time=1979-01-03+1979-02' climate.nc -- \
	minmax -d t2m -s 'lat=6:11+26:31,time=8:12+124:236' climate.nc
same "values and indexes" minmax -d t2m -s 'lat=-60.0+0:2' climate.nc -- minmax -d t2m -s lat=0:2+6 climate.nc
same "across the seam" minmax -d t2m -s lon=350.0:10.0 climate.nc -- minmax -d t2m -s lon=0:3+70:72 climate.nc
same "... turned" minmax -d t2m -s lon=-10.0:10.0 climate.nc -- minmax -d t2m -s lon=0:3+70:72 climate.nc
same "... and a piece more" minmax -d t2m -s lon=-10.0:10.0+180.0 climate.nc -- \
	minmax -d t2m -s lon=0:3+70:72+36 climate.nc

# --- kept dimensions ---
# pieces KERNEL SELECTION SELECTION...: field mean of a run over time and lat for each, one after the other.
pieces()
{
	for select; do
		run_picked .mean mean -d t2m --over time,lat -s "lat=0:3+9,$select" climate.nc
	done | jq -cs add
}
is "of a kept dimension the pieces follow each other" "$(pieces lon=0:2 lon=5:9 lon=71)" "$(pieces lon=5:9+71+0:2)"
is "... with their coordinates" '[[0,5,25,30,35,40,355],7]' \
	"$(run_picked '[.coords.lon,.shape[0]]' count -d t2m --over time,lat -s lon=5:9+71+0:2 climate.nc)"
is "several kept dimensions" "$(run_picked '[.coords.lat,.mean]' mean -d t2m --over time,lon --where 'index(time)<3' -s lat=1::12 climate.nc)" \
	"$(run_picked '[.coords.lat,.mean]' mean -d t2m --over lon,time --where 'index(time)<3' -s lat=25+1+13 climate.nc)"
is "keys are those of the selected" '["1979-01-01","1979-01-03"]' \
	"$(run_picked '.coords.date' count -d t2m --by 'date(time)' -s time=0:4+8:12 climate.nc)"
is "... that expressions make, too" '[0,2]' \
	"$(run_picked '.coords.k' count -d t2m --by 'k=index(time) // 4' -s time=0:4+8:12 climate.nc)"
is "places are those of the dataset" '[5,71]' \
	"$(run_picked '.argmax' minmax -d t2m --expr 'index(lat) * 100.0 + index(lon)' -s time=0,lat=1+5+3,lon=0:3+71 climate.nc | jq -c '.[1:]')"
quern run mean -d t2m --over time -s 'lat=0+3:5,lon=350.0:10.0' -o kept.nc climate.nc
is "a file has the coordinates" '[-90,-75,-70] [0,5,10,350,355]' \
	"$(for c in lat lon; do
		quern run topk --smallest --k 10 --json -d $c kept.nc
		jq -c ".result.values" out
	done | tr '\n' ' ' | sed 's/ $//')"
quern run mean -d t2m --over lat,lon -s 'time=0:2+6' -o kept.nc climate.nc
is "... and times" "[0,6,36]" "$(quern run topk --smallest --k 10 --json -d time kept.nc; jq -c ".result.values" out)"

# --- several ranks, files, datasets ---
for n in 1 3; do
	status=0
	timeout "$hang" $MPIRUN -n "$n" "$QUERN" run moments --json -d t2m --over lon \
		-s 'time=3+380:400:3,lat=-30.0:30.0+80.0:' climate.nc >out 2>err || status=$?
	jq -cS .result out >ranks.$n
done
check "the same on any number of ranks" cmp ranks.1 ranks.3
check "... and something" test "$(wc -c <ranks.1)" -gt 500
for i in 1 2 3 4; do
	"$BUILDDIR/examples/mkclimate" -q --time 9 --lat 7 --lon 12 --seed "$i" "m$i.nc"
done
same "members of an ensemble" moments -d t2m --stack run -s run=0+3 m1.nc m2.nc m3.nc m4.nc -- \
	moments -d t2m --stack run m1.nc m4.nc
same "files that are joined" moments -d t2m --along time -s time=1:11:3+30:33 m1.nc m2.nc m3.nc m4.nc -- \
	moments -d t2m --along time --where 'index(time) < 11 && index(time) % 3 == 1 || index(time) >= 30 && index(time) < 33' \
	m1.nc m2.nc m3.nc m4.nc
is "several datasets" "$(run_result mean -d t2m -s lat=0+5:7 climate.nc | jq .mean)" \
	"$(run_result mean -d t2m,precip -s lat=0+5:7 climate.nc | jq .t2m.mean)"

# A coordinate from the first index to the last would tell of what is not in the mean.
quern run mean -d t2m --over lon -s lon=-10.0:10.0 -o seam.nc climate.nc
is "no coordinate of a reduced union" 0 "$("$BUILDDIR/tests/tools/look" seam.nc | grep -c '^lon')"
quern run mean -d t2m --over lon -s lon=0.0:10.0 -o seam.nc climate.nc
check "... but of a range" sh -c '"$1" seam.nc | grep -q "^lon"' - "$BUILDDIR/tests/tools/look"

# --- what is said ---
quern run count --json -d t2m -s lat=0+3+7:9 climate.nc
is "what a union means" \
	'[{"count":4,"first":"-90","last":"-50","pieces":[{"count":1,"start":0,"step":1},{"count":1,"start":3,"step":1},{"count":2,"start":7,"step":1}],"slice":"lat=0+3+7:9","start":0,"step":null,"units":"degrees_north"}]' \
	"$(field input.selected)"
quern run count -d t2m -s lat=0+3+7:9 climate.nc
prints "... in the table" '^ *lat=0\+3\+7:9 is 4 indexes of -90 to -50 degrees_north$'
quern inspect -d t2m -s 'time=0:10+390:400,lat=0' climate.nc
prints "inspect" 'selection .*: 20 x 1 x 72, 5.62 KiB'
refuses 2 "a bad piece is named" "'99' for dimension 1 \(lat\).*out of range" run count -d t2m -s lat=0:2+99 climate.nc
refuses 2 "... of a coordinate" "'7.1' .*nearest values of lat are 5 and 10" run count -d t2m -s lat=0.0+7.1 climate.nc
for pieces in time=4:2+4:8 'time=2001-01-02:2001-01-01+2001-01-02'; do
	quern run count -d t -s "$pieces" --json grid.h5
	is "ends that are not in order select nothing, by indexes and by dates: $pieces" "0 120 1" \
		"$status $(jq '.result.count + .result.missing' out) $(grep -cE '^quern: warning: --select: .*(left out|comes first)' err)"
done
refuses 2 "an offset from UTC is no index" "dates and indexes cannot be in one union" \
	run count -d t2m -s time=1979-01-02T00:00:00+05:30 climate.nc
refuses 2 "nothing at all" "'3:3\+9:9' .*any of its pieces" run count -d t2m -s lat=3:3+9:9 climate.nc
refuses 2 "a kernel that wants all" "a union leaves gaps" \
	run covariance -d t2m --samples time -s time=0+5:9 climate.nc
for select in "lat=0+5:5 '5:5' .*left.out" "lat=0.0+91.0: '91.0:' .*nothing.is.there" "lat=-30:30 '-30:30' .*indexes.*7:30"; do
	quern run count --json -d t2m -s "${select%% *}" climate.nc
	check "warned of: ${select%% *}" grep -Eq "warning: .*${select#* }" err
done
finish
