#!/usr/bin/env bash
# Runs with a journal that are killed, lose their power or meet errors of the storage at random calls, up to four times
# before they may finish: the result has the bits of an undisturbed run, and each failed one says why. By default a
# short fixed set;
#
#	make torture SECONDS=600 [TEST_SEED=N]
#
# goes on for so long with a seed that is printed.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 256 --lat 48 --lon 64 --chunk-shape 8,24,32 climate.nc || exit 1
seconds=${SECONDS_OF_TORTURE:-0}
least=${TORTURES:-20}
RANDOM=${TEST_SEED:-7}
echo "# seed ${TEST_SEED:-7}"

runs=(
	'moments --order 4'
	'moments --over time'
	'mean --by month(time)'
	'quantiles --q 0.25,0.5'
	'topk --k 3'
	'median --over lat'
	'minmax --where t2m>270'
)
for i in "${!runs[@]}"; do
	# shellcheck disable=SC2086 # words
	"$QUERN" run ${runs[i]} --json -d t2m climate.nc | jq -cS .result >"want.$i"
done

kinds=(change change change write write sync sync rename create)

# A run that something happens to. Its exit code: 0, 1 with a message, or that of the fault.
disturbed()
{
	local whats=(kill lose "tear:$((1 + RANDOM))" EIO ENOSPC) args=$1

	said="${kinds[RANDOM % ${#kinds[@]}]}:$((1 + RANDOM % 14)):${whats[RANDOM % ${#whats[@]}]}"
	status=0
	# shellcheck disable=SC2086 # words
	QUERN_TEST_READ_DELAY='*:300000' QUERN_TEST_FAULTS_PATH='*j/*' QUERN_TEST_FAULTS=$said \
		"$QUERN" run $args --journal j --journal-every 0 --threads $((1 + RANDOM % 2)) --json -d t2m climate.nc \
		>out 2>err || status=$?
	ndisturbed=$((ndisturbed + 1))
}

# Prints what is wrong with the last run, if it is.
flaw()
{
	case $status in
	0) [ "$(jq -cS .result out)" = "$(cat "want.$1")" ] || echo "$said: a wrong result" ;;
	1) [ "$(grep -c '^quern: ' err)" -eq 1 ] || echo "$said: not one message: $(cat err)" ;;
	99 | 137) ;;
	*) echo "$said: exit code $status: $(cat err)" ;;
	esac
}

one_case()
{
	local i=$((RANDOM % ${#runs[@]})) times=$((1 + RANDOM % 4)) story=

	rm -rf j
	for ((t = 0; t < times; t++)); do
		disturbed "${runs[i]}"
		flaw "$i"
		story+=" $said=$status"
		[ "$status" -ne 0 ] || break
	done
	said="last, after$story"
	status=0
	# shellcheck disable=SC2086 # words
	"$QUERN" run ${runs[i]} --journal j --json -d t2m climate.nc >out 2>err || status=$?
	[ "$status" -eq 0 ] || echo "${runs[i]}: $said: exit code $status: $(cat err)"
	flaw "$i"
	resumed=$((resumed + ($(jq .run.chunks_resumed out) > 0)))
	[ -z "$(ls -A j)" ] || echo "${runs[i]}: $said: left: $(ls -A j)"
}

ndisturbed=0 ncases=0 resumed=0
end=$((SECONDS + seconds))
while [ $ncases -lt "$least" ] || [ $SECONDS -lt $end ]; do
	one_case >>flaws
	ncases=$((ncases + 1))
done
is "$ncases cases, $ndisturbed disturbed runs, $resumed resumed: nothing wrong" "" "$(head -n 20 flaws)"
check "$resumed were resumed" test $((4 * resumed)) -gt $ncases
finish
