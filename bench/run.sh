#!/usr/bin/env bash
#
# run.sh - quern beside the limits of this machine; `make bench` runs it.
#
# First the answers are checked against an independent program, then limits and quern are measured
# in turns, on one core and on two, and the ratios of the medians printed. The limits are programs of
# bench/ that do the least that must be done with the same stored chunks: see bench/limits.c
# and, of maps and of two datasets, bench/maps.c.
#
# Its environment:
#	QUICK=1		small data and few runs: shows that all of it works, measures little
#	BENCH_CORES	numbers of cores ("1 2", as far as there are as many)
#	BENCH_REPEAT	runs of each kind (7)
#	BENCH_DIR	where the data go and stay; otherwise /dev/shm or the build directory, and
#			they are removed
#	STRICT=1	a missed target is an error

set -euo pipefail

: "${BUILDDIR:?}" "${QUERN:?}" "${SRCDIR:?}" "${TEST_QUERN:?}"
mpirun=${MPIRUN:-mpirun}
limits=$BUILDDIR/bench/limits
mkclimate=$BUILDDIR/examples/mkclimate
out=$BUILDDIR/bench
quick=${QUICK:-}
repeat=${BENCH_REPEAT:-$([ -n "$quick" ] && echo 3 || echo 7)}
missed=0

# shellcheck source=bench/lib.sh
. "$SRCDIR/bench/lib.sh"

# --- Data -----------------------------------------------------------------------------------------

# make_file NAME OPTIONS OF MKCLIMATE...: unless it is there.
make_file()
{
	local name=$1

	shift
	[ -e "$data/$name" ] || "$mkclimate" --quiet --only t2m "$@" "$data/$name"
}

make_data()
{
	local times=$((quick ? 64 : 1024))

	nsamples=$((quick ? 100000 : 1000000))

	make_file raw.nc --raw --missing 0 --time $times --lat 512 --lon 1024
	make_file fill.nc --raw --time $((times / 2)) --lat 512 --lon 1024
	make_file deflate.nc --time $((times / 4)) --lat 512 --lon 1024
	make_file packed.nc --dtype i2 --time $((times / 2)) --lat 512 --lon 1024
	make_file contiguous.nc --raw --contiguous --missing 0 --time $((times / 2)) --lat 512 --lon 1024
	make_file small.nc --raw --time 4 --lat 181 --lon 360
	make_file many.nc --chunk 16384 --time $((quick ? 800 : 25600)) --lat 181 --lon 360
	make_file steps.nc --raw --missing 0 --time $times --lat 512 --lon 512 --chunk-shape 1,512,512
	make_file other.nc --raw --missing 0 --time $times --lat 512 --lon 512 --chunk-shape 1,512,512 \
		--seed 2
	make_file columns.nc --raw --missing 0 --time $times --lat 512 --lon 512 \
		--chunk-shape $times,16,16
	make_file steps_fill.nc --raw --time $times --lat 512 --lon 512 --chunk-shape 1,512,512
	make_file columns_fill.nc --raw --time $times --lat 512 --lon 512 --chunk-shape $times,16,16
	make_file samples.nc --raw --missing 0 --time $nsamples --lat 16 --lon 32
	for index in btree1 extensible; do
		[ -e "$data/$index.h5" ] ||
			"$out/mkchunks" --index $index --chunks $((quick ? 100000 : 1000000)) \
				"$data/$index.h5" >/dev/null
	done
}

# --- Answers --------------------------------------------------------------------------------------

# close A B: equal to ten digits.
close()
{
	awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; s = a < 0 ? -a : a
		exit !((d < 0 ? -d : d) <= 1e-10 * (s > 1 ? s : 1)) }'
}

result()
{
	sed -n '/^  "result": {/,/^  }/p' "$1"
}

check_file()
{
	local file=$data/$1 name

	"$limits" moments "$file" t2m >"$out/expected.json"
	"$QUERN" run moments -d t2m --json "$file" >"$out/got.json"
	for name in count missing min max mean variance sum; do
		close "$(field $name "$out/expected.json")" "$(field $name "$out/got.json")" ||
			die "$1: $name is $(field $name "$out/got.json")," \
				"not $(field $name "$out/expected.json")"
	done
	$mpirun -n 2 "$QUERN" run moments -d t2m --json "$file" >"$out/other.json"
	[ "$(result "$out/got.json")" = "$(result "$out/other.json")" ] ||
		die "$1: two ranks give another result"
	say "  $1: as an independent program says; two ranks give the same bytes"
}

# The covariance of a feature with itself is its variance; the matrix is checked by bench/covariance.
check_covariance()
{
	local select='lat=3:4,lon=5:6'

	"$QUERN" run covariance --samples time -d t2m -s "$select" --json "$data/$1" >"$out/got.json"
	"$QUERN" run moments -d t2m -s "$select" --json "$data/$1" >"$out/expected.json"
	close "$(result "$out/got.json" | tr -d ' \n[]' | sed 's/.*"covariance":\([^,}]*\).*/\1/')" \
		"$(field variance "$out/expected.json")" || die "$1: a covariance is not the variance"
	say "  $1: covariance as moments says"
}

# Each place of the map of a kernel, as a plain loop says.
check_maps()
{
	local pair kernel

	for pair in sum,sum mean,mean std,stddev; do
		kernel=${pair%,*}
		"$QUERN" run "$kernel" --fields "${pair#*,}" --over time -d t2m --force \
			-o "$data/map.nc" "$data/$1" >/dev/null
		"$out/maps" "$kernel" "$data/$1" t2m "$data/map.nc" >/dev/null ||
			die "$1: $kernel over time is not that of a plain loop"
	done
	say "  $1: sum, mean and std of each place as a plain loop says"
}

# check_two MODE ARGUMENTS...: the sum of two datasets, as a plain loop says.
check_two()
{
	local mode=$1

	shift
	"$out/maps" "$mode" "$data/steps.nc" t2m "$data/other.nc" >"$out/expected.json"
	"$QUERN" run sum -d t2m -d b="t2m@$data/other.nc" "$@" --json "$data/steps.nc" >"$out/got.json"
	close "$(field sum "$out/expected.json")" "$(field sum "$out/got.json")" ||
		die "$*: not the sum of a plain loop"
	say "  $*: as a plain loop says"
}

# Pairs of two datasets in 64 by 64 bins: those of $joint, as a plain loop says.
check_joint()
{
	"$out/maps" joint "$data/steps.nc" t2m "$data/other.nc" >"$out/expected.json"
	"$QUERN" run "${joint[@]}" -d t2m --force -o "$out/got.csv" "$data/steps.nc" >/dev/null
	awk -F , '$1 == "counts" { sum += (64 * $2 + $3 + 1) * $4 }
		END { printf "{\"sum\": %.17g}\n", sum }' "$out/got.csv" >"$out/got.json"
	close "$(field sum "$out/expected.json")" "$(field sum "$out/got.json")" ||
		die "${joint[*]}: not the counts of a plain loop"
	say "  ${joint[*]}: as a plain loop says"
}

# --- Measuring ------------------------------------------------------------------------------------

# verdict VALUE TARGET: yes, no, or - without a target; counts what is missed.
verdict()
{
	if [ "$2" = - ]; then
		answer=-
	elif awk -v v="$1" -v t="$2" 'BEGIN { exit !(v <= t) }'; then
		answer=yes
	else
		answer=no
		missed=$((missed + 1))
	fi
}

line='%-34s %5s  %8s %6s %8s %6s %7s %7s %7s %6s  %s\n'

head_line()
{
	# shellcheck disable=SC2059 # the format is ours
	printf "\n$line" "$1" cores limit GB/s quern 'GB/s' ratio best total target ok
}

# least CPUS MODE CORES FILE: seconds of the limit, as JSON.
least()
{
	case $2 in
	dsyrk) taskset -c "$1" "$out/covariance" dsyrk "$3" "$nsamples" 512 ;;
	map-*) taskset -c "$1" "$out/maps" "${2#map-}" "$4" t2m ;;
	two-*) taskset -c "$1" "$out/maps" "${2#two-}" "$4" t2m "$data/other.nc" ;;
	*) taskset -c "$1" "$limits" "$2" "$3" "$4" t2m ;;
	esac
}

# compare TITLE FILE MODE TARGET KERNEL...: seconds of the limit and of quern's work, in turns, after
# a turn that does not count. Ratios of the medians, of the best, and of quern's whole time.
compare()
{
	local title=$1 file=$data/$2 mode=$3 target=$4 cores cpus i l w t nbytes best

	shift 4
	for cores in ${BENCH_CORES:-1 2}; do
		cpus=$(first_cpus "$cores")
		[ -n "$cpus" ] || continue
		: >"$out/l" && : >"$out/w" && : >"$out/t"
		for ((i = 0; i <= repeat; i++)); do
			least "$cpus" "$mode" "$cores" "$file" >"$out/limit.json"
			taskset -c "$cpus" "$QUERN" run "$@" -d t2m --threads "$cores" --json \
				"$file" >"$out/run.json"
			[ $i -gt 0 ] || continue
			field seconds "$out/limit.json" >>"$out/l"
			field work "$out/run.json" >>"$out/w"
			field total "$out/run.json" >>"$out/t"
		done
		l=$(median <"$out/l")
		w=$(median <"$out/w")
		t=$(median <"$out/t")
		nbytes=$(field decoded "$out/limit.json")
		best=$(ratio "$(sort -g "$out/w" | head -n 1)" "$(sort -g "$out/l" | head -n 1)")
		row "$title" "$cores" "$l" "$w" "$t" "$nbytes" "$target" "$best"
	done
}

# compare_maps FILE: a map goes to a file in memory (of $data). Its fields are made and written in the time
# of reduction, not in that of the work, as the plain loop neither divides nor writes; total has it.
compare_maps()
{
	local map=(--over time --force -o "$data/map.nc")

	compare "sum over time" "$1" map-sum 1.25 sum "${map[@]}"
	compare "mean over time" "$1" map-mean 1.25 mean "${map[@]}"
	compare "std over time" "$1" map-std 1.3 std "${map[@]}"
}

# row TITLE CORES LIMIT WORK TOTAL BYTES TARGET BEST
row()
{
	local r rates

	r=$(ratio "$4" "$3")
	rates=$(awk -v n="$6" -v l="$3" -v w="$4" \
		'BEGIN { printf "%.2f %.2f", n / l / 1e9, n / w / 1e9 }')
	verdict "$r" "$7"
	# shellcheck disable=SC2059 # the format is ours
	printf "$line" "$1" "$2" "$(printf %.4f "$3")" "${rates% *}" "$(printf %.4f "$4")" \
		"${rates#* }" "$r" "$8" "$(ratio "$5" "$3")" "$7" "$answer"
	echo "$1,$2,$3,$4,$5,$6,$r,$7,$answer" >>"$out/bench.csv"
}

# bound TITLE VALUE UNIT TARGET: a figure with a bound.
bound()
{
	verdict "$2" "$4"
	printf '%-62s %10.3f %-4s %8s  %s\n' "$1" "$2" "$3" "$4" "$answer"
	echo "$1,,,,,,$2,$4,$answer" >>"$out/bench.csv"
}

start_up()
{
	local i

	: >"$out/t"
	for ((i = 0; i <= 2 * repeat; i++)); do
		"$limits" time /dev/null "$QUERN" run moments -d t2m "$data/small.nc" >"$out/time.json"
		[ $i -eq 0 ] || field seconds "$out/time.json" >>"$out/t"
	done
	bound "1 MB file as a singleton, start to exit" "$(median <"$out/t")" s 0.1
}

# Largest resident set of any rank, in MB.
peak()
{
	sed -n 's/.*"peak": \([0-9]*\).*/\1/p' "$1" | sort -n | tail -n 1 |
		awk '{ printf "%.1f", $1 / 1e6 }'
}

memory()
{
	local file

	for file in raw.nc deflate.nc; do
		"$limits" time /dev/null "$QUERN" run moments -d t2m "$data/$file" >"$out/peak.json"
		bound "$file, moments: peak memory of one process" "$(peak "$out/peak.json")" MB 100
		$mpirun -n 2 "$limits" time /dev/null "$QUERN" run moments -d t2m "$data/$file" \
			>"$out/peak.json"
		bound "$file, moments: peak memory of a rank, of two" "$(peak "$out/peak.json")" MB 100
	done
}

many_chunks()
{
	local index n=$((quick ? 100000 : 1000000))

	for index in btree1 extensible; do
		"$limits" time /dev/null "$QUERN" inspect "$data/$index.h5" >"$out/time.json"
		bound "$n chunks, $index: quern inspect" "$(field seconds "$out/time.json")" s 2
		"$QUERN" run sum -d x --json "$data/$index.h5" >"$out/run.json"
		[ "$(field count "$out/run.json")" = $((n * 8)) ] ||
			die "$index.h5: wrong count $(field count "$out/run.json")"
		bound "$n chunks, $index: quern run before it reads data" \
			"$(awk -v t="$(field total "$out/run.json")" \
				-v w="$(field work "$out/run.json")" 'BEGIN { print t - w }')" s 2
		bound "$n chunks, $index: quern run in all" \
			"$(field total "$out/run.json")" s -
	done
}

# prediction FILE: how far the simulation is from runs with as many threads as there are cores, if it
# knows only runs with one. Medians of runs in turns.
prediction()
{
	local cores=${BENCH_CORES:-1 2} threads i n

	threads=${cores##* }
	for n in 1 "$threads"; do : >"$out/work$n"; done
	for ((i = 0; i < repeat; i++)); do
		for n in 1 "$threads"; do
			"$QUERN" run moments -d t2m --threads "$n" --bind none -o "$out/run$n.json" "$1"
			field work "$out/run$n.json" >>"$out/work$n"
		done
	done
	sed "s/\"work\": [^,}]*/\"work\": $(median <"$out/work1")/" "$out/run1.json" >"$out/median.json"
	"$QUERN" plan moments -d t2m --threads "$threads" --simulate --calibrate "$out/median.json" \
		--json "$1" >"$out/plan.json"
	bound "$threads threads, measured over predicted from one" "$(ratio \
		"$(median <"$out/work$threads")" \
		"$(sed -n '/"simulation"/,$p' "$out/plan.json" | grep -m 1 -o '"work": [^,}]*' |
			sed 's/.* //')")" "" 1.2
}

# wall FILE ARGUMENTS...: seconds of a run from its start to its exit; the document is in FILE.
wall()
{
	local file=$1

	shift
	"$limits" time /dev/null "$QUERN" run moments -d t2m -o "$file" "$@" "$data/many.nc" \
		>"$out/time.json"
	field seconds "$out/time.json"
}

# A hundredth of the chunks of a file, in its time too: from start to exit, so with what every run
# costs, however little it reads, which is told too. A turn that does not count comes first.
selection()
{
	local times=$((quick ? 800 : 25600)) file i

	: >"$out/l" && : >"$out/t" && : >"$out/w"
	for ((i = 0; i <= repeat; i++)); do
		wall "$out/run.json" >>"$out/l"
		wall "$out/got.json" -s 0=0:$((times / 100)) >>"$out/t"
		wall "$out/other.json" -s 0=0:8,1=0:16,2=0:30 >>"$out/w"
		[ $((100 * $(field chunks "$out/got.json"))) -eq "$(field chunks "$out/run.json")" ] ||
			die "many.nc: the selection is not a hundredth of the chunks"
		[ "$(field chunks "$out/other.json")" -eq 1 ] || die "many.nc: that is not a chunk"
		[ $i -gt 0 ] || for file in l t w; do : >"$out/$file"; done
	done
	bound "$(field chunks "$out/run.json") chunks, shuffle + deflate: all of them" \
		"$(median <"$out/l")" s -
	bound "  one of them: what every run costs" "$(median <"$out/w")" s -
	bound "  1% of them: part of the time that all of them take" \
		"$(ratio "$(median <"$out/t")" "$(median <"$out/l")")" "" 0.015
}

# Very many files of one chunk each, against cat, which reads them and does nothing.
many_files()
{
	local kib n=$((quick ? 1000 : 10000)) cat quern

	for kib in 16 $((quick ? 64 : 256)); do
		[ -e "$data/files$kib" ] || { mkdir "$data/files$kib" &&
			"$out/mkfiles" $n $kib "$data/files$kib" "$data/virtual$kib.h5"; }
		find "$data/files$kib" -name '*.h5' | sort >"$out/names"
		xargs cat <"$out/names" >/dev/null
		"$limits" time /dev/null sh -c "xargs cat <'$out/names' >/dev/null" >"$out/time.json"
		cat=$(field seconds "$out/time.json")
		"$limits" time /dev/null "$QUERN" run sum -d x --json -o "$out/run.json" \
			"$data/files$kib/*.h5" >"$out/time.json"
		quern=$(field seconds "$out/time.json")
		[ "$(field count "$out/run.json")" = $((n * kib * 256)) ] ||
			die "files$kib: wrong count $(field count "$out/run.json")"
		bound "$n files of $kib KiB: quern run over cat" "$(ratio "$quern" "$cat")" x 3
		"$limits" time /dev/null "$QUERN" run sum -d x --json -o "$out/run.json" \
			"$data/virtual$kib.h5" >"$out/time.json"
		[ "$(field count "$out/run.json")" = $((n * kib * 256)) ] &&
			[ "$(field sources_missing "$out/run.json")" = 0 ] ||
			die "virtual$kib: wrong count $(field count "$out/run.json")"
		bound "$n files of $kib KiB: as one virtual dataset" "$(field seconds "$out/time.json")" s 3
	done
}

# four_hosts FILE DELAYS ARGUMENTS...: a run on four ranks that take each other for hosts, whose reads are
# slowed down; the document is in run.json.
four_hosts()
{
	local file=$1 delays=$2

	shift 2
	QUERN_TEST_HOSTS=4 QUERN_TEST_READ_DELAY=$delays $mpirun -n 4 "$TEST_QUERN" run "$@" -d t2m \
		--threads 1 --bind none -o "$out/run.json" "$data/$file"
}

# One of four hosts reads four times slower: how much longer the work takes than if all of them read what
# they can. And of very many chunks, what planning and scattering take of the run.
slow_host()
{
	local times=$((quick ? 410 : 4100))

	[ -x "$TEST_QUERN" ] || return 0
	four_hosts fill.nc '2:40000,*:10000' moments
	bound "4 hosts, one of them four times slower: work over the ideal" "$(ratio \
		"$(field work "$out/run.json")" \
		"$(awk -v n="$(field bytes_stored "$out/run.json")" \
			'BEGIN { print n / 1024 / ((3 / 10 + 1 / 40) * 1e6) }')")" x 1.3
	make_file million.nc --time $times --chunk 1000
	four_hosts million.nc '' minmax
	bound "$(field chunks "$out/run.json") chunks on 4 hosts: planning, of the run" "$(ratio \
		"$(field plan "$out/run.json")" "$(field total "$out/run.json")")" "" 0.05
}

# part TITLE PROGRAM ARGUMENTS...: a program of bench/ that measures one part and checks itself.
part()
{
	local title=$1 program=$out/$2

	shift 2
	[ -x "$program" ] || return 0
	printf '\n%s\n\n' "$title"
	"$program" "$@"
}

# shellcheck disable=SC2317 # a trap calls it
clean_up()
{
	cd /
	if [ -z "$keep" ]; then
		rm -rf "$data"
	fi
	rm -f "$out"/{l,w,t,names,limit.json,run.json,time.json,peak.json,expected.json,got.json,other.json}
}

mkdir -p "$out"
choose_dir $((quick ? 1 : 18))
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP PIPE
echo "case,cores,limit_seconds,work_seconds,total_seconds,bytes,ratio,target,ok" >"$out/bench.csv"

say "data in $data${quick:+ (QUICK: too small to measure much)}"
make_data
say "answers:"
for file in raw.nc fill.nc deflate.nc small.nc samples.nc; do
	check_file $file
done
check_covariance samples.nc
maps="steps.nc columns.nc steps_fill.nc columns_fill.nc"
b=b=t2m@$data/other.nc
cores_wanted=${BENCH_CORES:-}
for file in $maps; do
	check_maps "$file"
done
check_two where --where 'b > 280'
check_two diff --expr 't2m - b'
joint=(histogram2d --bins 64 --range 220,320,220,320 -d "$b" --with b)
check_joint

say
say "limit: seconds that the least takes (pread into cache; inflate adds libdeflate and unshuffle;"
say "plain sum adds an inexact sum; plain loops read and add in double, to each place or of two files;"
say "dsyrk multiplies doubles in memory). quern: seconds of its work."
say "Medians of $repeat runs in turns (3 of covariance); ratio is of these, best of the fastest runs, total"
say "of quern's whole time."
head_line "raw float32 against pread"
compare "minmax" raw.nc pread 1.333 minmax
compare "sum (exact)" raw.nc pread 1.6 sum
compare "moments (exact)" raw.nc pread 2.2 moments
compare "moments --order 4 (exact)" raw.nc pread - moments --order 4
head_line "exact against inexact summation"
compare "sum (exact) / plain sum" raw.nc sum - sum
head_line "raw float32 with _FillValue"
compare "minmax, 4% missing" fill.nc pread - minmax
compare "moments (exact), 4% missing" fill.nc pread - moments
head_line "$nsamples x 512 float32, raw"
repeat=3 compare "covariance / OpenBLAS dsyrk" samples.nc dsyrk 1.25 covariance --samples time
head_line "shuffle + deflate float32"
compare "moments (exact) / inflate" deflate.nc inflate 1.15 moments
compare "minmax / inflate" deflate.nc inflate 1.176 minmax
head_line "packed int16, shuffle + deflate"
compare "minmax / inflate" packed.nc inflate 1.176 minmax
head_line "raw float32, contiguous, against pread"
compare "minmax" contiguous.nc pread 1.333 minmax

BENCH_CORES=1
for file in $maps; do
	head_line "$file: maps against plain loops"
	compare_maps "$file"
done
head_line "maps, shuffle + deflate float32"
compare "mean over time / inflate" deflate.nc inflate 1.15 mean --over time --force -o "$data/map.nc"
compare "std over time / inflate" deflate.nc inflate 1.15 std --over time --force -o "$data/map.nc"
head_line "two raw files against plain loops"
compare "sum --where 'b > 280'" steps.nc two-where 1.5 sum -d "$b" --where 'b > 280'
compare "sum --expr 't2m - b'" steps.nc two-diff 1.5 sum -d "$b" --expr 't2m - b'
compare "histogram2d --with b" steps.nc two-joint 1.5 "${joint[@]}"
BENCH_CORES=$cores_wanted

printf '\n%-62s %15s %8s  %s\n' "bounds" "" target ok
start_up
memory
prediction "$data/deflate.nc"
many_chunks
many_files
selection
slow_host
if [ -z "$quick" ]; then
	part "exact sums alone, one core" exact
	part "exact sums of the points of a map over time, one core" column
	part "the way from stored bytes to tiles alone, one core" feed
	part "minmax against bare codecs, one core: at least 0.85 of their speed" codecs
	part "covariance against OpenBLAS dsyrk" covariance
fi

say
if gnuplot -e "input = '$out/bench.csv'; output = '$out/bench.png'" "$SRCDIR/bench/plot.gp" \
	2>/dev/null; then
	say "written: $out/bench.csv, bench.png"
else
	say "written: $out/bench.csv"
fi
if [ $missed -eq 0 ]; then
	say "all targets met"
else
	say "$missed targets missed"
	[ -z "${STRICT:-}" ] || exit 1
fi
