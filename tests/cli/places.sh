#!/usr/bin/env bash
# Coordinates beside the indexes of extremes and of the largest values, in every form of output.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
look=$BUILDDIR/tests/tools/look

# has NAME FILE LINE: a dataset in a file, as tests/tools/look has it.
has()
{
	check "$1" grep -q "^$3" <("$look" "$2")
}

# at DIM INDEX: what `select` says of an index of t, which reads coordinates for itself.
at()
{
	"$QUERN" run count --json -d t -s "$1=$2:$(($2 + 1))" grid.h5 | jq -r '.input.selected[0].first'
}

answers "extremes" run minmax --json -d t grid.h5
is "fields" "count missing min max argmin argmin_coords argmax argmax_coords" \
	"$(jq -r '.result | keys_unsorted | join(" ")' out)"
is "dimensions" "time lat lon" "$(jq -r '.result.argmax_coords | keys_unsorted | join(" ")' out)"
want=$(at time "$(jq '.result.argmax[0]' out)")
is "... the time" "$want:00" "$(jq -r .result.argmax_coords.time out)"
d=1
for dim in lat lon; do
	want=$(at $dim "$(jq ".result.argmax[$d]" out)")
	check "... the coordinate along $dim" jq_true "(.result.argmax_coords.$dim - $want | fabs) < 1e-6" out
	d=$((d + 1))
done
cp out all
$MPIRUN -n 3 "$QUERN" run minmax --json -d t grid.h5 </dev/null >out 2>err
is "by three ranks" "$(jq -c .result all)" "$(jq -c .result out)"
quern run minmax -d t grid.h5
prints "a table" "^ +time $(jq -r .result.argmin_coords.time all), lat [-0-9.]+, lon [0-9.]+$"
quern run topk --k 1 -d t grid.h5
prints "... of float32 as they were meant" "^  271.7[0-9]* +5 2 0  time 2001-01-02T06:00:00, lat 0.1, lon 0$"
quern run minmax -o r.csv -d t grid.h5
check "CSV" grep -qx "argmin_time,,,$(jq -r .result.argmin_coords.time all)" r.csv
quern run minmax -o r.nc -d t grid.h5
"$look" r.nc >looked
check "a file" grep -q '^argmin_time:units = .* since ' looked
has "its coordinates" r.nc "argmin_lat f8"

answers "the largest" run topk --k 3 --json -d t grid.h5
check "a list each" jq_true '.result | [.values_coords[] | length] == [3, 3, 3]' out
is "the first is the greatest" "$(jq -c .result.argmax_coords all)" "$(jq -c '.result.values_coords | map_values(.[0])' out)"

# Cells: the coordinates of each are those of a run over it alone.
quern run minmax --over time --json -d t grid.h5
cp out cells
quern run minmax -s lat=4:5,lon=5:6 --json -d t grid.h5
is "over time: a cell" "$(jq -c '[.result.argmin_coords.time, .result.argmax_coords.time]' out)" \
	"$(jq -c '.result | [.argmin_coords.time[4][5], .argmax_coords.time[4][5]]' cells)"
is "... its only dimension" '["time"]' "$(jq -c '.result.argmin_coords | keys' cells)"
is "... an empty one has none" "null" "$(jq -c '.result.argmin_coords.time[1][2]' cells)"
quern run minmax --over time -o r.nc -d t grid.h5
"$look" r.nc >looked
has "... in a file" r.nc "t_argmax_time f8(lat 5, lon 6)"
check "... as CF has times" grep -q '^t_argmax_time:units = .* since ' looked
check "... which says of what" grep -qx 't_argmax_time:long_name = time of the largest value' looked
quern run minmax --over time -o r.csv -d t grid.h5
check "... a column" grep -q '^lat,lon,count,missing,min,max,argmin_0,argmin_time,argmax_0,argmax_time$' r.csv
quern run minmax --over time -s lat=0:1 -d t grid.h5
prints "... a column of the table" '^ +lat +lon +count +missing +min +max +argmin +argmin_time +argmax +argmax_time$'
quern run minmax --by 'month(time)' --json -d t grid.h5
check "by groups: of all dimensions" jq_true '.result.argmin_coords | keys == ["lat", "lon", "time"]' out
# Windows: indexes are along their dimension, too, which is kept.
quern run minmax --over lon --rolling time=3 --json -d t grid.h5
check "in windows: of the kept dimension, too" jq_true \
	'.result.argmin_coords | (keys == ["lon", "time"]) and .time[0][0] == null' out
is "... where it is" '[[0,5],"2001-01-01T00:00:00",300]' \
	"$(jq -c '.result | [.argmin[1][1], .argmin_coords.time[1][1], .argmin_coords.lon[1][1]]' out)"
quern run minmax --fields argmin --over time -o r.nc -d t grid.h5
"$look" r.nc >looked
is "one field keeps its name" "t t_argmin_time" "$(sed -En "s,^(t[a-z_]*) [fi]8.*,\1,p" looked | grep -v ^time | sort | paste -sd" ")"
quern run minmax --fields min --over time --json -d t grid.h5
is "without indexes there are none" "dims shape coords min" "$(jq -r '.result | keys_unsorted | join(" ")' out)"

# What has no coordinate: dimensions without names, of texts.
quern run minmax --json -d plain grid.h5
check "no names" jq_true '.result.argmin_coords | keys_unsorted[0] == "dim_0" and ([.[] | . == null] | all)' out
quern run minmax --json -d named grid.h5
check "no numbers" jq_true '.result.argmin_coords | to_entries[0].value == null' out

# Several files, of which the second has other units; and on top of each other.
quern run topk --k 100 --json -d x part_0.h5 part_1.h5
cp out both
for i in 0 1; do
	quern run topk --k 100 --json -d x part_$i.h5
	jq -c '.result | [.values, .values_coords.time] | transpose[]' out
done | sort >want
is "joined files" "$(cat want)" "$(jq -c '.result | [.values, .values_coords.time] | transpose[]' both | sort)"
quern run minmax --over time --json -d x part_0.h5 part_1.h5
check "... of cells" jq_true '[.result.argmax_coords.time | flatten[] | strings | test("^[0-9]{4}-")] | all and length > 0' out
ln grid.h5 again.h5
quern run minmax --stack member --json -d t grid.h5 again.h5
check "members are numbers" jq_true '.result.argmin_coords.member == 0' out
finish
