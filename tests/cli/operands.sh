#!/usr/bin/env bash
# Expressions over several datasets: by name, of the file and of others; what cannot be meant is refused.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
cp grid.h5 other.h5

# --- names ---
same "names of datasets" sum -d t --expr 't + n' grid.h5 -- sum -d a=t -d b=n --expr 'a + b' grid.h5
same "... in one option" sum -d t --expr 't + n' grid.h5 -- sum -d 'a=t,b=/n' --expr 'a + b' grid.h5
same "... of another file" sum -d t --expr 't + n' grid.h5 -- sum -d t -d "b=n@'other.h5'" --expr 't + b' grid.h5
same "... which hides what has it otherwise" sum -d t --expr 't + big' grid.h5 -- \
	sum -d t -d n=big --expr 't + n' grid.h5
same "a name alone is the dataset" sum -d t grid.h5 -- sum -d x=t grid.h5
same "... in conditions too" count -d t --where 't > 250' grid.h5 -- count -d x=t --where 'x > 250' grid.h5
quern run mean -d x=t --over time -o named.nc grid.h5
check "... and in files" [ "$("$BUILDDIR/tests/tools/look" named.nc | grep -c '^x ')" -ge 1 ]
quern run mean -d t --over time --expr 'warm = t - 250' -o named.nc grid.h5
check "the name of an expression is one of the file" [ "$("$BUILDDIR/tests/tools/look" named.nc | grep -c '^warm ')" -ge 1 ]

refuses 2 "no dataset of the files" "all of these are in files of their own" run sum -d a=t@other.h5 grid.h5
refuses 2 "a name for two" "a= is given twice" run sum -d a=t -d a=n --expr 'a + 1' grid.h5
refuses 2 "a name for nothing" "'a=' has no path" run sum -d t -d a= --expr 'a + 1' grid.h5
refuses 2 "no file after the @" "'a=n@' has no file" run sum -d t -d a=n@ --expr 'a + 1' grid.h5
refuses 2 "a name that nothing uses" \
	"--dataset: b=n@other.h5 is not used: --expr, --with, --where, --weights and --by have no such name" \
	run sum -d a=t -d b=n@other.h5 --expr 'a + 1' grid.h5
refuses 2 "... without expressions" "b=n is not used" run sum -d t -d b=n grid.h5
refuses 3 "a file that is not there" "gone.h5: cannot be opened" run sum -d t -d a=n@gone.h5 --expr 't + a' grid.h5
refuses 3 "a dataset that is not there" "no such dataset /nn" run sum -d t -d a=nn@other.h5 --expr 't + a' grid.h5

# --- coordinates of other files ---
quern run mean --over lat,lon -s 0:4 -d t -o early.nc grid.h5
quern run mean --over lat,lon -s 4:8 -d t -o late.nc grid.h5
answers "equal coordinates" run max -d t -d s=t@early.nc --expr 't - s' --json early.nc
is "... element by element" 0 "$(jq .result.max out)"
where="--expr: s: /time of /t in late.nc is 24 hours since 2001-01-01 at index 0, and that of /t in early.nc is 0 hours"
refuses 3 "others" "$where since 2001-01-01: elements that are computed with together must have the same coordinates" \
	run max -d t -d s=t@late.nc --expr 't - s' early.nc
refuses 3 "... of labels" "--by: t@late.nc: /time of /t in late.nc is 24 hours" run max -d t --by s=t@late.nc early.nc
quern run mean --over 1,2 -d plain -o plain.nc grid.h5
quern run max -d plain -d s=plain@plain.nc --expr 'plain - s' plain.nc
is "dimensions without coordinates: a warning" "0 1" \
	"$status $(grep -c 'warning: s of another file is matched by its indexes' err)"

# --- of other shapes ---
same "turned, in other chunks, of another file" sum -d t --expr 't + t' grid.h5 -- \
	sum -d t -d u=turned@turned.h5 --expr 't + u' grid.h5
same "... the other way round" sum -d turned --expr 'turned * 2' turned.h5 -- \
	sum -d turned -d u=t@grid.h5 --expr 'turned + u' turned.h5
same "... element by element" sum -d t --where '!missing(t)' --expr 't' grid.h5 -- \
	sum -d t -d u=turned@turned.h5 --where 't == u' --expr 'u' grid.h5
same "... in a selection with steps" minmax -d t -s '1:8:3,::2,1:5:2' --expr 't - 1' grid.h5 -- \
	minmax -d t -d u=turned@turned.h5 -s '1:8:3,::2,1:5:2' --expr 'u - 1' grid.h5
same "... over a dimension" minmax -d t --over lat grid.h5 -- \
	minmax -d t -d u=turned@turned.h5 --over lat --expr 'min(t, u)' grid.h5
same "... for weights" mean -d t --weights 't * t' grid.h5 -- \
	mean -d t -d u=turned@turned.h5 --weights 'u * t' grid.h5
for n in 1 3; do
	$MPIRUN -n "$n" "$QUERN" run moments -d t -d u=turned@turned.h5 --over lon --expr 't * u' \
		--json grid.h5 </dev/null 2>err | jq -cS .result
done >ranks
is "on 3 ranks the same" 1 "$(sort -u ranks | grep -c mean)"
same "two parts of one chunk" moments -d plain --expr "plain + plain" swapped.h5 -- \
	moments -d plain -d u=v --expr "plain + u" swapped.h5
refuses 3 "other extents" "short in turned.h5 has 4 elements along time, and /t has 8" \
	run sum -d t -d u=short@turned.h5 --expr 't + u' grid.h5
refuses 3 "other coordinates" \
	"--expr: u: /lat of /turned in moved.h5 is 0.2[0-9]* degrees_north at index 2, and that of /t in grid.h5 is 0.1" \
	run sum -d t -d u=turned@moved.h5 --expr 't + u' grid.h5
answers "... where they are not selected" run sum -d t -s lat=0:2 -d u=turned@moved.h5 --expr 't + u' grid.h5
same "joined files" sum -d x --expr 'x * 2' part_0.h5 part_1.h5 -- sum -d x -d w=/x --expr 'x + w' part_0.h5 part_1.h5

# --- files on one host only ---
mkdir -p elsewhere && ln grid.h5 part_0.h5 part_1.h5 elsewhere
# apart ARG...: on two hosts, of which the second, rank 2, has none but the files of the data. (mpirun of Open
# MPI 5 crashes on -n 2 -wdir A ... : -n 1 -wdir B ....)
apart()
{
	# shellcheck disable=SC2016 # expanded on the rank
	QUERN_TEST_HOSTS=2 timeout "$hang" $MPIRUN -n 3 sh -c '[ "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}" -lt 2 ] ||
		cd elsewhere || exit; exec "$0" "$@"' "$TEST_QUERN" "$@" </dev/null 2>err | jq -cS .result
}
for words in "-d t -d u=turned@turned.h5 --over lon --expr t*u grid.h5" \
	"-d t -d u=turned@turned.h5 --by k=u//20 grid.h5" "-d x -d w=/x --expr x+w part_0.h5 part_1.h5"; do
	# shellcheck disable=SC2086 # words
	apart run moments --json $words >apart.json
	# shellcheck disable=SC2086
	quern run moments --json $words
	is "a file on one host only: $words" "$(jq -cS .result out)" "$(cat apart.json)"
	check "... has values" jq_true '.count != null' apart.json
done

# --- damage ---
torn=(-d t -d u=turned@torn.h5 --expr 't + u' grid.h5)
refuses 3 "a damaged chunk" \
	"--expr: u: torn.h5: dataset /turned, chunk \(1, 1, 0\) at file offset [0-9]*: corrupt: deflate" run sum "${torn[@]}"
refuses 3 "... with cells" "chunk \(1, 1, 0\)" run sum --over lon "${torn[@]}"
quern run count --on-bad-chunk skip --json "${torn[@]}"
check "... skips what needs it" [ "$status" = 0 ]
check "... with its name" jq_true '(.run.skipped | length) > 0 and all(.run.skipped[]; .dataset == "/t" and .operand == "u")' out
is "... in words" 1 "$(grep -c 'left out: grid.h5: dataset /t, chunk (0, [0-9], [0-9]), where it needs u$' err | sed 's/[2-9]/1/')"
answers "... where it is not needed" run sum -s ':,0:2' "${torn[@]}"
for keys in 'k=u // 20' 'k=t // 20, l=u // 20'; do
	quern run count --on-bad-chunk skip --json -d t -d u=turned@torn.h5 --by "$keys" grid.h5
	check "... of a key: $keys" [ "$status" = 0 ]
	check "... with its name" jq_true '(.run.skipped | length) > 0 and all(.run.skipped[]; .operand == "u")' out
done
head -c 5000 turned.h5 >cut.h5
refuses 3 "a cut file" "--expr: u: cut.h5: cannot be opened as HDF5" run sum -d t -d u=turned@cut.h5 --expr 't + u' grid.h5

# --- what is none ---
quern run mean -d mask --expr 'mask * v' curved.h5
is "an operand on more dimensions" "2 1" \
	"$status $(grep -cF 'these are y, x; /v has all of these: take it with -d, and /mask by its name in --expr' err)"
quern run mean -d named --where 'station == "abc"' grid.h5
is "a text" "2 1" "$status $(grep -cF -- '--where: /station in grid.h5 is text, which expressions do not take: --by groups by' err)"

finish
