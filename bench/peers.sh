#!/usr/bin/env bash
#
# peers.sh - quern beside CDO, NCO, numpy with h5py, and xarray with dask; `make bench-peers` runs it.
#
# Each workload is one command a tool, as its users write it, on a file of float32 with 4% missing
# values, raw and with shuffle and deflate, all in the page cache. First the answers are compared with
# quern's; then the commands run in turns, on two cores, and the medians of the time from start to
# exit, of the processors' time, and the largest process are printed. What takes long runs once. A tool
# that is not installed, has no such operation, answers otherwise or takes too long has its reason in
# place of figures.
#
# Its environment:
#	QUICK=1		small data and one run: shows that all of it works, measures nothing
#	PEERS_LAYOUTS	layouts ("raw deflate")
#	PEERS_TOOLS	tools ("quern cdo nco numpy dask")
#	PEERS_ONLY	a pattern of workloads ("*median*")
#	PEERS_TIMES	times of 181 x 360 values (8192: 2.1 GB)
#	BENCH_REPEAT	runs of each kind (3)
#	BENCH_DIR	where the data go and stay; otherwise they are removed

set -euo pipefail

: "${BUILDDIR:?}" "${QUERN:?}" "${SRCDIR:?}"
limits=$BUILDDIR/bench/limits
mkclimate=$BUILDDIR/examples/mkclimate
out=$BUILDDIR/bench/peers
python=${PYTHON:-python3}
peers_py=$SRCDIR/bench/peers.py
quick=${QUICK:-}
repeat=${BENCH_REPEAT:-$([ -n "$quick" ] && echo 1 || echo 3)}
times=${PEERS_TIMES:-$([ -n "$quick" ] && echo 512 || echo 8192)}
tools=${PEERS_TOOLS:-quern cdo nco numpy dask}
patience=600 # seconds
long=20      # seconds: such a run is not repeated

# shellcheck source=bench/lib.sh
. "$SRCDIR/bench/lib.sh"

# name | quern run | how its result is written | how far others may be | cdo | nco
# A and B are the two files, L the labels, C the processors.
workloads='
time mean|mean --over time|nc|1e-5|-timmean A|ncra -O -v t2m A
time std|std --over time|nc|1e-4|-timstd1 A|
monthly climatology|mean --over time --by month(time)|nc|1e-5|-ymonmean A|
zonal mean|mean --over lon|nc|1e-5|-zonmean A|ncwa -O -v t2m -a lon A
full mean|mean|json|1e-5|-fldmean,weights=false -timmean A|ncwa -O -v t2m A
full median|median|json|1e-6||
median over time|median --over time|nc|1e-6||
mean by label|mean --by region=/region@L|json|1e-5||
index by month|mean --by month(time) -d b=/t2m@B --expr (t2m-b)/(t2m+b)|json|1e-4|-ymonmean -fldmean,weights=false -div -sub A B -add A B|
joint histogram|histogram2d --bins 64,64 --range 220,320,220,320 -d b=/t2m@B --with b|json|0||
'

# --- Data -----------------------------------------------------------------------------------------

make_data()
{
	local layout seed

	for layout in ${PEERS_LAYOUTS:-raw deflate}; do
		for seed in 1 2; do
			make_file "$layout$seed.nc" "$layout" --seed $seed
		done
	done
	labels=$data/labels.nc
	[ -e "$labels" ] || "$python" "$peers_py" labels "$data/${layout}1.nc" "$labels"
}

# make_file NAME LAYOUT OPTIONS OF MKCLIMATE...: unless it is there.
make_file()
{
	local file=$data/$1 layout=$2

	shift 2
	[ "$layout" != raw ] || set -- "$@" --raw
	[ -e "$file" ] || "$mkclimate" --quiet --only t2m --time "$times" "$@" "$file"
	cat "$file" >/dev/null
}

# --- Commands -------------------------------------------------------------------------------------

# Words of a table's column: blanks separate, A, B and L alone are files.
words()
{
	local word

	command_line=()
	for word in $1; do
		case $word in
		A) word=$first ;;
		B) word=$second ;;
		*@B) word=${word%B}$second ;;
		*@L) word=${word%L}$labels ;;
		esac
		command_line+=("$word")
	done
}

# command_of TOOL: $command_line, which writes $answer. False: why it cannot is in $why.
command_of()
{
	answer=$out/$1.nc
	why="no such operation"
	case $1 in
	quern)
		answer=$out/$1.$suffix
		words "$for_quern"
		command_line=("$QUERN" run "${command_line[@]}" -d t2m -o "$answer" --force "$first")
		;;
	cdo)
		[ -n "$for_cdo" ] || return
		words "$for_cdo"
		command_line=(cdo -s -O -P 2 -f nc4 "${command_line[@]}" "$answer")
		;;
	nco)
		[ -n "$for_nco" ] || return
		words "$for_nco"
		command_line=("${command_line[@]}" "$answer")
		;;
	numpy | dask)
		answer=$out/$1.npy
		command_line=("$python" "$peers_py" "$1" "$name" "$first" "$second" "$labels"
			"$answer")
		;;
	esac
}

installed()
{
	case $1 in
	quern) ;;
	cdo) command -v cdo ;;
	nco) command -v ncra ;;
	numpy | dask) "$python" "$peers_py" has "$1" ;;
	esac >/dev/null 2>&1
}

# measure TOOL: seconds, processors' seconds and bytes of one run.
measure()
{
	command_of "$1" || return
	rm -f "$answer"
	why="it fails, or takes longer than $patience s"
	taskset -c "$cpus" "$limits" time "$out/$1.out" timeout "$patience" "${command_line[@]}" \
		2>"$out/$1.err" >"$out/$1.time" || return
	[ -e "$answer" ] || return
	why=
}

# Is what TOOL answered what quern answered?
agrees()
{
	local difference

	difference=$("$python" "$peers_py" same "$out/quern.$suffix" "$answer" "$tolerance") ||
		{ why="another answer: $difference" && return 1; }
}

# --- Table ----------------------------------------------------------------------------------------

line='%-20s %-8s %-6s %9s %9s %9s %7s %7s  %s\n'

print_row()
{
	# shellcheck disable=SC2059 # the format is ours
	printf "$line" "$@"
}

record()
{
	field seconds "$out/$1.time" >>"$out/$1.wall"
	field cpu "$out/$1.time" >>"$out/$1.cpu"
	sed -n 's/.*"peak": \([0-9]*\).*/\1/p' "$out/$1.time" >>"$out/$1.peak"
}

# Those of $tools that give quern's answer, in $able, with their first run; the rest get their row.
find_able()
{
	local tool

	able=
	for tool in $tools; do
		: >"$out/$tool.wall" && : >"$out/$tool.cpu" && : >"$out/$tool.peak"
		if ! installed "$tool"; then
			why="not installed"
		elif measure "$tool" && { [ "$tool" = quern ] || agrees "$tool"; }; then
			able="$able $tool"
			record "$tool"
			continue
		fi
		[ "$tool" != quern ] || { cat "$out/quern.err" >&2 && die "$name: quern fails"; }
		print_row "$name" "$layout" "$tool" - - - - - "$why"
		echo "$name,$layout,$tool,,,,$why" >>"$out/peers.csv"
	done
}

compare()
{
	local tool i wall cpu peak

	find_able
	for ((i = 1; i < repeat; i++)); do
		for tool in $able; do
			awk -v long=$long '{ exit $1 > long }' "$out/$tool.wall" || continue
			measure "$tool" && record "$tool"
		done
	done
	for tool in $able; do
		wall=$(median <"$out/$tool.wall")
		cpu=$(median <"$out/$tool.cpu")
		peak=$(median <"$out/$tool.peak")
		[ "$tool" != quern ] || { own_wall=$wall && own_peak=$peak; }
		print_row "$name" "$layout" "$tool" "$(printf %.2f "$wall")" "$(printf %.2f "$cpu")" \
			"$(awk -v p="$peak" 'BEGIN { printf "%.0f", p / 1e6 }')" \
			"$(ratio "$wall" "$own_wall")" "$(ratio "$peak" "$own_peak")" ""
		echo "$name,$layout,$tool,$wall,$cpu,$peak," >>"$out/peers.csv"
	done
}

# shellcheck disable=SC2317 # a trap calls it
clean_up()
{
	[ -n "$keep" ] || rm -rf "$data"
}

mkdir -p "$out"
choose_dir $((quick ? 2 : 10))
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP PIPE
cpus=$(first_cpus 2)
cpus=${cpus:-$(first_cpus 1)}
make_data
echo "workload,layout,tool,seconds,processor_seconds,peak_bytes,reason" >"$out/peers.csv"
print_row workload layout tool "wall s" "cpu s" "peak MB" "x wall" "x peak" ""
for layout in ${PEERS_LAYOUTS:-raw deflate}; do
	first=$data/${layout}1.nc
	second=$data/${layout}2.nc
	while IFS='|' read -r name for_quern suffix tolerance for_cdo for_nco; do
		# shellcheck disable=SC2053 # a pattern
		[ -n "$name" ] && [[ $name == ${PEERS_ONLY:-*} ]] || continue
		compare
	done <<<"$workloads"
done
say "peers: figures in $out/peers.csv"
