#!/usr/bin/env bash
# Reductions over some dimensions: each cell is what a run over its elements alone finds, in every form of
# output; coordinates, bounds and attributes are those of the file.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
look=$BUILDDIR/tests/tools/look

# has NAME FILE LINE: what look finds in a file has the line.
has()
{
	if "$look" "$2" | grep -qxF -- "$3"; then
		pass "$1"
	else
		fail "$1" "no line '$3': $("$look" "$2")"
	fi
}

# --- each cell is that of a run of its own ---
cells()
{
	local kernel=$1 over=$2 file=$3 dataset=$4 shape i j

	shift 4
	quern run "$kernel" --over "$over" --json "$@" -d "$dataset" "$file"
	shape=$(jq -c .result.shape out)
	case $shape in
	"[5,6]") for i in 0 1 2 3 4; do for j in 0 2 5; do echo ":,$i,$j $i,$j"; done; done ;;
	"[8]") for i in 0 3 7; do echo "$i $i"; done ;;
	"[8,5]") for i in 0 4; do for j in 0 1 4; do echo "$i,$j $i,$j"; done; done ;;
	esac >places
	cp out all
	while read -r select place; do
		quern run "$kernel" --json -s "$select" "$@" -d "$dataset" "$file"
		jq -cS ".result | del(.argmin, .argmax, .argmin_coords, .argmax_coords)" out >one
		jq -cS ".result | del(.dims, .shape, .coords, .argmin, .argmax, .argmin_coords, .argmax_coords) |
			map_values(getpath([$place]))" \
			all | cmp -s - one || echo "$select"
	done <places
	[ -s places ] || echo "no cells of shape $shape"
}

for over in time lat,lon lon 2,-2; do
	is "moments over $over" "" "$(cells moments $over grid.h5 t)"
done
is "minmax over time" "" "$(cells minmax time grid.h5 n)"
is "sums of more than 64 bits" "" "$(cells sum time grid.h5 big)"
is "... and of fewer" "" "$(cells sum lon grid.h5 big)"

# --- the document ---
answers "a document" run moments --over time -s time=2:5,lon=60.0:240.0 --json -d t grid.h5
is "dims, shape" '["lat","lon"] [5,4]' "$(field result.dims) $(field result.shape)"
is "coordinates are those of the selected indexes" '[60,120,180,240]' "$(jq -c .result.coords.lon out)"
is "... as they are decoded" '80 40 0.1 -40 -80' "$(
	jq -r '.result.coords.lat | map(. * 1000 | round / 1000) | map(tostring) | join(" ")' out)"
is "what has no value is null" '[0,null]' "$(jq -c '[.result.count[1][1], .result.mean[1][1]]' out)"
answers "times are dates" run sum --over lat,lon -s 1:8:3 --json -d t grid.h5
is "... whole" '["2001-01-01T06:00:00","2001-01-02T00:00:00"]' "$(jq -c '.result.coords.time[:2]' out)"
answers "dimensions without names" run sum --over 0 --json -d plain grid.h5
is "... are called by their numbers" '["dim_1","dim_2"] {"dim_1":null,"dim_2":null}' \
	"$(field result.dims) $(jq -c .result.coords out)"

quern run sum --over z --json -d named grid.h5
is "a coordinate that is no number: exit code" 0 "$status"
is "... is none" '{"station":null} [6,15]' "$(jq -c .result.coords out) $(jq -c ".result.sum" out)"
check "... with a warning" grep -q "warning: the result is without coordinates of dimension station: .*no number" err

quern run sum --over y --json -d x part_0.h5 part_1.h5
is "joined files have times of their own units" \
	'["2001-01-01T00:00:00","2001-01-01T12:00:00","2001-01-02T06:00:00","2001-01-02T12:00:00"] [3,12,21,30]' \
	"$(jq -c .result.coords.time out) $(jq -c ".result.sum" out)"
jq -cS .result out >joined.json
quern run sum --over y -o joined.nc -d x part_0.h5 part_1.h5
is "... in a file those of the first" "0 0.5 1.25 1.5" "$("$look" joined.nc time | xargs)"
quern run sum --over y -o joined.nc -d x part_1.h5
is "... integers stay integers" "0 6" "$("$look" joined.nc time | xargs)"
has "... of their type" joined.nc "time i4(time 2)"

# --- hosts, each with one of the files ---
mkdir here there
mv part_0.h5 here
mv part_1.h5 there
# at DIR0 DIR1: the result where rank 0 runs in the one, rank 1 in the other.
at()
{
	# shellcheck disable=SC2016 # expanded on the rank
	QUERN_TEST_HOSTS=2 timeout "$hang" $MPIRUN -n 2 sh -c '
		[ "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}" -eq 0 ] || shift
		cd "$1" && exec "$TEST_QUERN" run sum --over y --json -d x part_0.h5 part_1.h5' \
		sh "$1" "$2" </dev/null >got 2>err
	jq -cS .result got
}
is "rank 0 has the first" "$(cat joined.json)" "$(at here there)"
is "... the second" "$(cat joined.json)" "$(at there here)"

# --- netCDF ---
quern run moments --over time -o r.nc -d t grid.h5
is "a file: exit code, words" "0 " "$status $(cat out err)"
has "a mean of float32 is float64" r.nc "t_mean f8(lat 5, lon 6)"
has "an extreme is float32" r.nc "t_min f4(lat 5, lon 6)"
has "a count is int64" r.nc "t_count i8(lat 5, lon 6)"
for text in 't_mean:units = K' 't_variance:units = K2' 't_count:units = 1' \
	't_mean:standard_name = air_temperature' 't_mean:cell_methods = area: mean time: mean' \
	't_stddev:cell_methods = area: mean time: standard_deviation' \
	't_max:cell_methods = area: mean time: maximum' 't_mean:coordinates = time' \
	't_mean:long_name = air: arithmetic mean, unweighted' \
	't_mean:_FillValue = f8 9.969209968386869e+36' 't_min:_FillValue = f4 9.969209968386869e+36' \
	'lat:units = degrees_north' 'lat:standard_name = latitude' 'lat:comment = of the cell' \
	'lat:bounds = lat_bnds' 'lat:CLASS = DIMENSION_SCALE' 'lat:NAME = lat' 'lat:_Netcdf4Dimid = i4 0' \
	'lon:_Netcdf4Dimid = i4 1' 'time:calendar = noleap' 'time:bounds = time_bnds' 'time:axis = T'; do
	has "$text" r.nc "$text"
done
is "a count has no _FillValue" 0 "$("$look" r.nc | grep -c '^t_count:_FillValue')"
has "coordinates are of their types" r.nc "lon i4(lon 6)"
has "bounds are there" r.nc "lat_bnds f4(lat 5, bnds 2)"
is "... with their values" "90 70 50 30" "$("$look" r.nc lat_bnds | head -n 4 | xargs)"
has "what is reduced is a scalar" r.nc "time f8()"
is "... in the middle of its bounds, from first to last" "21 -3 45" \
	"$("$look" r.nc time) $("$look" r.nc time_bnds | xargs)"
quern run moments --over time --json -d t grid.h5
for name in count mean variance min; do
	is "$name: values are those of the document" "$(
		jq -r ".result.$name | flatten | map(if . == null then 9.969209968386869e+36 else . end)[]" out |
			awk '{ printf "%.17g\n", $1 }')" "$("$look" r.nc t_$name | awk '{ printf "%.17g\n", $1 }')"
done
quern run moments --over time -s lat=-50.0:50.0 -o r.nc -d t grid.h5
is "bounds of a part" "50 30 10.1000003815 -9.89999961853 -30 -50" \
	"$("$look" r.nc lat_bnds | awk '{ printf "%.12g ", $1 }' | sed 's/ $//')"
quern run minmax --over lon,lat -o r.nc -d n grid.h5
has "an extreme of int16 is int16" r.nc "n_min i2(time 8)"
has "indexes have a dimension of their own" r.nc "n_argmin i8(time 8, dimension 2)"
has "dimensions in the order of the file" r.nc "n_max:cell_methods = lat: lon: maximum"
is "without missing cells there is no _FillValue" 0 "$("$look" r.nc | grep -c 'n_max:_FillValue')"
has "... but of what readers would take a value for" r.nc "n_min:_FillValue = i2 -32768"
quern run minmax --over time -o r.nc -d n grid.h5
has "where a value is what stands for none, something else does" r.nc "n_min:_FillValue = i2 -32768"
has "... and where none is, it is not" r.nc "n_max i2(lat 5, lon 6)"
has "... with what stands for none" r.nc "n_max:_FillValue = i2 -32767"
is "... in its place" "-32767 -32767" "$("$look" r.nc n_min | head -n 1) $("$look" r.nc n_max | sed -n 9p)"
quern run sum --over time -o r.nc -d big grid.h5
check "sums of more than 64 bits: a warning" grep -q "warning: r.nc: field sum has integers beyond 64 bits" err
has "... they are float64" r.nc "big_sum f8(lat 5, lon 6)"
is "... the nearest" 3.6893488147419103e+19 "$("$look" r.nc big_sum | head -n 1)"
quern run sum --over time -s 0:1 -o r.nc -d big grid.h5
is "fewer bits: no warning" "0 " "$status $(cat err)"
has "... int64" r.nc "big_sum i8(lat 5, lon 6)"
quern run sum --over -1 -o r.nc -d plain grid.h5
has "dimensions without names" r.nc "plain_sum i8(dim_0 8, dim_1 5)"
quern run topk --k 2 --over lat,lon -o r.nc -d t grid.h5
has "places come last" r.nc "t_values f4(time 8, place 2)"
quern run histogram --bins 3 --range 200,300 --over time,lat -o r.nc -d t grid.h5
has "... and bins" r.nc "t_counts i8(lon 6, bin 3)"
quern run sum --over time -o r.h5 -d t grid.h5
has "HDF5 is the same" r.h5 "t_sum:cell_methods = area: mean time: sum"
quern run moments --over time -o r.h5 -d t grid.h5
answers "a result is data" run sum --json -d t_mean r.h5
is "... of which some is missing" 1 "$(field result.missing)"
quern run count --over lat,lon -o r.nc --raw -d t grid.h5
is "replaces a result" 0 "$status"

# --- a large one is compressed ---
generate cf.nc
quern run histogram --bins 128 --range 200,300 --over 0 -o r.nc -d packed cf.nc
has "in chunks, shuffled and deflated" r.nc "packed_counts i8(dim_1 30, dim_2 40, bin 128) 25x40x128 +2 +1"
quern run histogram --bins 128 --range 200,300 --over 0 --json -d packed cf.nc
check "... with all its values" cmp <("$look" r.nc packed_counts) <(jq '.result.counts | flatten[]' out)

# --- CSV ---
quern run minmax --over time -o r.csv -d t grid.h5
is "CSV: a line a cell" "30 lat,lon,count,missing,min,max,argmin_0,argmin_time,argmax_0,argmax_time" \
	"$(grep -v '^#' r.csv | tail -n +2 | wc -l) $(grep -v '^#' r.csv | head -n 1)"
is "... what has no value is empty" "40,120,0,8,,,,,," "$(grep '^40,120,' r.csv)"
quern run sum --over lat,lon -o r.csv -d t grid.h5
check "... dates" grep -q '^2001-01-01T06:00:00,[0-9]*,[0-9]*,[0-9.]*$' r.csv
quern run moments --over time -o r.csv -d t grid.h5
quern run moments --over time --json -d t grid.h5
is "... values are those of the document" "$(jq -r '.result.count | flatten[]' out)" \
	"$(grep -v '^#' r.csv | tail -n +2 | cut -d, -f3)"
quern run sum --over time -o r.csv -d big grid.h5
check "... with all digits" grep -q ',36893488147419103232$' r.csv

# --- the table ---
answers "a table" run minmax --over lat,lon -d t grid.h5
prints "... says over what" '^  over +lat,lon$'
prints "... and which cells there are" '^  cells +8: time 8$'
prints "... has a head" '^ +time +count +missing +min +max +argmin +argmin_lat +argmin_lon +argmax +argmax_lat +argmax_lon$'
is "... and a line a cell" 8 "$(grep -c '^  2001-01-0[12]T' out)"
answers "a table of a result with float32 coordinates" run sum --over time,lon -d t grid.h5
prints "... shows them as they were meant" '^ +0\.1 +4[0-9] '
answers "a long one" run moments --over lon -s time=0:8 -d t grid.h5
is "... of 40 cells has a line each" 40 "$(grep -c '^  2001' out)"
answers "one that is too long" run moments --over 0 -d /packed cf.nc
prints "... has the ends of each field" '^  mean +[0-9.]+ to [0-9.]+'
prints "... and says what to do" '-o FILE.nc, -o FILE.csv or --json'
is "... not a line a cell" 0 "$(grep -c ' 29 ' out)"

# --- groups ---
quern run moments --by 'hour(time)' -o r.nc -d t grid.h5
has "a group's cells: what they are" r.nc "t_mean:standard_name = air_temperature"
has "... and were made of" r.nc "t_mean:cell_methods = area: mean time: mean within days time: mean over days lat: lon: mean"
has "... and of which places" r.nc "lat:bounds = lat_bnds"
quern run moments --by 'season(time)' -o r.nc -d t grid.h5
has "seasons are numbers that have words" r.nc "season:flag_meanings = DJF"
quern run sum --by station -o r.nc -d named grid.h5
has "words with blanks are no flags: they are beside the numbers" r.nc "named_sum:coordinates = station_label z"
is "... and no flags are there" 0 "$("$BUILDDIR/tests/tools/look" r.nc | grep -c flag_)"
quern run sum --by station -o r.json -d named grid.h5
is "... in the same order" '["abc","d f"] [6,15]' "$(jq -c .result.coords.station r.json) $(jq -c .result.sum r.json)"
quern run sum --by 'bin(lat, [-90,0,90])' -o r.csv -d n grid.h5
is "bins of CSV are where they begin" "-90 0" "$(grep -v '^#' r.csv | tail -n +2 | cut -d, -f1 | xargs)"

# --- what a reduced coordinate stands for ---
stands_for()
{
	quern run sum --over "$1" -o r.nc -d "v_$1" "${@:2}" cells.h5
	"$look" r.nc >lines 2>&1
	grep -q "^$1 f8()" lines || echo none
	[ ! -s err ] || cat err
	grep -q "^$1 f8()" lines && "$look" r.nc "$1" && "$look" r.nc "$1_bnds" | xargs && grep "^$1:comment" lines
}

gaps='comment = there are gaps between the values that it stands for'
is "cells whose bounds rise along a coordinate that falls" "0 75 -75" "$(stands_for falls | xargs)"
is "... one of them" "50 25 75" "$(stands_for falls -s falls=0 | xargs)"
is "... every second one" "0 75 -75 falls:$gaps" "$(stands_for falls -s falls=::2 | xargs)"
is "cells with gaps between them" "10 -1 21 gaps:$gaps" "$(stands_for gaps | xargs)"
is "... one cell has none" "10 9 11" "$(stands_for gaps -s gaps=1 | xargs)"
is "values without bounds" "60 0 120" "$(stands_for turned -s turned=1: | xargs)"
is "... that are in no order have no first and last" none "$(stands_for turned)"
quern run sum --over lat -s lat=::2 -o r.nc -d t grid.h5
has "a comment of the file stays beside that" r.nc \
	"lat:comment = of the cell; there are gaps between the values that it stands for"
quern run sum --over z -o r.nc -d named grid.h5
has "a level is named as such" r.nc "named_sum:coordinates = z"
is "... and not hidden" 0 "$("$look" r.nc | grep -c '^z:cdi')"
quern run sum --over k -o r.nc -d v_falls cells.h5
has "CDO is told to pass over what is neither a place nor a level" r.nc "k:cdi = ignore"

# --- reduced dimensions that stay ---
quern run sum,minmax --over lon,time --keepdims -o r.nc -d t grid.h5
has "reduced dimensions stay, in their places" r.nc "t_sum f8(time 1, lat 5, lon 1)"
has "... with coordinates" r.nc "lon f8(lon 1)"
is "... in the middle of their bounds" "150 0 300" "$("$look" r.nc lon) $("$look" r.nc lon_bnds | xargs)"
is "... as dimensions, which no variable names beside them" 0 "$("$look" r.nc | grep -c '^t_sum:coordinates')"
has "... and places are along what is reduced" r.nc "t_argmax i8(time 1, lat 5, lon 1, dimension 2)"
check "... and the file says so" grep -q "reduced dimensions are of length 1" r.nc
sums=$("$look" r.nc t_sum | xargs)
quern run sum --over lon,time -o r.nc -d t grid.h5
is "... with the values that are without" "$sums" "$("$look" r.nc t_sum | xargs)"
is "in a document" '["time","lat","lon"] [1,5,1] [150] true' \
	"$(quern run sum --over lon,time --keepdims -d t grid.h5 --json &&
		jq -r '[.result.dims, .result.shape, .result.coords.lon, .input.keepdims] | map(tojson) | join(" ")' out)"
quern run sum --over lon,time --by 'hour(time)' --keepdims -o r.nc -d t grid.h5
has "a time that groups have stays no second time" r.nc "t_sum f8(time 4, lat 5, lon 1)"
quern run sum --by lat --keepdims -s lat=1 --json -d t grid.h5
is "of groups all of them stay, but a name is there once" 2 "$status"
quern run sum --by zone=lat --keepdims --json -d t grid.h5
is "... under another name" "[5,1,1,1]" "$(jq -c .result.shape out)"
refuses 2 "plain numbers have no dimensions" "--keepdims: everything is reduced to plain numbers" \
	run sum --keepdims -d t grid.h5

# --- times of groups ---
quern run moments --by 'month(time)' -o r.nc -d v curved.h5
has "months have times, which are the dimension" r.nc "time f8(time 2)"
has "... and the months are on it" r.nc "month i8(time 2)"
has "... which readers find" r.nc "v_mean:coordinates = month y x height"
has "... and CDO passes over" r.nc "month:cdi = ignore"
has "... of which they are a climatology" r.nc "time:climatology = climatology_bnds"
is "... in the middle of the first month" "11368 11397.5" "$("$look" r.nc time | xargs)"
is "... from the first to the last" "11354 11747 11382 11778" \
	"$("$look" r.nc climatology_bnds | xargs)"
has "... a minimum of minima" r.nc \
	"v_min:cell_methods = time: mean time: minimum within years time: minimum over years y: x: minimum"
has "... but a deviation of all" r.nc "v_stddev:cell_methods = time: mean time: y: x: standard_deviation"
quern run mean --by 'year(time)' -o r.nc -d v curved.h5
is "years have bounds" "11323 11688 11688 12053" "$("$look" r.nc time_bnds | xargs)"
quern run mean --by 'year(time),month(time)' -o r.nc -d v curved.h5
has "months of years are no climatology" r.nc "v:cell_methods = time: mean time: y: x: mean"
quern run mean --by 'yearmonth(time)' --over time -o r.nc -d v curved.h5
has "stretches of time are times" r.nc "yearmonth:standard_name = time"
is "... and there is no other time" 0 "$("$look" r.nc | grep -c '^time')"
quern run mean --by 'month(time)' -o r.nc -d years/a,year/b july.h5
is "times of groups rise, from July on too: those of January are of the next year" "11703.5 11884.5" \
	"$("$look" r.nc time | xargs)"
is "... and beyond what there is if need be" "11703.5 11884.5 11915.5" "$("$look" r.nc time_b | xargs)"
has "groups of another dataset are called after it" r.nc "month_b i8(time_b 3)"
quern run mean --over time --where 'time > "2001-03"' -o r.nc -d v curved.h5
has "a condition is said" r.nc "v:cell_methods = time: mean time: mean (of the elements that the global attribute where holds for)"
quern run mean --over time -o r.nc -d v curved.h5
has "the mean of means" r.nc "v:cell_methods = time: mean"
has "coordinates of two dimensions stay with these" r.nc "yc f4(y 2, x 3)"
has "... and scalars" r.nc "height f8()"
has "... named" r.nc "v:coordinates = time yc xc height"
has "... with their attributes" r.nc "yc:standard_name = latitude"
has "... and what stands for none" r.nc "yc:_FillValue = f4 9.969209968386869e+36"
is "... in its place" "50 51 52 9.969209968386869e+36 61 62" "$("$look" r.nc yc | xargs)"
is "... without bounds that are not there" 0 "$("$look" r.nc | grep -c 'xc:bounds')"
quern run mean --over time -s x=1:3,y=1 -o r.nc -d v curved.h5
is "... of what is selected" "11 21" "$("$look" r.nc xc | xargs)"
quern run mean --over y,time -o r.nc -d v curved.h5
has "... not without one of them" r.nc "v:coordinates = time y height"

# --- names ---
quern run moments --over 0 -o r.nc -d odd curved.h5
has "a name that no dataset can have" r.nc "odd_sum f8(a_b 3)"
has "... is the same everywhere" r.nc "odd_sum:cell_methods = a_b: sum"
quern run histogram --bins 2 --range 0,9 --by 'bin=bin(x,[0,2,4])' -o r.nc -d v curved.h5
has "groups are told apart from places" r.nc "v_counts i8(bin 2, bin_2 2)"
refuses 2 "groups called as a variable" \
	"quern: --by: the groups of month\\(time\\) would be called v_mean, as the field mean of the result: name them otherwise with --by NAME=month\\(time\\)" \
	run moments --by 'v_mean=month(time)' -d v curved.h5
refuses 2 "... as a column" "would be called count, as the field count of the result" \
	run moments --by 'count=month(time)' -d v curved.h5
refuses 2 "... as a dimension" "would be called as the dimension x that is kept" \
	run moments --over time --by 'x=month(time)' -d v curved.h5

# --- chunks that are decoded go to cells by parts, which changes nothing: by latitudes, by times, by both of one time ---
# parts SHAPE KERNEL...: what kernels say of t2m in such chunks, as of the same in raw chunks of a time.
parts()
{
	local shape=$1 kernel fields

	shift
	climate --chunk-shape "$shape" parts.nc
	for kernel in "$@"; do
		for file in plain parts; do
			quern run "$kernel" -d t2m --over time --threads 2 --json $file.nc
			jq -cS .result out >$file.json
		done
		jq_true '.shape == [70, 93]' plain.json || echo "$kernel: no such map"
		cmp -s plain.json parts.json || echo "$kernel: other values"
	done
}
climate()
{
	"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 24 --lat 70 --lon 93 --missing "${missing:-4}" "$@"
}
for missing in 0 4; do
	climate --raw --chunk-shape 1,70,93 plain.nc
	for shape in 24,70,93 24,40,50 1,70,93; do
		is "chunks of $shape, $missing% missing, by parts" "" "$(parts $shape std minmax median range)"
		rm parts.nc
	done
	rm plain.nc
done

# --- what is refused ---
refuses 2 "no such dimension" "--over 'lot': /t has no such dimension; it has time, lat, lon; did you mean 'lat'" \
	run sum --over lot -d t grid.h5
refuses 2 "a dimension twice" "there twice" run sum --over lat,1 -d t grid.h5
refuses 2 "a name of two dimensions" "2 dimensions of /twice have this name" run sum --over lat -d twice grid.h5
answers "... its number" run sum --over 0 --json -d twice grid.h5
refuses 2 "a misspelt dimension" \
	"^quern: --over 'tme': /t has no such dimension; it has time, lat, lon; did you mean 'time'\?\$" \
	run mean -d t --over tme grid.h5

finish
