#!/usr/bin/env bash
# One result, whatever computes it: ranks, threads, repetition; and errors of several ranks.

. "$SRCDIR/tests/cli/lib.sh"
generate large.h5 damaged.h5 uneven.h5

# on N ARG...: quern on N ranks, by the command of the array `with` if there is one; what it writes is
# in out and err. mpirun adds lines of its own to standard error when a rank exits with an error.
on()
{
	local n=$1

	shift
	status=0
	timeout "$hang" $MPIRUN -n "$n" ${with[@]+"${with[@]}"} "$QUERN" "$@" >out 2>err || status=$?
}

# --- all kernels, in one MPI job ---
timeout "$hang" $MPIRUN -n 4 "$BUILDDIR/tests/mpi/ranks" large.h5 >ranks.tap
sed 's/^\(not \)\?ok [0-9]*/&/; /^1\.\./d' ranks.tap
tap_n=$(grep -c '^\(not \)\?ok' ranks.tap)
tap_failed=$(grep -c '^not ok' ranks.tap)
grep -q '^1\.\.' ranks.tap || fail "tests/mpi/ranks finished" "$(tail -n 3 ranks.tap)"

# --- the command, byte for byte ---
quern run moments --json --threads 1 -d packed large.h5
is "one process" 0 "$status"
result >want
check "there is a result" test -s want
for n in 1 2 3 4; do
	on $n run moments --json -d packed large.h5
	is "$n ranks: exit code" 0 "$status"
	is "$n ranks: same bytes" "$(cat want)" "$(result)"
	is "$n ranks: as many ranks" "$n" "$(field run.ranks)"
done
on 3 run moments --json --threads 2 -o ranks.json -d packed large.h5
is "3 ranks: --json and -o agree" "$(field .)" "$("$BUILDDIR/tests/tools/pick" . <ranks.json)"
on 2 plan moments --json -d packed large.h5
is "plan on 2 ranks" "0 2" "$status $(field plan.ranks)"
on 2 inspect large.h5
is "inspect on 2 ranks: once" "0 1" "$status $(grep -c '^/packed' out)"


# --- verify: what is found and kept does not depend on the ranks ---
# found: the document in `out` but for what the run was.
found()
{
	sed '/^  "run": {/,$d' out
}

quern verify --json damaged.h5 large.h5
is "verify: damage" 3 "$status"
found >want
for n in 2 4; do
	on $n verify --json damaged.h5 large.h5
	is "verify on $n ranks: exit code" 3 "$status"
	is "verify on $n ranks: the same" "$(cat want)" "$(found)"
	is "verify on $n ranks: as many ranks" "$n" "$(field run.ranks)"
done
if "$QUERN" info | grep -q '^sums'; then
	quern verify --write-sums one.sums large.h5
	on 3 verify --threads 2 --write-sums three.sums large.h5
	is "verify on 3 ranks: sums" 0 "$status"
	check "... the same as of one" cmp one.sums three.sums
	on 3 verify --sums one.sums large.h5
	is "verify on 3 ranks: against sums" 0 "$status"
else
	skip "verify on 3 ranks: sums" "built without libxxhash"
fi
# --- a kernel that learns from a sample of the data first ---
"$BUILDDIR/examples/mkclimate" -q --raw --missing 0 --only t2m --time 200000 --lat 1 --lon 3 \
	--chunk 24576 sampled.nc
quern run covariance --json --threads 1 -d t2m --samples time sampled.nc
is "covariance by a sample: two passes" "0 2" "$status $(field run.passes)"
check "covariance by a sample: hardly more than once the data" \
	test "$(field run.bytes_decoded)" -lt 3600000
result >want
for n in 1 2 3 4; do
	on $n run covariance --json --threads $((5 - n)) -d t2m --samples time sampled.nc
	is "covariance by a sample, $n ranks: same bytes" "$(cat want)" "$(result)"
done

# --- hosts that lease work to each other: ranks of this machine that take each other for other hosts ---
# hosts N M DELAYS ARG...: as `on`, with M hosts; each read of some is slowed down, so that others
# come for their work.
hosts()
{
	local n=$1 m=$2 delays=$3

	shift 3
	QUERN=$TEST_QUERN QUERN_TEST_HOSTS=$m QUERN_TEST_READ_DELAY=$delays on "$n" "$@"
}

for m in 2 3 4; do
	QUERN_TEST_HOSTS=$m QUERN_TEST_READ_DELAY='1:40000,2:5000,*:1000' \
		timeout "$hang" $MPIRUN -n 4 "$BUILDDIR/tests/mpi/ranks" large.h5 4 >leases.tap
	check "$m hosts, one of them slow: every kernel gives the same bytes" \
		sh -c "grep -q '^1\.\.' leases.tap && ! grep -q '^not ok' leases.tap"
done
quern run moments --json --threads 1 -d packed large.h5
result >want
same=0
leased=0
for i in $(seq 9); do
	hosts $((2 + i % 3)) $((2 + i % 3)) '1:300000,*:30000' run moments --json --threads $((1 + i % 2)) \
		-d packed large.h5
	[ "$status $(result)" != "0 $(cat want)" ] || same=$((same + 1))
	leased=$((leased + $(field run.chunks_leased)))
done
is "9 runs on pretended hosts: same bytes" 9 $same
check "... and work is leased" test $leased -gt 30
note "$leased chunks leased in 9 runs of $(field run.chunks)"
hosts 4 2 '2:400000,3:400000,*:40000' run moments --json --threads 1 -d packed large.h5
is "2 hosts of 2 ranks: same bytes" "$(cat want)" "$(result)"
check "... work is leased" test "$(field run.chunks_leased)" -gt 0
is "... all chunks once" "$(field run.chunks)" \
	"$("$QUERN" run moments --json --threads 1 -d packed large.h5 | "$BUILDDIR/tests/tools/pick" run.chunks)"
quern run covariance --json --threads 1 -d t2m --samples time sampled.nc
result >want
hosts 3 3 '1:20000,*:1000' run covariance --json --threads 1 -d t2m --samples time sampled.nc
is "3 hosts, covariance by a sample: same bytes" "$(cat want)" "$(result)"
hosts 4 4 '0:200000,*:1000' run count --json --on-bad-chunk skip -d deflate damaged.h5
is "4 hosts: --on-bad-chunk skip" "0 4680 1" \
	"$status $(field result.count) $(field run.chunks_skipped)"
"$BUILDDIR/examples/mkclimate" -q --raw --only t2m --time 96 part1.nc
"$BUILDDIR/examples/mkclimate" -q --raw --only t2m --time 96 part2.nc
quern run moments --json --threads 1 -d t2m part1.nc part2.nc
result >want
hosts 4 4 '0:8000,*:1000' run moments --json --threads 1 -d t2m part1.nc part2.nc
is "4 hosts, two files: same bytes" "$(cat want)" "$(result)"
check "... work is leased" test "$(field run.chunks_leased)" -gt 0

# All chunks are the first host's by their sizes, and each takes it long: the other gets leases.
quern verify --json uneven.h5
found >want
with=("${own_err[@]}")
QUERN_LOG=info hosts 2 2 '0:40000000,*:1000' verify --json --threads 1 uneven.h5
with=()
cat err.0 err.1 >err
is "verify on 2 hosts: the same" "0 $(cat want)" "$status $(found)"
is "... all chunks are one host's by the plan" 1 \
	"$(grep -c 'rank 0 .*verify: a share of 65 of 65 chunks' err)"
check "... and the other gets leases of them" \
	grep -Eq 'rank 1 .*verify: a share of 0 of 65 chunks.*, [1-9][0-9]* leased' err
note "$(sed -n 's/.*rank 1 .*, \([0-9]* leased\).*/\1/p' err) of 65 chunks"
quern verify --json damaged.h5 large.h5
found >want
hosts 4 3 '1:200000,*:20000' verify --json damaged.h5 large.h5
is "verify of damage on 3 hosts: the same" "3 $(cat want)" "$status $(found)"

# --- errors: said once, from one rank ---
# refused_on N CODE NAME PATTERN ARG...
refused_on()
{
	local n=$1 want=$2 name=$3 pattern=$4

	shift 4
	on "$n" "$@"
	if [ "$status" -eq "$want" ] && [ ! -s out ] && [ "$(grep -c '^quern: ' err)" -eq 1 ] &&
		grep -Eq -- "$pattern" err; then
		pass "$n ranks: $name"
	else
		fail "$n ranks: $name" "not exit $want with a message like '$pattern'; $(outcome)"
	fi
}
refused_on 2 2 "wrong option" "option --nosuch" run moments --nosuch large.h5
refused_on 2 2 "verify: wrong option" "option --nosuch" verify --nosuch large.h5
refused_on 2 3 "verify: no sums" "none.sums: cannot be read" verify --sums none.sums large.h5
refused_on 3 3 "missing file" "none.h5: " run moments -d packed none.h5
refused_on 2 3 "no such dataset" "no such dataset" run moments -d nosuch large.h5
refused_on 2 2 "bad selection" "out of range" run moments -d packed -s 99 large.h5
refused_on 2 2 "unwritable result" "cannot be written" run moments -o no/r.json -d packed large.h5
refused_on 2 1 "not enough memory" "more than --memory" run moments --memory 10K -d packed large.h5
while read -r path addr _; do
	refused_on 4 3 "$path: corrupt chunk" \
		"damaged.h5: dataset $path, chunk \(2, 1\) at file offset $addr: corrupt" \
		run moments -d "$path" damaged.h5
done <damaged.txt
timeout "$hang" $MPIRUN -n 3 "$BUILDDIR/tests/mpi/ranks" large.h5 starve >out 2>err
is "a host without shared memory: nobody waits for it" "0 yes" \
	"$? $(grep -q 'shared memory' out && echo yes)"
while read -r path addr _; do
	QUERN=$TEST_QUERN QUERN_TEST_HOSTS=4 refused_on 4 3 "$path: corrupt chunk, 4 hosts" \
		"damaged.h5: dataset $path, chunk \(2, 1\) at file offset $addr: corrupt" \
		run moments -d "$path" damaged.h5
done <damaged.txt
on 3 run count --json --on-bad-chunk skip -d deflate damaged.h5
is "3 ranks: --on-bad-chunk skip" "0 4680 1" \
	"$status $(field result.count) $(field run.chunks_skipped)"
finish
