#!/usr/bin/env bash
# Selections by the values of coordinates: what tests/tools/axes finds by looking at every value.

. "$SRCDIR/tests/cli/lib.sh"
# One core will do: discovering the machine takes longer than reading a coordinate.
export HWLOC_SYNTHETIC="core:1 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
"$BUILDDIR/tests/tools/axes" axes.h5 >cases || exit 1

# What minmax finds of a coordinate in order: count, first and last place.
found='^\{"argmax":\[([0-9]+)\],.*"argmin":\[([0-9]+)\],.*"count":([0-9]+),'
ncases=0
while read -r dataset values first stop step; do
	ncases=$((ncases + 1))
	if [ "$first" -lt 0 ]; then
		refuses 2 "$dataset $values: nothing" "nothing is there" \
			run count -d "$dataset" -s "$values" axes.h5
		continue
	fi
	n=$(((stop - first + step - 1) / step))
	want="$n $first $((first + (n - 1) * step))"
	got=$(run_result minmax -d "$dataset" -s "$values" axes.h5)
	if [[ $got =~ $found ]]; then
		high=${BASH_REMATCH[1]} low=${BASH_REMATCH[2]}
		got="${BASH_REMATCH[3]} $((low < high ? low : high)) $((low < high ? high : low))"
	fi
	[ "$want" = "$got" ] || fail "$dataset $values: count, first, last: $want" "$got"
done <cases
pass "$ncases selections by value"
is "the coordinate of one dimension, in a group above" "$(run_result minmax -d /bad/field -s 1:3:2,1:2 axes.h5)" \
	"$(run_result minmax -d /bad/field -s y=2.0:3.0:2,1=1:2 axes.h5)"

# says NAME PATTERN DATASET SELECTION
says()
{
	refuses 2 "$1" "$2" run count -d "$3" -s "$4" axes.h5
}

says "between two values" "nearest values of lat are 10 and 11 \(indexes 100 and 101\)" \
	/up/lat lat=10.5
says "between two falling ones" "are 10 and 9.9 " /down/lat lat=9.93:9.97
says "beyond the end" "lat runs from -90 to 90 degrees_north" /up/lat lat=91.0
says "from high to low" "the lower end comes first: lat runs from -90 to 90" /up/lat lat=30.0:10.0
is "across the seam" "$(run_result minmax -d /fine/lon -s 0:41+1400:1440 axes.h5)" \
	"$(run_result minmax -d /fine/lon -s lon=-10.0:10.0 axes.h5)"
is "eastward across the seam, in steps" "$(run_result minmax -d /fine/lon -s 1400:1440:3+2:41:3 axes.h5)" \
	"$(run_result minmax -d /fine/lon -s 0=350.0:10.0:3 axes.h5)"
says "beyond the axis, without an end" "lon runs from 0 to 359.75 degrees_east: give both ends" \
	/fine/lon lon=-10.0:
is "longitudes of the other convention" "$(run_result minmax -d /fine/lon -s 1320:1401 axes.h5)" \
	"$(run_result minmax -d /fine/lon -s lon=-30.0:-10.0 axes.h5)"
is "... a single one" "$(run_result minmax -d /fine/lon -s 1321 axes.h5)" \
	"$(run_result minmax -d /fine/lon -s lon=-29.75 axes.h5)"
is "... all of them" "$(run_result minmax -d /fine/lon axes.h5)" \
	"$(run_result minmax -d /fine/lon -s lon=-180.0:180.0 axes.h5)"
says "latitudes are not turned" "nothing is there: lat runs from -90" /up/lat lat=300.0:310.0
says "an infinite value" "/bad/infinite, of which value 0 is infinite" /bad/infinite infinite=1.0:5.0
says "an index and a value" "different kinds" /up/lat lat=1.0:5
says "a date of no time" "units 'degrees_north' are not a time" /up/lat lat=2001-01
says "no date" "1900-02-29 is no date of the calendar standard" \
	/standard1898down/time time=1900-02-29
says "no date of 360_day" "1900-01-31 is no date of the calendar 360_day" \
	/360_day1898/time time=1900-01-01:1900-01-31
says "no date of the reform" "1582-10-10 is no date" /standard1581/time time=1582-10-10
says "outside of all times" "time runs from 1581-12-30T12:00 to 1587-" \
	/standard1581/time time=2001-01
says "a time of day that is not there" "nearest values of time are 1581-12-30T12:00 and 1581-12-31" \
	/standard1581/time time=1581-12-31T06:00
says "months" "UDUNITS" /bad/months months=2000-01
says "not in order" "/bad/back, which is not in order: it turns at value 3" /bad/back back=1.0:2.0
says "a missing value" "value 2 is missing" /bad/gap gap=1.0:2.0
says "a dimension without a variable" "no coordinate variable, only a length" /bad/only only=1.0
says "no coordinate" "dimension 1 \(x\) of /bad/field has no coordinate variable" \
	/bad/field x=1.0:2.0
says "no name either" "dimension 0 \(without a name\) .* has no coordinate" /bad/lat 0=1.0:2.0
says "a coordinate of two dimensions" "no dimension 'lat', and /bad/lat is a dataset of 2 .*are y, x" \
	/bad/field lat=1.0:2.0
says "not a value" "nor values of its coordinate" /up/lat lat=10N
quern run count --json -d /bad/twice -s twice=30.1:30.2 axes.h5
is "values that are repeated, as float32 has them" 3 "$(field result.count)"
run_result minmax -d /bad/months -s months=1.0:2.0 axes.h5 >months
is "values of a coordinate with such units" 0 "$status"

# --- a netCDF file, where dimensions have scales ---
"$BUILDDIR/examples/mkclimate" -q --time 400 --lat 37 --lon 72 --chunk 20000 climate.nc
while read -r values indexes; do
	is "t2m $values" "$(run_result minmax -d t2m -s "$indexes" climate.nc)" \
		"$(run_result minmax -d t2m -s "$values" climate.nc)"
done <<'END'
lat=-30.0:30.0 lat=12:25
time=1979-02,lon=350.0: time=124:236,lon=70:72
time=1979-01-31T18:00:1979-02:4,lat=45.0 time=123:236:4,lat=27
time=24.0:48.0,1=0:37:2 0=4:9,1=0:37:2
END

# --- public files: ds_1_al is 10, 20, 30; ds_3_al has each of 10 to 40 three times ---
for order in le be; do
	public=$QUERN_CORPUS/hdf5/hl/test/testfiles/test_ds_$order.h5
	if [ -e "$public" ]; then
		is "test_ds_$order.h5" "$(run_result minmax -d dset_al -s 0=1:,2=3:9 "$public")" \
			"$(run_result minmax -d dset_al -s ds_1_al=20.0:,ds_3_al=2e1:3e1 "$public")"
	else
		skip "test_ds_$order.h5" "not in $QUERN_CORPUS (set QUERN_CORPUS)"
	fi
done

# --- what selects nothing ---
for select in time=400: lat=30:-30 time=9:3; do
	refuses 2 "-s $select: nothing" "--select: .*\\((time|lat)\\).*nothing is selected.*is (400|37)" \
		run count --json -d t2m -s "$select" climate.nc
done

says "... with the extent of the coordinate" "nothing is selected.*; lat runs from -90 to 90 degrees_north" \
	/up/lat 181:
says "... of times as dates" "out of range.*; time runs from 1581-12-30T12:00 to 1587-" \
	/standard1581/time 2000

# --- what a selection means ---
meaning()
{
	quern run count --json -d t2m "$@"
	field input.selected
}
is "a selection by index in coordinates" \
	'[{"count":10,"first":"-40","last":"5","pieces":null,"slice":"lat=10:20","start":10,"step":1,"units":"degrees_north"}]' \
	"$(meaning -s lat=10:20 climate.nc)"
is "... by value, as dates, by position" \
	'"lon=66" "330" "1979-01-02T12:00" 4 "1979-01-01"' \
	"$(meaning -s 0:8:2,lon=66 climate.nc >all
	for f in 1.slice 1.first 0.last 0.count 0.first; do
		field input.selected.$f
	done | tr '\n' ' ' | sed 's/ $//')"
is "... nothing selected, nothing said" null "$(meaning climate.nc)"
is "... without a coordinate" '[{"count":2,"first":null,"last":null,"pieces":null,"slice":"x=1:3","start":1,"step":1,"units":null}]' \
	"$(quern run count --json -d /bad/field -s x=1:3 axes.h5; field input.selected)"
quern run count --json -d /bad/field -s y=1:3,x=0 axes.h5
is "... what is wrong with the coordinate" \
	"quern: warning: axes.h5: dataset /y: its attribute calendar is not one text: it is ignored;" \
	"$(grep -o '.*ignored;' err)"
quern run count -d t2m -s lat=10:20 climate.nc
prints "... in the table" '^ *lat=10:20 is -40 to 5 degrees_north$'
quern plan count -d t2m -s lat=10:20,lon=-30.0 climate.nc
prints "... in a plan" '^ *lat=10:20 is -40 to 5 degrees_north$'
prints "... turned" '^ *lon=-30.0 is 330 degrees_east$'

# --- a large file, of whose chunk index only a part is read ---
"$BUILDDIR/examples/mkclimate" -q --raw --only t2m --time 600 --lat 181 --lon 180 large.nc
cat large.nc >larger.nc && truncate -s +70M larger.nc
check "the large file is large" test "$(stat -c %s larger.nc)" -gt 67108864
for select in time=3:9 'lat=-30.0:30.0,lon=5' '::100,7,:3' time=1979-02:1979-03 -1; do
	is "-s $select: as without the part" "$(run_result minmax -d t2m -s "$select" large.nc)" \
		"$(run_result minmax -d t2m -s "$select" larger.nc)"
done

# --- the rest ---
is "a document names the selection as it was written" '"lat=-30.0:30.0"' \
	"$(quern run count --json -d t2m -s lat=-30.0:30.0 climate.nc; field input.select)"
status=0
timeout "$hang" $MPIRUN -n 2 "$QUERN" run minmax --json -d t2m -s lat=-30.0:30.0 climate.nc >out 2>err ||
	status=$?
got=$(jq -cS .result out)
is "on two ranks" "0 $(run_result minmax -d t2m -s lat=12:25 climate.nc)" "$status $got"
status=0
timeout "$hang" $MPIRUN -n 2 "$QUERN" run count -d t2m -s lat=99.0: climate.nc >out 2>err || status=$?
is "what is wrong is said once" "2 1" "$status $(grep -c '^quern: --select: .*lat runs from' err)"
answers "a plan by value" plan count --json -d t2m -s time=1979-01-01 climate.nc
finish
