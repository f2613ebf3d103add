#!/usr/bin/env bash
# --journal: a run that ends at any point is resumed by the same command, to the same bits, by other numbers of
# threads and ranks; what it is of is compared, and nothing stays when the result is there.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 40 --lat 24 --lon 32 --chunk-shape 1,12,16 climate.nc || exit 1
# Of maps items have many chunks.
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 256 --lat 48 --lon 64 --chunk-shape 8,24,32 \
	maps.nc || exit 1
file=climate.nc
delay='*:10000000'
late=sync:9
often=(--journal j --journal-every 0)

# The result of a run without one.
oracle()
{
	"$QUERN" run "$@" --json -d t2m "$file" | jq -cS .result >want
}

# resumed NAME LEAST ARG...: at least LEAST chunks are not read again, and the result is that of oracle.
resumed()
{
	local name=$1 least=$2 n

	shift 2
	quern run "$@" "${often[@]}" --json -d t2m "$file"
	is "$name: the same result" "$(cat want)" "$(jq -cS .result out)"
	n=$(jq .run.chunks_resumed out)
	check "$name: $n chunks were not read again" test "$n" -ge "$least"
	is "$name: nothing stays" "" "$(ls -A j)"
}

# stopped_at FAULT ARG...: a run with slow storage that something happens to.
stopped_at()
{
	local fault=$1

	shift
	status=0
	QUERN_TEST_READ_DELAY=$delay QUERN_TEST_FAULTS_PATH='*j/*' QUERN_TEST_FAULTS=$fault \
		"$QUERN" run "$@" "${often[@]}" --threads 1 --json -d t2m "$file" >out 2>err || status=$?
}

# killed ARG...: at its first record, and later.
killed()
{
	oracle "$@"
	for fault in sync:4 "$late"; do
		rm -rf j
		stopped_at $fault:kill "$@"
		is "$*: killed at $fault" 137 "$status"
		resumed "$*, killed at $fault" 1 "$@" --threads 2
	done
}

# Kernels with small states, large ones, lists, cells by rows and groups, several passes, sweeps.
while read -r args; do
	# shellcheck disable=SC2086 # words
	killed $args
done <<END
moments --order 4
minmax
topk --k 5
histogram --bins 7 --range 200,320
quantiles --q 0.1,0.5
sum --where t2m>270
END
file=maps.nc delay='*:300000' late=sync:6
while read -r args; do
	# shellcheck disable=SC2086 # words
	killed $args
done <<END
moments --over time
minmax --over lat,lon
mean --by month(time)
moments --by month(time) --over lat
median --over time
mean,minmax --over lon
END
file=climate.nc delay='*:10000000'

# Without a record nothing is there to go on with, and nothing is in the way.
oracle moments
rm -rf j
stopped_at create:1:kill moments
is "killed before the first record" 137 "$status"
resumed "killed before the first record" 0 moments

# --- signals ---
for signal in TERM INT USR1; do
	rm -rf j
	QUERN_TEST_READ_DELAY=$delay env --default-signal=INT "$QUERN" run moments "${often[@]}" \
		--threads 1 -d t2m climate.nc >out 2>err &
	pid=$!
	sleep 0.3
	begin=${EPOCHREALTIME/./}
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	is "SIG$signal: exit code" 4 "$status"
	check "SIG$signal: within 2 s ($took ms)" test $took -lt 2000
	check "SIG$signal: how to go on" grep -q '^quern: interrupted: .*the same command resumes' err
	resumed "SIG$signal" 1 moments
done

# --- what it is of ---
rm -rf j
stopped_at sync:5:kill moments
refuses 2 "another option" "--order is '4' now, and was '2'" \
	run moments --order 4 "${often[@]}" -d t2m climate.nc
refuses 2 "another kernel" "kernel is 'minmax' now, and was 'moments'" \
	run minmax "${often[@]}" -d t2m climate.nc
cp -p climate.nc kept.nc
touch -d '2001-01-01' climate.nc
refuses 2 "data that has changed" "file is '.*2001|file is 'climate.nc, [0-9]* bytes, changed at 9783" \
	run moments "${often[@]}" -d t2m climate.nc
mv kept.nc climate.nc
touch -r climate.nc kept.stamp
: >j/mine.txt
resumed_beside() { "$QUERN" run moments "${often[@]}" --json -d t2m climate.nc >out 2>/dev/null; }
check "the same command" resumed_beside
is "... leaves files of others" mine.txt "$(ls -A j)"

# --- damage ---
rm -rf j
stopped_at sync:9:kill moments
states=$(ls j/*.states)
cp "$states" whole
nbytes=$(stat -c %s whole)
for at in 3 40 70 $((nbytes / 2)) $((nbytes - 5)); do
	cp whole "$states"
	printf '\xa5' | dd of="$states" bs=1 seek="$at" conv=notrunc 2>/dev/null
	cp -r j kept.j
	resumed "a byte at $at is wrong" 0 moments
	rm -rf j && mv kept.j j
done
for n in 0 20 64 100 $((nbytes - 1)); do
	head -c "$n" whole >"$states"
	cp -r j kept.j
	resumed "cut to $n bytes" 0 moments
	rm -rf j && mv kept.j j
done
cp whole "$states"
cp whole "${states/0001-/0002-}"
resumed "the same record twice" 1 moments

# --- two at once, places that cannot be ---
rm -rf j
QUERN_TEST_READ_DELAY=$delay "$QUERN" run moments "${often[@]}" --threads 1 -d t2m climate.nc >/dev/null 2>&1 &
pid=$!
for ((n = 0; n < 500; n++)); do
	[ ! -e j/lock ] || break
	sleep 0.01
done
refuses 2 "a second run" "j: another run is writing it" run moments "${often[@]}" -d t2m climate.nc
kill -KILL $pid
wait $pid
: >file
refuses 2 "a file" "--journal file: " run moments --journal file -d t2m climate.nc
refuses 1 "no such place" "--journal nowhere/j: cannot be made: No such file" \
	run moments --journal nowhere/j -d t2m climate.nc

# --- what cannot be written ends the run, and it is resumed ---
for fault in write:2:ENOSPC sync:2:EIO rename:1:EIO create:2:ENOSPC; do
	rm -rf j
	stopped_at $fault moments
	is "$fault: exit code" 1 "$status"
	check "$fault: why" grep -Eq '^quern: .*(No space left|Input/output error)' err
	resumed "after $fault" 0 moments
done

# --- the power fails: nothing is there but what was synced ---
for n in 1 3 5 7 8; do
	rm -rf j
	stopped_at change:$((4 * n)):lose moments --over time
	oracle moments --over time
	resumed "without power at change $((4 * n))" 0 moments --over time
done
finish
