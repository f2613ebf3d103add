#!/usr/bin/env bash
# --partial and quern merge: states of parts of the data make what one run over all of it makes, bit by bit, in whatever
# pieces and whatever order they were merged; what does not belong together, or would count twice, is refused.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
env "$fast" "$BUILDDIR/tests/tools/parts" || exit 1
RANDOM=${MERGE_SEED:-1}
echo "# MERGE_SEED=${MERGE_SEED:-1}"

result()
{
	jq -cS .result "$1"
}

# part FILE ARG...: writes a part, in silence.
part()
{
	local file=$1

	shift
	"$QUERN" run "$@" -d t --partial "$file" >part.out 2>part.err || echo "$*: $(cat part.err)"
	[ ! -s part.out ] || echo "$*: says $(cat part.out)"
}

# merged NAME PART...: the result is that in `want`.
merged()
{
	local name=$1

	shift
	quern merge "$@" --json
	if [ "$status" -eq 0 ]; then
		is "$name" "$(cat want)" "$(result out)"
	else
		fail "$name" "$(cat err)"
	fi
}

# Of 48 times two to five pieces, by chance: the beginnings of pieces, and the end.
cuts()
{
	local n=$((1 + RANDOM % 4)) i

	{
		echo 0
		echo 48
		for ((i = 0; i < n; i++)); do echo $((1 + RANDOM % 47)); done
	} | sort -nu
}

# --- every kernel: selections of one file, files, and merges of merges ---
t_files="t_0.h5 t_1.h5 t_2.h5 t_3.h5 t_4.h5"
set -f # a * is one
while read -r args; do
	# shellcheck disable=SC2086 # words
	{
		"$QUERN" run $args --json -d t whole.h5 2>/dev/null | jq -cS .result >want
		begin=
		said=
		list=()
		for at in $(cuts); do
			if [ "$begin" ]; then
				said+=$(part "s_$begin" $args -s "$begin:$at" whole.h5)
				list+=("s_$begin")
			fi
			begin=$at
		done
		mapfile -t list < <(printf '%s\n' "${list[@]}" | sort -R --random-source=<(yes $RANDOM))
		is "$args: parts" "" "$said"
		merged "$args: selections ${list[*]}" "${list[@]}"
		said=$(part t_0 $args t_0.h5 t_1.h5; part t_2 $args t_2.h5; part t_4 $args t_3.h5 t_4.h5)
		is "$args: parts of files" "" "$said"
		[[ $args != *--approx* ]] || continue
		"$QUERN" run $args --json -d t $t_files 2>/dev/null | jq -cS .result >want
		"$QUERN" merge t_0 t_2 --partial two
		merged "$args: files, and a merge of a merge" two t_4
	}
done <<'END'
moments
moments --order 4 --over time
moments --over lon --keepdims
moments --weights abs(lat)+1 --over lat,lon
moments --by month(time) --over time
moments --by bin(lat,-90:90:30),season(time) --pairs
moments --by date(time) --where t>2
mean --rolling time=3 --over lat,lon
moments --nan keep --raw
moments --fields mean,count --over time
minmax
minmax --over time
minmax --by dayofyear(time)
sum --expr t+lat --over time
count --where t>1
mean --by hour(time)
std
min --over lon
topk --k 7
topk --k 3 --smallest --over time
topk --k 3 --over lat,lon
histogram --bins 7 --range -3,3
histogram --edges -2,0,1 --by month(time)
histogram2d --bins 3,4 --range -3,3,-9,9 --with lat
quantiles --q 0.1,0.5 --over time
median --over lat,lon
quantiles --q 0.1,0.9 --approx 0.05
distinct
distinct --over time
mode
mode --over lat,lon
corr --with t+lat
var
rms
max
range --over time
cov --with t+lat --over time
regress --with lat
trend --over time
mean,topk,histogram --k 2 --bins 3 --range 0,1
END

set +f
# Every kernel is above, or is refused with the reason and what to use instead.
tried=' '$(sed -n '/^done <<.END.$/,/^END$/p' "${BASH_SOURCE[0]}" | sed -n 's/^\([a-z0-9,]*\) *.*/\1/p' | tr ',\n' '  ')' '
quern kernels --json
for kernel in $(jq -r '.kernels[].name' out); do
	case $tried in *" $kernel "*) continue ;; esac
	refuses 2 "$kernel" "kernel $kernel (looks at all data several times.*run it over all files|is of elements that follow each other)|needs|--" \
		run "$kernel" -d t --partial none whole.h5
done
refuses 2 "exact quantiles" "kernel quantiles looks at all data several times.*--approx" \
	run quantiles --q 0.5 -d t --partial none whole.h5
refuses 2 "a histogram of the range that there is" "kernel histogram looks at all data several times.*--range" \
	run histogram -d t --partial none whole.h5
check "nothing was written" test ! -e none

# --- along another dimension, members of an ensemble, selections of two dimensions ---
"$QUERN" run minmax --over lat --json -d t --along lon l_0.h5 l_1.h5 l_2.h5 | jq -cS .result >want
is "parts along lon" "" "$(for i in 0 1 2; do part l_$i minmax --over lat l_$i.h5; done)"
merged "files along lon" l_0 l_1 l_2 --along lon
"$QUERN" run minmax --json -d t --along lon l_0.h5 l_1.h5 l_2.h5 | jq -cS .result >want
is "a part of two files along lon" "" "$(part l_0 minmax --along 2 l_0.h5 l_1.h5; part l_2 minmax l_2.h5)"
merged "... is joined as it is" l_0 l_2
refuses 2 "along another one" "joined along dimension 2" merge l_0 l_2 --along time
"$QUERN" run topk --k 3 --json -d t --stack m --over m,lat,lon e_0.h5 e_1.h5 e_2.h5 e_3.h5 | jq -cS .result >want
is "members" "" "$(for i in 0 1 2 3; do part e_$i topk --k 3 --stack m --over m,lat,lon e_$i.h5; done)"
merged "members of an ensemble" e_0 e_1 e_2 e_3
"$QUERN" run minmax --over lon --json -d t -s '0:10+20:48:2,::2,3:9' whole.h5 | jq -cS .result >want
is "boxes" "" "$(
	part b0 minmax --over lon -s ':10,::2,3:5' whole.h5
	part b1 minmax --over lon -s ':10,::2,5:9' whole.h5
	part b2 minmax --over lon -s '20::2,::2,3:9' whole.h5
)"
merged "boxes of one grid, a union of pieces" b2 b0 b1
refuses 2 "a box that is missing" "do not make one: of the 432 elements of all their indexes they have 312" merge b0 b2

# --- files, bytes of variables ---
look=$BUILDDIR/tests/tools/look
"$QUERN" run moments --over lat -d t $t_files -o want.nc 2>/dev/null
is "parts of a map" "" "$(part t_0 moments --over lat t_0.h5 t_1.h5; part t_2 moments --over lat t_2.h5 t_3.h5 t_4.h5)"
check "a file of a merge" "$QUERN" merge t_0 t_2 -o got.nc
"$look" want.nc | grep -v history >want
"$look" got.nc | grep -v history >got
check "... is that of one run" cmp got want
check "a part of parts" "$QUERN" merge t_0 t_2 --partial all
rm -f t_?.h5.bak
mkdir away && mv t_0.h5 t_1.h5 t_2.h5 t_3.h5 t_4.h5 away
check "... needs no file" "$QUERN" merge all -o got.nc --force
"$look" got.nc | grep -v history >got
check "... and has the same bytes" cmp got want
mv away/* .
"$QUERN" run minmax --over lat -d t --json $t_files | jq -cS .result >want
is "parts by ranks" "" "$(part t_0 minmax --over lat t_0.h5 t_1.h5
	timeout "$hang" $MPIRUN -n 3 "$QUERN" run minmax --over lat -d t --partial t_2 t_2.h5 t_3.h5 t_4.h5 2>&1)"
merged "... are merged" t_0 t_2
for n in 2 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" merge t_0 t_2 --json >out 2>err
	is "... on $n ranks" "$(cat want)" "$(result out)"
done
answers "a table" merge t_0 t_2
cp t_0 one.part
timeout "$hang" $MPIRUN -n 2 "$QUERN" run minmax --over lat -d t --partial t_0 t_0.h5 t_1.h5 >out 2>&1
check "a part is the same on any number of ranks" cmp one.part t_0

# Two sites with files of one name.
mkdir a b && cp -p t_0.h5 a/x.h5 && cp -p t_1.h5 b/x.h5
"$QUERN" run minmax --over lat -d t --json t_0.h5 t_1.h5 | jq -cS .result >want
is "sites" "" "$(cd a && part ../site_a minmax --over lat x.h5; cd ../b && part ../site_b minmax --over lat x.h5)"
merged "files of one name" site_a site_b

# --- what is refused ---
is "parts" "" "$(
	part x0 moments -s :20 whole.h5
	part x1 moments -s 20: whole.h5
	part x2 moments -s 19:30 whole.h5
	part x3 moments --order 4 -s 20: whole.h5
	part x4 sum -s 20: whole.h5
	part x5 moments --where 't > 0' -s 20: whole.h5
	part y0 moments --over time t_0.h5
	part y1 moments --over time bad_extent.h5
	part y2 moments --over time bad_name.h5
	part y3 moments --over time bad_type.h5
	part y4 moments --over time bad_units.h5
	part y5 moments --over time l_0.h5
)"
"$QUERN" merge x0 x1 --partial x01
for pair in "x0 x0" "x0 x2" "x01 x0" "x1 x01" "x01 x01"; do
	# shellcheck disable=SC2086 # words
	refuses 2 "twice: $pair" "both have elements of whole.h5: they would count twice" merge $pair
done
cp x0 x0.copy
refuses 2 "a copy" "both have elements of whole.h5" merge x0 x0.copy
refuses 2 "another option" "do not belong together: --order is '2' in one, and '4' in the other" merge x0 x3
refuses 2 "another kernel" "kernel is 'moments' in one, and 'sum' in the other" merge x0 x4
refuses 2 "a condition" "--where is not given in one, and 't > 0' in the other" merge x0 x5
refuses 3 "another extent" "the length of dimension lon is 10 in one, and 9 in the other" merge y0 y1
refuses 2 "another dimension" "dimensions of the dataset is 'time, lat, lon' in one, and 'time, lat, x'" merge y0 y2
refuses 2 "another type" "its type is '.*' in one, and '.*' in the other" merge y0 y3
refuses 2 "another unit" "its unit is '.*' in one, and '.*' in the other" merge y0 y4
refuses 2 "no part" "no part is given" merge
refuses 3 "what is none" "whole.h5: is no part" merge whole.h5 x0
refuses 3 "what is not there" "nowhere: No such file" merge nowhere x0
refuses 2 "a result too" "--partial: the state is written, and there is no result" \
	run moments -d t --partial z --json whole.h5
refuses 2 "chunks that are left out" "leave --on-bad-chunk skip out" \
	run moments -d t --partial z --on-bad-chunk skip whole.h5
refuses 2 "several datasets" "--partial: -d names 2 datasets" run moments -d t,lat --partial z whole.h5
is "parts of other places" "" "$(part y6 moments --over time l_1.h5; part y7 moments l_0.h5; part y8 moments l_1.h5)"
refuses 3 "other coordinates" "the coordinate lon is .* at index 0 in one, and .* in the other" merge y5 y6 --along 0
answers "... of what is reduced are no matter" merge y7 y8
check "nothing was written" test ! -e z

# --- damage: each byte of the head, of the state, and some of the rest, is wrong; the end is missing ---
nbytes=$(stat -c %s x0)
"$QUERN" merge x0 x1 --json | jq -cS .result >want
odd=
for at in $(seq 0 7 160) $(seq 160 997 "$nbytes") $(seq $((nbytes - 700)) 11 $((nbytes - 1))); do
	cp x0 hurt
	byte=$(od -An -tu1 -j "$at" -N 1 x0)
	printf '%b' "\\x$(printf %x $((byte ^ (1 << RANDOM % 8))))" | dd of=hurt bs=1 seek="$at" conv=notrunc 2>/dev/null
	quern merge hurt x1 --json
	case $status in
	3) [ "$(wc -l <err)" = 1 ] || odd+=" $at: $(cat err)" ;;
	*) odd+=" $at: exit code $status" ;;
	esac
done
is "no byte may be wrong" "" "$odd"
odd=
for length in 0 1 15 60 128 160 1000 $((nbytes / 2)) $((nbytes - 9)) $((nbytes - 1)); do
	head -c "$length" x0 >hurt
	quern merge hurt x1 --json
	[ "$status" = 3 ] || odd+=" $length: exit code $status"
done
is "no end may be missing" "" "$odd"
cat x0 x1 >hurt
refuses 3 "two in one" "cut off, or added to" merge hurt
