# shellcheck shell=bash
# hosts_inside.sh - what quern does on the hosts of the lab; runs on their head. hosts.sh starts it.
#
#	$SHARE		the shared directory: bin/, the files
#	$LOCALDIR	the disk that each host has to itself
#
# Every mpirun has a time limit that only what hangs takes, and whose end fails the case. Figures of time
# are shown; how fast hosts are is measured by bench/run.sh.

# shellcheck disable=SC2086 # $moments and options of mpirun are words
# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"
# shellcheck source=/dev/null
. "$LAB/env"

quern=$SHARE/bin/quern
limit=120
hosts=4
moments="moments -d t2m"
local_file=$LOCALDIR/data.nc
keepalive="--mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3"

lab()
{
	"$SHARE/lab.sh" "$@"
}

# each COMMAND...: on every host; fails when it fails on one.
each()
{
	local i failed=0

	for i in $(seq $hosts); do
		lab exec "n$i" "$@" || failed=1
	done
	return $failed
}

# "n1:2,n2:2,...": every host, with so many ranks.
all_hosts()
{
	local i list=

	for i in $(seq $hosts); do
		list="$list${list:+,}n$i:$1"
	done
	echo "$list"
}

# mpi HOSTS N COMMAND...: what it writes is in out and err, its exit code in $status, the seconds it
# took in $seconds. $mpi_options: more options of mpirun. Ranks that wait sleep (tests/tools/patient.c).
mpi_options=
patient="-x LD_PRELOAD=$SHARE/bin/patient.so"
mpi()
{
	local where=$1 n=$2 start=$SECONDS

	shift 2
	status=0
	timeout -k 5 $limit mpirun $patient $mpi_options --host "$where" -n "$n" "$@" \
		>out 2>err </dev/null || status=$?
	seconds=$((SECONDS - start))
	case $status in
	124 | 137) fail "mpirun ends within $limit s" "mpirun -n $n $*; $(outcome)" ;;
	esac
}

# on RANKS-A-HOST ARG...: quern on all hosts.
on()
{
	local ranks=$1

	shift
	mpi "$(all_hosts "$ranks")" $((hosts * ranks)) "$quern" "$@"
}

outcome()
{
	echo "exit $status after $seconds s; stdout:"
	head -n 20 out
	echo "stderr:"
	head -n 20 err
}

# is NAME WANT GOT
is()
{
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "'$3', not '$2'; $(outcome)"; fi
}

# field NAME: a number of `run` in the document in `out`.
field()
{
	sed -n 's/^    "'"$1"'": \(.*[^,]\),\{0,1\}$/\1/p' out
}

# seconds_of PHASE: of the document in `out`.
seconds_of()
{
	sed -n 's/^      "'"$1"'": \(.*[^,]\),\{0,1\}$/\1/p' out
}

# --- same bytes -----------------------------------------------------------------------------------

# all_kernels NAME RANKS-A-HOST FILE: every kernel, against one process, in one MPI job.
all_kernels()
{
	local name=$1 ranks=$2 file=$3 n=$((hosts * $2))

	mpi "$(all_hosts "$ranks")" $n "$SHARE/bin/ranks" "$file" $n once
	if [ "$status" -eq 0 ] && grep -q '^1\.\.' out && ! grep -q '^not ok' out; then
		pass "$name, $hosts hosts x $ranks: every kernel gives the bytes of one process"
	else
		fail "$name, $hosts hosts x $ranks: every kernel gives the bytes of one process" \
			"$(grep -A 2 '^not ok' out | head -n 20)
$(outcome)"
	fi
}

check_kernels()
{
	each cp -p "$SHARE/large.h5" "$LOCALDIR/large.h5"
	all_kernels "shared file" 1 "$SHARE/large.h5"
	all_kernels "shared file" 2 "$SHARE/large.h5"
	all_kernels "copies on private disks" 1 "$LOCALDIR/large.h5"
	all_kernels "copies on private disks" 2 "$LOCALDIR/large.h5"
}

# --- where it ran, and what crossed the network ---------------------------------------------------

check_stats()
{
	local i

	on 1 run $moments --json --stats "$SHARE/climate.nc"
	is "shared file: the command's result" "$want" "$(result)"
	is "run.hosts" $hosts "$(field hosts)"
	for i in $(seq $hosts); do
		is "--stats has n$i once" 1 "$(grep -c "^  rank [0-9]* on n$i," err)"
	done
	on 2 plan count -d t2m "$SHARE/climate.nc"
	is "plan: ranks of all hosts" "0 0 1 1 2 2 3 3" \
		"$(awk '/^ +rank +host/ { on = 1; next } on && /^ +[0-9]/ { printf "%s%d", n++ ? " " : "", $2 }' out)"
}

# The counters are believed after they have counted something known.
check_counter()
{
	local before after

	before=$(lab traffic)
	$OMPI_MCA_plm_rsh_agent n1 \
		"head -c 20000000 /dev/zero | $OMPI_MCA_plm_rsh_agent n2 'cat >/dev/null'"
	after=$(lab traffic)
	check "what crosses the network is counted" \
		test $((after - before)) -gt 20000000 -a $((after - before)) -lt 24000000
}

# A run on copies moves states, not data: the start of the programs on the hosts is most of it.
check_traffic()
{
	local ranks before bytes data

	data=$(stat -c %s "$SHARE/climate.nc")
	each cp -pu "$SHARE/climate.nc" "$local_file"
	for ranks in 1 2; do
		before=$(lab traffic)
		on $ranks run $moments --json "$local_file"
		bytes=$(($(lab traffic) - before))
		is "copies, $ranks a host: the command's result" "$want" "$(result)"
		is "copies, $ranks a host: all bytes are local" "0 $(field bytes_stored)" \
			"$(field bytes_remote) $(field bytes_local)"
		check "copies, $ranks a host: the data stay where they are" \
			test "$bytes" -lt $((data / 200))
		note "$ranks ranks a host: $((data / 1000000)) MB read, $((bytes / 1000)) kB crossed the network"
	done
}

# --- files that differ ----------------------------------------------------------------------------

# refused NAME PATTERN...: the last run ended with 3 and one message that has all patterns.
refused()
{
	local name=$1 pattern

	shift
	for pattern in "$@"; do
		if ! grep '^quern: ' err | grep -q -- "$pattern"; then
			fail "$name" "no message like '$pattern'; $(outcome)"
			return
		fi
	done
	is "$name" "3 1" "$status $(grep -c '^quern: ' err)"
}

check_differences()
{
	local at i

	each cp -pu "$SHARE/climate.nc" "$local_file"
	lab exec n3 touch -d '2001-02-03 04:05:06' "$local_file"
	on 1 run $moments "$local_file"
	refused "another version on n3, of the same size" "$local_file: host n3 " "than host n1" \
		"2001-02-03T04:05:06"
	lab exec n3 sh -c "head -c 100000000 /dev/urandom >$local_file"
	on 2 run $moments "$local_file"
	refused "another file on n3" "$local_file" n3 "100000000 bytes"
	lab exec n3 cp -p "$SHARE/climate.nc" "$local_file"
	# Others of the same size and time: an attribute near its beginning, or a value in its middle.
	for at in 3000 $(($(stat -c %s "$SHARE/climate.nc") / 2 + 1000)); do
		lab exec n3 sh -c "printf quern | dd of=$local_file bs=1 seek=$at conv=notrunc 2>/dev/null
			touch -r $SHARE/climate.nc $local_file"
		on 1 run $moments "$local_file"
		refused "another file on n3, of the same size and time, at $at" \
			"$local_file: host n3 " "than host n1" "other contents"
		lab exec n3 cp -p "$SHARE/climate.nc" "$local_file"
	done
	lab exec n3 rm "$local_file"
	on 1 run $moments --json "$local_file"
	is "no file on n3: the others have it" "$want" "$(result)"
	is "no file on n3: all bytes are local" "0 $(field bytes_stored)" \
		"$(field bytes_remote) $(field bytes_local)"
	lab exec n3 cp -p "$SHARE/climate.nc" "$local_file"
	lab exec n1 rm "$local_file"
	on 1 run $moments --json "$local_file"
	is "no file on the first host: the others have it" "$want" "$(result)"
	for i in 2 3 4; do
		lab exec "n$i" rm "$local_file"
	done
	on 1 run $moments "$local_file"
	refused "no file on any host" "$local_file" "No such file"
	on 1 run $moments "$LOCALDIR/none/*.nc"
	refused "a pattern that finds nothing on any host" "none/.*: no file matches"
	each cp -p "$SHARE/climate.nc" "$local_file"
}

# --- every host has files of its own --------------------------------------------------------------

# holds HOST FILE...: moves files of the share to the disk of a host.
holds()
{
	local host=$1

	shift
	lab exec "$host" sh -c "mkdir -p $LOCALDIR/own && cd $SHARE/own && cp -p $* $LOCALDIR/own"
}

# own_files NAME RANKS WANT ARG...: quern run on all files, which is to give what one process gives.
own_files()
{
	local name=$1 ranks=$2 one=$3

	shift 3
	on "$ranks" run "$@"
	is "files of their own, $name: the result of one process" "$one" "$(result)"
}

# The first file is not on the first host, and no host has two that follow each other.
check_homes()
{
	local one ranks before bytes data i select

	holds n3 climate_0.nc t_0.h5 t_4.h5
	holds n1 climate_1.nc t_1.h5
	holds n4 climate_2.nc t_2.h5
	holds n2 climate_3.nc t_3.h5
	"$quern" run $moments --json "$SHARE/own/climate_*.nc" >out
	one=$(result)
	data=$(cat "$SHARE"/own/climate_*.nc | wc -c)
	for ranks in 1 2; do
		before=$(lab traffic)
		own_files "$ranks a host" $ranks "$one" $moments --json "$LOCALDIR/own/climate_*.nc"
		bytes=$(($(lab traffic) - before))
		is "... all bytes are local" "0 $(field bytes_stored)" \
			"$(field bytes_remote) $(field bytes_local)"
		check "... the data stay where they are" test "$bytes" -lt $((data / 100))
		note "$((data / 1000000)) MB read, $((bytes / 1000)) kB crossed the network"
	done
	on 1 plan $moments --json "$LOCALDIR/own/climate_*.nc"
	is "plan: each host has its own" "n1 n2 n3 n4" "$(sed -n 's/^ *"name": "\(.*\)",/\1/p' out | xargs)"
	on 1 inspect --homes -d t2m "$LOCALDIR/own/climate_*.nc"
	is "inspect --homes: a quarter on each host" "n1 25.0% n2 25.0% n3 25.0% n4 25.0%" \
		"$(awk '/^  n/ { part[$1] += $NF } END { for (h in part) printf "%s %.1f%%\n", h, part[h] }' \
			out | sort | xargs)"
	on 1 inspect --homes -d t2m "$SHARE/climate.nc"
	is "... all of a file that they share on each" "n1 n2 n3 n4" \
		"$(awk '/^  n/ { part[$1] += $NF } END { for (h in part) if (part[h] > 99.8) print h }' \
			out | sort | xargs)"
	for i in 1 2 3 4; do
		echo "shared $SHARE"
		echo "label n$i rack$((i % 2))"
	done | sort -u >"$SHARE/site"
	lab exec n2 dd if="$SHARE/climate.nc" iflag=nocache count=0 2>/dev/null
	on 1 plan count -d t2m --json --site "$SHARE/site" "$SHARE/climate.nc"
	is "a site file: labels" "rack1 rack0 rack1 rack0" \
		"$(sed -n 's/^ *"\(rack.\)"$/\1/p' out | xargs)"
	is "... shared storage" "$(sed -n 's/^    "bytes_stored": \(.*\),/\1/p' out)" \
		"$(awk '/"bytes_by_tier"/ && !n++ { on = 1 } on && /"(shared|memory)"/ { s += $2 }
			/}/ { on = 0 } END { print s }' out)"
	"$quern" run minmax -d t --json "$SHARE/own/t_?.h5" >out
	own_files "of several kinds" 2 "$(result)" minmax -d t --json "$LOCALDIR/own/t_?.h5"
	for select in 3:45:7 lat=-10.0:10.0 time=2001-01-03:2001-01-07 time=100.0:,lat=0.0:; do
		"$quern" run minmax -d t -s "$select" --json "$SHARE/own/t_?.h5" >out
		own_files "-s $select" 1 "$(result)" minmax -d t -s "$select" --json \
			"$LOCALDIR/own/t_?.h5"
	done
	on 1 run minmax -d t -s time=2031-01-03:2032-01-07 "$LOCALDIR/own/t_?.h5"
	is "values that no file has" "2 1" "$status $(grep -c '^quern: --select' err)"
	lab exec n4 truncate -s 1000 "$LOCALDIR/own/t_2.h5"
	on 1 run minmax -d t "$LOCALDIR/own/t_?.h5"
	refused "one of them is damaged" "$LOCALDIR/own/t_2.h5"
}

# --- slow ranks and hosts -------------------------------------------------------------------------

# straggler NAME HOSTS N DELAYS RATE: with reads that are slowed down so that all ranks together read
# RATE KiB a microsecond, nothing is faster than that allows.
straggler()
{
	local name=$1 where=$2 n=$3 delays=$4 rate=$5 bytes ideal ratio

	bytes=$(lab exec n1 stat -c %s "$local_file")
	ideal=$(awk "BEGIN { print $bytes / 1024 / (($rate) * 1e6) }")
	mpi_options="-x QUERN_TEST_READ_DELAY=$delays" \
		mpi "$where" "$n" "$quern" run $moments --json --threads 1 "$local_file"
	ratio=$(awk "BEGIN { printf \"%.2f\", $(seconds_of work | grep . || echo 0) / $ideal }")
	note "$name: $ratio of the ideal $ideal s"
	is "$name: same bytes" "$want" "$(result)"
	check "$name: the reads are slowed down" awk "BEGIN { exit !($ratio > 0.9) }"
}

check_straggler()
{
	each cp -pu "$SHARE/climate.nc" "$local_file"
	straggler "rank 1 is four times slower" n1:2 2 '1:40000,*:10000' 1/10+1/40
	straggler "n3 is four times slower" "$(all_hosts 1)" 4 'n3:40000,*:10000' 3/10+1/40
	check "... others have its work" test "$(field chunks_leased)" -gt 20
	straggler "n3 is four times slower, 2 ranks a host" "$(all_hosts 2)" 8 \
		'n3:80000,*:20000' 3/10+1/40
	straggler "n1 is four times slower" "$(all_hosts 1)" 4 'n1:40000,*:10000' 3/10+1/40
	is "... and no byte is read from elsewhere" "0 $(field bytes_stored)" \
		"$(field bytes_remote) $(field bytes_local)"
	lab exec n2 rm "$local_file"
	lab exec n4 rm "$local_file"
	straggler "n3 is four times slower, copies on n1 and n3 alone" "$(all_hosts 1)" 4 \
		'n3:40000,*:10000' 1/10+1/40
	each cp -pu "$SHARE/climate.nc" "$local_file"
	check_small_chunks
}

# Leases of thousands of chunks, which TCP takes some time for.
check_small_chunks()
{
	local local_file=$LOCALDIR/small.nc want

	"$quern" run $moments --json "$SHARE/small.nc" >out 2>err
	want=$(result)
	each cp -p "$SHARE/small.nc" "$local_file"
	straggler "n3 is four times slower, 50000 chunks" "$(all_hosts 1)" 4 'n3:80000,*:20000' 3/20+1/80
	check "... others have its work" test "$(field chunks_leased)" -gt 5000
	note "$(field chunks_leased) chunks of $(field chunks) leased"
	each rm "$local_file"
}

# Each of two hosts that hold a file has work for those that hold it too; who cannot read it does without.
check_different_files()
{
	local want i

	each rm -f "$LOCALDIR/a.nc" "$LOCALDIR/b.nc"
	for i in 1 2 3; do lab exec "n$i" cp -p "$SHARE/climate.nc" "$LOCALDIR/a.nc"; done
	for i in 1 3 4; do lab exec "n$i" cp -p "$SHARE/small.nc" "$LOCALDIR/b.nc"; done
	"$quern" run $moments --json "$SHARE/climate.nc" "$SHARE/small.nc" >out 2>err
	want=$(result)
	mpi_options="-x QUERN_TEST_READ_DELAY=n1:40000,*:10000" \
		on 2 run $moments --threads 1 --json "$LOCALDIR/a.nc" "$LOCALDIR/b.nc"
	is "files on different hosts: same bytes" "$want" "$(result)"
	is "... all are local" "0 $(field bytes_stored)" "$(field bytes_remote) $(field bytes_local)"
	check "... work is leased" test "$(field chunks_leased)" -gt 100
	each rm -f "$LOCALDIR/a.nc" "$LOCALDIR/b.nc"
}

# --- staging --------------------------------------------------------------------------------------

staged=$LOCALDIR/stage/climate.nc

# staged_run NAME HOSTS N: a run on the catalog gives the bytes of one process.
staged_run()
{
	mpi "$2" "$3" "$quern" run $moments --json "$staged"
	is "$1: same bytes" "$want" "$(result)"
}

# copies STATE: how many are in that state, in the document in `out`.
copies()
{
	sed -n 's/^ *"'"$1"'": \([0-9]*\),\{0,1\}$/\1/p' out
}

# stages NAME HOSTS N ARG...: passes if it succeeds.
stages()
{
	local name=$1 where=$2 n=$3

	shift 3
	mpi "$where" "$n" "$quern" "$@"
	is "$name" 0 "$status"
}

check_staged_traffic()
{
	local data before bytes ranks

	data=$(stat -c %s "$SHARE/climate.nc")
	for ranks in 1 2; do
		before=$(lab traffic)
		staged_run "staged, $ranks a host" "$(all_hosts $ranks)" $((hosts * ranks))
		bytes=$(($(lab traffic) - before))
		is "staged, $ranks a host: all bytes are local" "0 $(field bytes_stored)" \
			"$(field bytes_remote) $(field bytes_local)"
		check "staged, $ranks a host: the data stay where they are" \
			test "$bytes" -lt $((data / 200))
		note "staged, $ranks a host: $((data / 1000000)) MB, $((bytes / 1000)) kB crossed the network"
	done
}

check_stage()
{
	local three=n1:1,n2:1,n3:1

	stages "stage with two replicas" "$(all_hosts 1)" $hosts \
		stage --replicas 2 --to "$LOCALDIR/stage" --json "$SHARE/climate.nc"
	is "16 shards on two hosts each" 32 "$(copies made)"
	is "each host has half of them" "8 8 8 8" "$(for i in $(seq $hosts); do
		lab exec "n$i" sh -c "ls $staged.shards/*.h5" | wc -l
	done | paste -sd ' ')"
	check_staged_traffic
	mpi n1:1,n2:1 2 "$quern" run $moments --json "$staged"
	is "shards on other hosts only" "3 1" "$status $(grep -c 'start ranks on all hosts' err)"
	mpi n1:1,n2:1 2 "$quern" stage --verify --json "$staged"
	is "... --verify" "3 1" "$status $(grep -c 'start ranks on its hosts too' err)"
	# In each of its chunks, as others may take some of them before n2 comes to them.
	lab exec n2 sh -c "f=$staged.shards/d0.s0001.h5; t=\$(stat -c %y \$f)
		for at in \$(seq 100000 100000 \$(stat -c %s \$f)) 1500000; do
			printf XXXX | dd of=\$f bs=1 seek=\$at conv=notrunc
		done; touch -d \"\$t\" \$f" 2>/dev/null
	staged_run "a damaged copy" "$(all_hosts 1)" $hosts
	check "... is read elsewhere" test "$(field chunks_failed_over)" -ge 1
	is "... and counted once" "$(sed -n 's/^    "chunks": //p' want.out)" "$(sed -n 's/^    "chunks": //p' out)"
	is "... and reported" 1 "$(grep -c 'warning: .*d0.s0001.h5.*host n2' err)"
	mpi "$(all_hosts 1)" $hosts "$quern" stage --verify --json "$staged"
	is "a damaged copy is found" "3 1 31" "$status $(copies damaged) $(copies whole)"
	lab exec n1 rm "$staged.shards/d0.s0000.h5"
	staged_run "a lost copy" "$(all_hosts 2)" $((2 * hosts))
	is "... is reported" "1 1" "$(field copies_missing) $(grep -c 'warning: 1 copies of shards' err)"
	staged_run "a lost host" "$three" 3
	lab exec n3 sh -c "f=$staged.shards/d0.s0001.h5; t=\$(stat -c %y \$f)
		printf XXXX | dd of=\$f bs=1 seek=1500000 conv=notrunc; touch -d \"\$t\" \$f" 2>/dev/null
	mpi "$(all_hosts 1)" $hosts "$quern" run $moments --json "$staged"
	is "two damaged copies are the end" "3 1" "$status $(grep -c 'no other copy can be read' err)"
	mpi "$(all_hosts 1)" $hosts "$quern" run $moments --json --on-bad-chunk skip "$staged"
	is "... or are skipped" "0 1" "$status $(field chunks_skipped)"
	mpi "$three" 3 "$quern" stage --repair --json "$staged"
	is "repair on three hosts" 0 "$status"
	is "... makes copies from others" "lost 0" "lost $(copies lost)"
	staged_run "repaired, three hosts" "$three" 3
	is "... all bytes are local" "0 $(field bytes_stored)" "$(field bytes_remote) $(field bytes_local)"
	lab exec n4 rm -rf "$LOCALDIR/stage"
	stages "repair on four hosts, one of them empty" "$(all_hosts 2)" $((2 * hosts)) stage --repair "$staged"
	mpi "$(all_hosts 1)" $hosts "$quern" stage --verify --json "$staged"
	is "... then 32 copies are whole" "0 32" "$status $(copies whole)"
	staged_run "repaired, four hosts" "$(all_hosts 1)" $hosts
	mpi n1:1,n2:1,n4:1 3 "$quern" unstage "$staged"
	is "unstage without a host: a warning" "0 1" \
		"$status $(grep -c 'warning: 8 copies are on 1 hosts' err)"
	stages "unstage the rest" "$(all_hosts 1)" $hosts unstage "$staged"
	check "nothing is left" each sh -c "test -z \"\$(ls -A $LOCALDIR/stage)\""
	lab exec n1 cp "$SHARE/climate.nc" "$LOCALDIR/only.nc"
	stages "a file that one host has" "$(all_hosts 1)" $hosts \
		stage --replicas 2 --to "$LOCALDIR/stage" "$LOCALDIR/only.nc"
	mpi "$(all_hosts 1)" $hosts "$quern" run $moments --json "$LOCALDIR/stage/only.nc"
	is "... is staged to all: same bytes" "$want" "$(result)"
	stages "... and unstaged" "$(all_hosts 1)" $hosts unstage "$LOCALDIR/stage/only.nc"
	check "nothing is left of it" each sh -c "test -z \"\$(ls -A $LOCALDIR/stage)\""
	mpi "$(all_hosts 1)" $hosts "$quern" stage --to "$SHARE/stage" "$SHARE/climate.nc"
	is "a shared directory is refused" "2 1" "$status $(grep -c 'several hosts share' err)"
}

# --- a million chunks -----------------------------------------------------------------------------

check_million()
{
	local want

	"$quern" run minmax -d t2m --json "$SHARE/million.nc" >out 2>err
	want=$(result)
	on 1 run minmax -d t2m --json "$SHARE/million.nc"
	note "$(field chunks) chunks: plan $(seconds_of plan) s of $(seconds_of total) s" \
		"($(field chunks_leased) leased)"
	is "a million chunks: same bytes" "$want" "$(result)"
}

# --- hosts that die -------------------------------------------------------------------------------

no_quern()
{
	local i

	for i in "$@"; do
		! lab exec "$i" pgrep -x 'quern|orted' >/dev/null || return 1
	done
}

# within SECONDS COMMAND...: until it succeeds.
within()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep .1
	done
}

# dies NAME HOW HOST SECONDS SURVIVORS...: a run, long enough, whose host is taken away in the middle.
dies()
{
	local name=$1 how=$2 host=$3 most=$4 runner

	shift 4
	timeout -k 5 60 mpirun $patient $keepalive -x QUERN_TEST_READ_DELAY='*:1000000' --host "$(all_hosts 1)" \
		-n $hosts "$quern" run $moments "$local_file" >out 2>err </dev/null &
	runner=$!
	if ! within 20 eval "lab exec $host pgrep -x quern >/dev/null"; then
		fail "$name: the run begins" "$(cat err)"
		kill $runner
	fi
	sleep 1.5
	lab "$how" "$host"
	SECONDS=0
	status=0
	wait $runner || status=$?
	seconds=$SECONDS
	note "$name: exit $status after $seconds s"
	if [ "$status" -ne 0 ] && [ "$seconds" -le "$most" ] && [ -s err ] && [ ! -s out ]; then
		pass "$name: the run ends with a message within $most s"
	else
		fail "$name: the run ends with a message within $most s" "$(outcome)"
	fi
	check "$name: nothing goes on elsewhere" within 5 no_quern "$@"
	check "$name: no shared memory is left" within 5 nothing_shared "$@"
}

nothing_shared()
{
	local i

	for i in "$@"; do
		[ -z "$(lab exec "$i" ls -A /dev/shm)" ] || return 1
	done
}

# A host that answers: the network may still look for the machine that had its address before.
booted()
{
	[ -e "$LAB/booted/$1" ] && ssh -F "$LAB/ssh/config" -o ConnectTimeout=1 "$1" true 2>/dev/null
}

check_deaths()
{
	each cp -pu "$SHARE/climate.nc" "$local_file"
	dies "crash of n3" crash n3 12 n1 n2 n4
	lab boot n3
	check "n3 boots again" within 30 booted n3
	on 1 run $moments --json "$local_file"
	is "after that: the command's result" "$want" "$(result)"
	dies "power failure of n4" off n4 20 n1 n2 n3
}

# --------------------------------------------------------------------------------------------------

check_repeated()
{
	local i same=0 repeats=5

	each cp -pu "$SHARE/climate.nc" "$local_file"
	for i in $(seq $repeats); do
		on $((1 + i % 2)) run $moments --json "$local_file"
		[ "$(result)" != "$want" ] || same=$((same + 1))
	done
	is "$repeats runs end with the same bytes" $repeats $same
	check "no shared memory is left" nothing_shared n1 n2 n3 n4
}

cd "$(mktemp -d)" || exit
status=0
seconds=0
"$quern" run $moments --json "$SHARE/climate.nc" >out 2>err || status=$?
want=$(result)
cp out want.out
if [ -z "$want" ]; then
	fail "there is a result to compare with" "$(outcome)"
	finish
fi
# shellcheck source=tests/machines/supervised.sh
. "$SRCDIR/tests/machines/supervised.sh"
for part in ${PARTS:-kernels stats counter traffic differences homes straggler million different_files stage repeated deaths supervised}; do
	start=$(date +%s)
	check_$part
	echo "# $part: $(($(date +%s) - start)) s"
done
finish
