#!/usr/bin/env bash
# Chunks that nobody has written: what is not computed one by one is the same as if it were.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/layouts" holes || exit 1
"$BUILDDIR/tests/tools/layouts" unwritten || exit 1

# All datasets, selections and kernels, one a line.
runs()
{
	local d selections s k

	while read -r d selections; do
		for s in $selections; do
			for k in count minmax moments "moments order=4" histogram topk; do
				echo "$k dataset=$d select=$s"
			done
		done
	done <<-END
		a : 5: 3:29000 ::2 1::3 5::7 2::12 7:29999:16 ::40 29000:
		b : 1:-1,1:-1 ::4,::3 ::2,5: ::9,: :,::20 3:4,:
		c : 2:-2,:,3:-1 ::2,::3,: ::3,::2,1::3 :,5,: ::5,1::2,::4
		d : 1:,1:,1:,1: ::2,:,::2,::4 :,:,3,: 3:5,::3,:,:
		e : :,::10 1:4,7:19991 ::3,::5
	END
}

# Most of such a run is its start: four cores need not be discovered, no threads of BLAS stopped for a
# fork, nor functions of libraries found by every child.
results="env $fast HWLOC_SYNTHETIC='core:4 pu:1' OPENBLAS_NUM_THREADS=1 LD_BIND_NOW=1 \
	$BUILDDIR/tests/mpi/results"
runs >list
# shellcheck disable=SC2086 # words
check "every chunk by itself" sh -c "$results list full.h5 threads=1 >want"
is "as many results as were asked for" 192 "$(grep -c '^result: {' want)"
for threads in 1 3; do
	check "$threads threads" sh -c "$results list holes.h5 threads=$threads | diff want -"
done
check "on trial" sh -c "$results list holes.h5 threads=2 on-bad-chunk=skip | diff want -"

# --- several ranks, as one host and as three ---
for d in a c e; do
	for k in moments minmax histogram; do echo "$k dataset=$d"; done
done >few
few()
{
	timeout "$hang" $MPIRUN -n 3 "$BUILDDIR/tests/mpi/results" -m few "$1"
}

few full.h5 >want
few holes.h5 >got
check "3 ranks" diff want got
QUERN=$TEST_QUERN QUERN_TEST_HOSTS=3 few holes.h5 >got
check "3 hosts" diff want got
is "there are results" 9 "$(grep -c '^result: {' want)"

# --- several files, and elements that no source has ---
both()
{
	local k

	for k in moments minmax histogram; do
		quern run $k --json -d "$1" "${@:2}"
		sed -n -e '/^  "result": {/,/^  }/p' -e '/"chunks":/p' out
	done
}
cp holes.h5 more_holes.h5
cp full.h5 more_full.h5
for d in b d e; do
	for along in 0 1; do
		is "two files, $d along $along" "$(both $d --along $along full.h5 more_full.h5)" \
			"$(both $d --along $along holes.h5 more_holes.h5)"
	done
done
"$BUILDDIR/tests/tools/layouts" virtual 2048 || exit 1
quern run minmax --json -s '3:,5:' gaps.h5
gaps=$(field result)
quern run topk --json --k 1 --smallest -s '3:,5:' gaps.h5
is "gaps of a virtual dataset: the first of the fill values" \
	"$(field result.count) $(field result.values) $(field result.coordinates)" \
	"$(pick() { "$BUILDDIR/tests/tools/pick" "$1" <<<"$gaps"; }; echo "$(pick count) [$(pick min)] [$(pick argmin)]")"

# --- what nobody could compute one by one ---
quern run minmax --json -d vast -s 5:60000000005:7 unwritten.h5
is "every seventh" "0 8571428572 [5]" \
	"$status $(field result.count) $(field result.argmax)"
quern run moments --json -d vast -s 5:60000000005 unwritten.h5
is "60 thousand million elements" "0 60000000000 0.0 3750000001" \
	"$status $(field result.count) $(field result.variance) $(field run.chunks)"

# --- a plan counts them as next to nothing ---
"$BUILDDIR/tests/tools/layouts" half || exit 1
$MPIRUN -n 2 "$QUERN" plan minmax --json half.h5 >out
is "half a file: both ranks have as much to read" "257 8388608 8388608" "$(field plan.items) $(
	field plan.per_rank.0.bytes) $(field plan.per_rank.1.bytes)"
quern run minmax --json half.h5
is "... and all are done" "0 3256 53346304" "$status $(field run.chunks) $(field result.count)"
# Where one rank would have all of them and cannot, they are spread.
$MPIRUN -n 2 "$QUERN" run count --threads 1 --json big.h5 >out
is "more than a rank takes" "6144000000000 6000000000" "$(field result.count) $(field run.chunks)"
# Of a run that took 100 s the plan says so too: what nobody has written is not what it cost.
if command -v jq >/dev/null; then
	quern run minmax -o half.json half.h5
	jq '.run.seconds.work = 100' half.json >calibration.json
	quern plan minmax --json --calibrate calibration.json half.h5
	check "costs of a run that counted them" jq_true ".plan.predicted_seconds > 30" out
else
	skip "costs of a run that counted them" "no jq"
fi
finish
