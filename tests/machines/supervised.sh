# shellcheck shell=bash
# supervised.sh - faults under quern supervise, on the hosts of the lab; hosts_inside.sh runs its parts:
#
#	supervised	two kinds of fault, and their effects; all of them are drawn by
#	storm		single faults, drawn by chance: STORM_FAULTS=N of them, or for SECONDS_OF_TORTURE=N. The seed is
#			printed, and STORM_SEED=N gives the same again

faults=(rank rank0 launcher daemon crash off cut)
journal=$SHARE/supervised.journal

# begin_supervised HOSTS OPTIONS...: a rank on each for some seconds, a quarter of a millisecond for each KiB.
begin_supervised()
{
	local where=$1

	shift
	rm -rf "$journal"
	mkdir "$journal"
	"$quern" supervise "$@" -- mpirun $patient -x QUERN_TEST_READ_DELAY='*:250000' --host "$where" \
		"$quern" run $moments --threads 1 --journal "$journal" --json "$SHARE/supervised.nc" \
		>out 2>err </dev/null &
	supervisor=$!
}

# On a host: the numbers of its processes there.
processes()
{
	lab exec "$1" pgrep -x "$2"
}

kill_there()
{
	local pid

	for pid in $(processes "$1" "$2"); do
		lab exec "$1" kill -9 "$pid"
	done
}

# strike FAULT HOST
strike()
{
	case $1 in
	rank) kill_there "$2" quern ;;
	rank0) kill_there n1 quern ;;
	launcher) kill -9 "$(pgrep -P $supervisor -x 'mpirun|orterun')" ;;
	daemon) kill_there "$2" orted ;;
	crash | off | cut) lab "$1" "$2" ;;
	esac
}

# Makes the host as it was.
mend()
{
	case $1 in
	crash | off) lab boot "$2" && within 30 booted "$2" ;;
	cut) lab heal "$2" && within 30 booted "$2" ;;
	esac
}

# Until ranks run again: on n1, or on n2 where n1 is the host that died.
is_over()
{
	! kill -0 $supervisor 2>/dev/null ||
		{ grep -q 'started again' err && processes "$1" quern >/dev/null; }
}

# A run on one host alone, which loses its power and comes back.
waits()
{
	begin_supervised n3:1 --wait-hosts 90
	within 60 eval 'processes n3 quern >/dev/null'
	sleep 1
	lab off n3
	within 30 grep -q 'waiting up to 90 s for n3' err
	lab boot n3
	status=0
	wait $supervisor || status=$?
	is "supervised, the only host is off for a while: the result of the run" "0 $want_supervised" \
		"$status $(result)"
}

# survives NAME FAULT HOST DELAY: seconds from the fault until ranks run again in $recovery; "": they did not need to.
survives()
{
	local name=$1 fault=$2 host=$3 delay=$4 other=n1 start

	begin_supervised "$(all_hosts 1)"
	if ! within 60 eval "processes $host quern >/dev/null"; then
		fail "$name: the run begins" "$(cat err)"
	fi
	sleep "$delay"
	start=$(date +%s.%N)
	strike "$fault" "$host" 2>/dev/null
	[ "$host" != n1 ] || other=n2
	within 60 is_over $other
	recovery=
	! grep -q 'started again' err || recovery=$(awk "BEGIN { print $(date +%s.%N) - $start }")
	status=0
	wait $supervisor || status=$?
	is "$name: the result of the run" "0 $want_supervised" "$status $(result)"
	mend "$fault" "$host"
}

supervised_result()
{
	"$quern" run $moments --json "$SHARE/supervised.nc" >out 2>err
	want_supervised=$(result)
}

check_supervised()
{
	local fault slowest=0

	supervised_result
	for fault in rank0 off; do
		survives "supervised, $fault" "$fault" n3 1
		note "$fault: running again after ${recovery:--} s"
		slowest=$(printf '%s\n' "$slowest" "${recovery:-99}" | sort -g | tail -n 1)
		check "... it was started again once" test "$(grep -c 'started again' err)" -eq 1
		check "... nothing goes on" within 8 no_quern n1 n2 n3 n4
	done
	waits
	check "all of them within 15 s" awk '{ exit $1 > 15 }' <<<"$slowest"
}

check_storm()
{
	local seed=${STORM_SEED:-$(date +%s)} end=$(($(date +%s) + ${SECONDS_OF_TORTURE:-86400})) n=0 fault host

	supervised_result
	note "STORM_SEED=$seed"
	RANDOM=$seed
	while [ $n -lt "${STORM_FAULTS:-1000000}" ] && [ "$(date +%s)" -lt $end ]; do
		n=$((n + 1))
		fault=${faults[RANDOM % ${#faults[@]}]}
		host=n$((1 + RANDOM % hosts))
		survives "fault $n" "$fault" $host "$((RANDOM % 2)).$((RANDOM % 10))"
		note "fault $n: $fault on $host, running again after ${recovery:--} s"
	done
}
