#!/usr/bin/env bash
# Groups of elements, and cells in every layout of the data: each is what a run over its elements alone finds,
# however many ranks and hosts compute it.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" && "$BUILDDIR/tests/tools/layouts" virtual 64 || exit 1
generate cf.nc damaged.h5
"$BUILDDIR/examples/mkclimate" --quiet --time 12 --only t2m climate.nc &&
	"$BUILDDIR/examples/mkclimate" --quiet --time 12 --only t2m --contiguous flat.nc || exit 1
results="env $fast HWLOC_SYNTHETIC='core:4 pu:1' OPENBLAS_NUM_THREADS=1 $BUILDDIR/tests/mpi/results"

# cells NAME FILE KERNEL WHAT: the cells of a run "dataset=a over=0" are those of runs of their own; lines
# "SELECTION [PLACE,...]" on standard input. No words of a run have a space.
cells()
{
	local name=$1 file=$2 kernel=$3 what=$4 places

	cat >places
	places=$(cut -d' ' -f2 places | jq -cs .)
	cut -d' ' -f1 places | sed "s|.*|$kernel ${what%% *} select=&|" >list
	echo "$kernel $what" >whole
	sh -c "$results list $file" | sed -n 's/^result: //p' |
		jq -cS 'del(.argmin, .argmax, .coordinates, .argmin_coords, .argmax_coords, .values_coords)' >one
	sh -c "$results whole $file" >all
	sed -n 's/^result: //p' all | jq -cS --argjson places "$places" '
		del(.dims, .shape, .coords, .argmin, .argmax, .coordinates, .argmin_coords, .argmax_coords,
			.values_coords) as $r | $places[] as $p |
		$r | map_values(getpath($p))' >got
	if [ -s one ] && [ "$(wc -l <one)" -eq "$(wc -l <places)" ] && cmp -s one got; then
		pass "$name"
	else
		fail "$name" "$(diff one got | head -n 4; tail -n 1 all)"
	fi
}

# --- groups of a coordinate ---
for kernel in moments "topk k=3"; do
	cells "$kernel: hours" grid.h5 "$kernel" "dataset=t by=hour(time)" <<-END
		0::4 [0]
		1::4 [1]
		3::4 [3]
	END
	cells "$kernel: bins" grid.h5 "$kernel" "dataset=n by=bin(lat,-90:90:60)" <<-END
		:,3: [0]
		:,2:3 [1]
		:,:2 [2]
	END
	cells "$kernel: values, in rising order, and a date" grid.h5 "$kernel" "dataset=t by=lat,date(time)" <<-END
		:4,4:5 [0,0]
		4:,4:5 [0,1]
		4:,0:1 [4,1]
	END
	cells "$kernel: groups and a kept dimension" grid.h5 "$kernel" \
		"dataset=t over=time,lat by=date(time)" <<-END
		:4,:,0:1 [0,0]
		4:,:,5:6 [1,5]
	END
done
quern run sum --by 'season(time)' --json -d t grid.h5
is "a season" '["DJF"] 211' "$(jq -c .result.coords.season out) $(field result.count.0)"

# --- labels ---
quern run count --by n -s 0:1 --json -d t grid.h5
is "labels: a missing one is no group" '29 [29]' "$(jq '.result.count | length' out) $(jq -c .result.shape out)"
is "... not counted" 29 "$(jq '.result.count + .result.missing | add' out)"
jq -c '.result as $r | [[-99999, 0], [0, 3], [3, 100]] | map(. as $e | [$r.coords.n, $r.count] | transpose |
	map(select(.[0] >= $e[0] and .[0] < $e[1])[1]) | add)' out >want
quern run count --by 'part=bin(n,[-99999,0,3,100])' -s 0:1 --json -d t grid.h5
is "bins of labels" "$(cat want)" "$(jq -c .result.count out)"
is "... are called as they are told" '["part"]' "$(jq -c .result.dims out)"
quern run sum --over time,lat --by 'n=bin(n,[-99999,0,3,100])' --json -d t grid.h5
is "labels of kept dimensions" '["n","lon"] [3,6]' "$(jq -c .result.dims out) $(jq -c .result.shape out)"
is "... share out all that have one" "$(
	quern run count --by 'n=bin(n,[-99999,0,3,100])' --json -d t grid.h5
	jq '.result.count | add' out)" "$(
	quern run count --over time,lat --by 'n=bin(n,[-99999,0,3,100])' --json -d t grid.h5
	jq '.result.count | flatten | add' out)"

# --- groups whose elements lie here and there ---
# places KEYS ARG...: keys that do not depend on time, whose elements are added up by place first; and the same keys made
# of each element as it comes.
places()
{
	local keys=$1 late
	late=$(printf '%s' "$keys" | sed 's/g=\([^,]*\)/g=\1 + 0 * missing(t2m)/')

	shift
	quern run "$@" --by "$late" --json -d t2m climate.nc
	jq -cS .result out >want
	QUERN_LOG=info quern run "$@" --by "$keys" --json -d t2m climate.nc
	check "$*, by $keys: places" grep -q 'cells of [0-9]* places' err
	jq -cS .result out >got
	check "... the same as one by one" cmp -s want got
	check "... has groups" jq -e '.shape | min > 0' got
}
lands='g=floor(lon * lat / 900)'
places "$lands" moments,minmax
places "$lands" moments --order 4 --where 't2m > 275' --threads 3
places "$lands" mean --weights coslat --over time,lat
places "$lands,month(time)" std,range --memory 60M
places "$lands,band=bin(lat,-90:90:45)" sum,count --where 't2m > 300' --pairs
$MPIRUN -n 3 "$QUERN" run sum,count --by "$lands,band=bin(lat,-90:90:45)" --where 't2m > 300' --pairs --json \
	-d t2m climate.nc </dev/null 2>err | jq -cS .result >got
check "... on 3 ranks" cmp -s want got
QUERN_LOG=info quern run sum --by "$lands" --json -d t2m -s 0:7 climate.nc
is "few steps: no places" 0 "$(grep -c 'cells of [0-9]* places' err)"

# --- no element has a group ---
quern run moments --by 'bin(lat,100:200:50)' --json -d t grid.h5
is "bins that nothing is in" '0 [0,0] [null,null]' \
	"$status $(jq -c .result.count out) $(jq -c .result.mean out)"
quern run moments --by 'n' -s 0:1,1:2,2:3 --json -d t grid.h5
is "labels that are all missing" '0 [] [0]' "$status $(jq -c .result.count out) $(jq -c .result.shape out)"
quern run moments --by 'n' -s 0:1,1:2,2:3 -d t grid.h5
is "... as a table" 0 "$status"

# --- groups that no element is in ---
rows='.result as $r | [$r.coords.n, $r.count, $r.missing] | transpose | map(select(.[1] + .[2] > 0))'
quern run count --by n -s 0:1 --json -d t grid.h5
jq -c "$rows | map(select((.[0] % 3 + 3) % 3 == 1))" out >want
quern run count --by n -s 0:1 --where 'n % 3 == 1' --json -d t grid.h5
is "groups that a condition leaves out are not there" "$(cat want)" \
	"$(jq -c '.result as $r | [$r.coords.n, $r.count, $r.missing] | transpose' out)"
quern run count --by n --over time -s 0:1 --where 'n % 3 == 1' --json -d t grid.h5
is "... nor in any kept index" "$(jq -c 'map(.[0])' want)" "$(jq -c .result.coords.n out)"
quern run count --by 'bin(lat,-90:90:60)' --where 'lat > 30' --json -d t grid.h5
is "... but for bins" '[-90,-30,30] [0,0]' \
	"$(jq -c ".result.coords.lat_bin, .result.count[:2]" out | paste -sd' ')"
quern run histogram --bins 2 --by 'n,hour(time)' --where 'n == 1 && index(time) < 1' --json -d t grid.h5
is "... of a kernel of several passes" '[[1],[0]]' "$(jq -c '[.result.coords[]]' out)"
quern run sum --by n --where 'n == 1 && n == 2' --json -d t grid.h5
is "... and where none is left" '[] [0]' "$(jq -c '.result.sum, .result.shape' out | paste -sd' ')"

# --- pairs ---
quern run sum --by 'a=bin(n,[-99999,0,3,100]),date(time)' --where 't > 250' --json -d t grid.h5
jq -c '.result as $r | [range($r.shape[0]) as $i | range($r.shape[1]) as $k | select($r.count[$i][$k] > 0) |
	[$r.coords.a[$i], $r.coords.date[$k], $r.count[$i][$k], $r.sum[$i][$k]]]' out >want
pairs='.result as $r | [$r.coords.a, $r.coords.date, $r.count, $r.sum] | transpose'
for n in 1 3; do
	$MPIRUN -n $n "$QUERN" run sum --by 'a=bin(n,[-99999,0,3,100]),date(time)' --pairs \
		--where 't > 250' --json -d t grid.h5 >out 2>err </dev/null
	is "$n ranks: pairs" "$(cat want)" "$(jq -c "$pairs" out)"
	is "... have a dimension" '["group"] null' "$(jq -c '.result.dims, .result.coords.group' out | paste -sd' ')"
done
quern run sum --by 'season(time),hour(time)' --pairs --over time,lat -s ':,:,:2' -o pairs.csv -d t grid.h5
is "pairs in a table of values" 'season,hour,lon,count,missing,sum' "$(grep -v '^#' pairs.csv | head -n 1)"
quern run sum --by 'season(time),hour(time)' --pairs -d t grid.h5
is "... and in one to look at" 'season hour count missing sum' \
	"$(grep -m 1 -w season <(grep -v '  by ' out) | xargs)"
quern run sum --by 'season(time),hour(time)' --pairs -o pairs.nc -d t grid.h5
"$BUILDDIR/tests/tools/look" pairs.nc >out 2>&1
check "... and in a file" grep -qE '^season s0\(group [0-9]+\)' out
check "... whose variables name them" grep -qE '^t_sum:coordinates = season hour ' out
quern run sum --pairs -d t grid.h5
is "pairs without keys" 2 "$status"
quern run sum --by 'group=n,lat' --pairs -d t grid.h5
is "pairs and a key of the name of their dimension" 2 "$status"

# --- expressions ---
# as_where NAME KEY CONDITION...: the groups of a key are what conditions leave, on 1 and on 3 ranks.
as_where()
{
	local name=$1 key=$2 condition

	shift 2
	for condition; do
		quern run moments -d t --where "$condition" --json grid.h5
		jq -c '.result' out
	done | jq -cs 'map([.count, .missing, .sum, .mean, .min, .max])' >want
	for n in 1 3; do
		$MPIRUN -n $n "$QUERN" run moments -d t --by "$key" --json grid.h5 >out 2>err </dev/null
		is "$name, $n ranks" "$(cat want)" \
			"$(jq -c '.result | [.count, .missing, .sum, .mean, .min, .max] | transpose' out)"
	done
}
as_where "a condition on the data" 'warm=t > 250' 't <= 250' 't > 250'
as_where "... on coordinates" 'north=lat > 0' 'lat <= 0' 'lat > 0'
as_where "bins of the data" 'bin(t, [0,240,260,1000])' 't < 240' 't >= 240 && t < 260' 't >= 260'
as_where "values that are computed" 'k=t // 20' 't // 20 == 11' 't // 20 == 12' 't // 20 == 13'
as_where "... of other datasets and the data" 'k=n % 2 + 2 * (t > 250)' 'n % 2 == 0 && t <= 250' \
	'n % 2 == 1 && t <= 250' 'n % 2 == 0 && t > 250' 'n % 2 == 1 && t > 250'
# A name of -d is the same dataset whether it stands alone or in an expression, and hides what has it otherwise.
while IFS='|' read -r key plain; do
	quern run sum -d t,n=big,u=t --by "$key" --expr 't + 0 * n' --where '!missing(u)' --fields count --json grid.h5
	jq -c '.result | [.shape, .count]' out >got
	quern run sum -d t --by "$plain" --expr 't + 0 * big' --where '!missing(t)' --fields count --json grid.h5
	is "a name of -d: $key" "$(jq -c '.result | [.shape, .count]' out)" "$(cat got)"
	check "... has groups" jq_true '.result.count | flatten | add > 0' out
done <<'END'
n|big
bin(n, [0,3,9e18])|bin(big, [0,3,9e18])
u|t
END
quern run sum -d t --by masks/2t grid.h5
check "a path whose part begins with a digit is no quotient" grep -q "no dataset 'masks/2t'" err
quern run count -d t --by 't' --json grid.h5
is "the values of the data" "true true" "$(jq -r '.result | "\(.coords.t == (.coords.t | unique)) \(.count | all(. > 0))"' out)"
is "... all of them" "$(quern run count -d t --json grid.h5 && jq .result.count out)" \
	"$(quern run count -d t --by t --json grid.h5 && jq '.result.count | add' out)"
quern run sum -d t --by 'k=t // 100,hour(time)' --over lat --pairs --json grid.h5
cp out pairs
$MPIRUN -n 3 "$QUERN" run sum -d t --by 'k=t // 100,hour(time)' --over lat --pairs --json grid.h5 >out 2>err </dev/null
check "pairs with kept dimensions, 3 ranks" cmp <(jq -cS .result pairs) <(jq -cS .result out)
is "... are of the groups that there are" '["group","time","lon"]' "$(jq -c .result.dims out)"
quern run median,count -d t --by 'k=t // 20' --json grid.h5
cp out one
$MPIRUN -n 3 "$QUERN" run median,count -d t --by 'k=t // 20' --json grid.h5 >out 2>err </dev/null
check "what keeps all values, 3 ranks" cmp <(jq -cS .result one) <(jq -cS .result out)
check "... has groups" jq_true '.result.count | add > 0' out
while IFS='|' read -r key says; do
	quern run sum -d t --by "$key" grid.h5
	is "$key: exit code" 2 "$status"
	check "... says why" grep -qF -- "$says" err
	check "... and where" grep -qF '^' err
done <<'END'
k=foo > 3|nothing is named 'foo'
k=lonn > 3|nothing is named 'lonn'; did you mean 'lon'?
tim|did you mean 'time'?
month|did you mean month(time)?
window|did you mean window(time, '6h')?
seson|did you mean season(time)?
k=latt + t|did you mean 'lat'?
mnth(time)|did you mean month?
t > 3|NAME=x > 3
END
quern plan count -d t --by 'k=t // 20' --json grid.h5
is "a plan does not know how many cells there will be" '[null,null,null]' "$(jq -c '.plan | [.cells, .cells_per_sweep, .sweeps]' out)"
"$BUILDDIR/examples/mkclimate" --quiet --time 8 --only t2m many.nc
quern run histogram --bins 1000 --range 0,1 -d t2m --by 'k=t2m + index(time)' --memory 300M many.nc
is "too many groups for --memory: exit code" 1 "$status"
check "... says how many" grep -qE 'needs about [0-9]+ MiB for the [0-9]{5,} cells of the result' err

# --- layouts ---
for file in climate.nc flat.nc; do
	cells "$file: over the first" $file moments "dataset=t2m over=0" <<-END
		:,0:1,0:1 [0,0]
		:,17:18,31:32 [17,31]
	END
	cells "$file: over the middle one" $file moments "dataset=t2m over=1" <<-END
		3:4,:,5:6 [3,5]
		11:12,:,31:32 [11,31]
	END
	cells "$file: over the last" $file minmax "dataset=t2m over=2" <<-END
		0:1,17:18,: [0,17]
		11:12,2:3,: [11,2]
	END
	cells "$file: hours of places" $file sum "dataset=t2m over=time by=hour(time)" <<-END
		::4,0:1,0:1 [0,0,0]
		3::4,9:10,30:31 [3,9,30]
	END
done
cells "packed integers" cf.nc moments "dataset=packed over=0" <<-END
	:,0:1,0:1 [0,0]
	:,29:30,39:40 [29,39]
END
for over in 0 1; do
	echo "moments dataset=x over=$over" >list
	sh -c "$results list plain.h5" | grep '^result: {' >want
	for file in joined.h5 turns.h5; do
		check "$file over $over" sh -c "$results list $file | grep '^result: ' | cmp - want"
	done
	quern run moments --over $over --along 0 --json -d x s0.h5 s1.h5 s2.h5 s3.h5
	check "several files over $over" cmp <(jq -cS ".result | del(.coords)" out) \
		<(sed 's/^result: //' want | jq -cS "del(.coords)")
done
quern stage --to d climate.nc
if ! grep -q 'built without' err; then
	for what in over=0 over=2 "over=time by=hour(time)"; do
		echo "moments dataset=t2m $what" >list
		sh -c "$results list climate.nc" | grep '^result: {' >want
		check "staged: $what" sh -c "$results list d/climate.nc | grep '^result: ' | cmp - want"
	done
fi

# --- ranks and hosts ---
cat >list <<-END
	moments dataset=t2m over=0
	minmax dataset=t2m over=1,2
	sum dataset=t2m over=time by=hour(time)
	histogram dataset=t2m bins=5 by=bin(lat,-90:90:60)
	topk dataset=t2m k=2 over=1
END
sh -c "$results list climate.nc" >want
is "there are results" 5 "$(grep -c '^result: {' want)"
for hosts in 1 3; do
	QUERN=$TEST_QUERN QUERN_TEST_HOSTS=$hosts timeout "$hang" \
		$MPIRUN -n 4 "$BUILDDIR/tests/mpi/results" -m list climate.nc >got
	check "$hosts hosts" diff <(grep '^result: ' want) <(grep '^result: ' got)
done

# --- a damaged chunk: rows 32 to 47, columns 20 to 39 of 100 x 50 ---
path=$(awk '{ print $1; exit }' damaged.txt)
quern run count --over 0 --json -d "$path" damaged.h5
is "a damaged chunk: exit code" 3 "$status"
quern run count --over 0 --on-bad-chunk skip --json -d "$path" damaged.h5
is "... skipped, over the rows" "0 [100,84] 20 1" "$status $(jq -c '.result.count | unique | sort | reverse' out) $(
	jq '.result.count | map(select(. == 84)) | length' out) $(field run.chunks_skipped)"
check "... it says so" grep -q "left out: damaged.h5: dataset $path, chunk (2, 1)" err
quern run count --over 1 --on-bad-chunk skip --json -d "$path" damaged.h5
is "... over the columns" "[50,30] 16" "$(jq -c '.result.count | unique | sort | reverse' out) $(
	jq '.result.count[32:48] | map(select(. == 30)) | length' out)"

# --- what is refused ---
refuses 1 "more cells than --memory" "--memory 1M" run moments --memory 1M --over 0 -d packed cf.nc
while IFS='|' read -r name by says; do
	quern run sum --by "$by" -d t grid.h5
	is "$name" "2 1" "$status $(grep -c "^quern: --by: .*$says" err)"
	is "... where" "$by" "$(sed -n '2s/^ *//p' err)"
done <<-END
	no such key|lit|has no dataset 'lit'
	a key twice|lat,lat|two keys are called 'lat'
	a month of no time|month(lat)|the values of /lat are no times
END
refuses 2 "a key as a kept dimension" "--by NAME=lat, or reduce it" run sum --over time --by lat -d t grid.h5
refuses 2 "a kernel that sees all at once" "covariance must see all" run covariance --over 0 -d t grid.h5
refuses 2 "texts" "is text, which can only be reduced as a whole" run topk --by station -d station grid.h5
finish
