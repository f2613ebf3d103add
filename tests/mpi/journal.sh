#!/usr/bin/env bash
# --journal on several ranks and hosts: any of them is killed, and as many as there are then go on.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 60 --lat 24 --lon 32 --chunk-shape 1,12,16 climate.nc || exit 1

# killed N HOSTS RANK FAULT ARG...: N ranks on so many hosts, one of which is killed at a call on its journal.
killed()
{
	local n=$1 hosts=$2 rank=$3 fault=$4

	shift 4
	status=0
	QUERN_TEST_HOSTS=$hosts QUERN_TEST_READ_DELAY='*:20000000' QUERN_TEST_FAULTS_RANK=$rank \
		QUERN_TEST_FAULTS_PATH='*j/*' QUERN_TEST_FAULTS=$fault:kill timeout "$hang" $MPIRUN -n "$n" \
		"$QUERN" run "$@" --journal j --journal-every 0 --threads 1 --json -d t2m climate.nc \
		</dev/null >out 2>err || status=$?
}

# resumed NAME N HOSTS ARG...
resumed()
{
	local name=$1 n=$2 hosts=$3

	shift 3
	QUERN_TEST_HOSTS=$hosts timeout "$hang" $MPIRUN -n "$n" "$QUERN" run "$@" --journal j --json -d t2m \
		climate.nc </dev/null >out 2>err || cat err
	is "$name: the same result" "$(cat want)" "$(jq -cS .result out)"
	check "$name: $(jq .run.chunks_resumed out) chunks were not read again" \
		jq_true '.run.chunks_resumed > 0' out
	is "$name: nothing stays" "" "$(ls -A j)"
}

while read -r before hosts rank fault after then args; do
	# shellcheck disable=SC2086 # words
	{
		"$QUERN" run $args --json -d t2m climate.nc | jq -cS .result >want
		rm -rf j
		killed "$before" "$hosts" "$rank" "$fault" $args
		check "rank $rank of $before is killed at $fault" test "$status" -ne 0
		resumed "$args: $before ranks on $hosts hosts, then $after on $then" "$after" "$then" $args
	}
done <<END
3 1 1 sync:6 2 1 moments
3 1 0 sync:7 1 1 minmax
4 2 2 sync:6 3 3 topk --k 5
2 2 0 rename:2 4 2 quantiles --q 0.5
END

# Twice: what the second one has found is used, too.
"$QUERN" run moments --json -d t2m climate.nc | jq -cS .result >want
rm -rf j
killed 2 1 1 sync:5 moments
killed 3 1 2 sync:5 moments
check "two runs have left records" test "$(find j -name '0002-*' | wc -l)" -gt 0
resumed "after two" 2 1 moments

# SIGUSR1 to the launcher reaches all ranks.
rm -rf j
QUERN_TEST_READ_DELAY='*:20000000' timeout "$hang" $MPIRUN -n 2 "$QUERN" run moments --journal j \
	--journal-every 0 --threads 1 --json -d t2m climate.nc >out 2>err &
pid=$!
for ((n = 0; n < 1000; n++)); do
	! ls j/*.states >/dev/null 2>&1 || break
	sleep 0.01
done
kill -USR1 "$(pgrep -P "$pid" -x mpirun)"
status=0
wait "$pid" || status=$?
is "SIGUSR1: exit code" 4 "$status"
check "SIGUSR1: how to go on" grep -q 'quern: interrupted: .*the same command resumes' err
resumed "SIGUSR1" 3 1 moments
finish
