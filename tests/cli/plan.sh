#!/usr/bin/env bash
# `quern plan`: what it explains, clusters that are not there, and simulations of runs.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
plan="plan moments -d packed"

# --- the present machine ---
# shellcheck disable=SC2086 # words, here and below
answers "plan" $plan cf.nc
prints "... predicts" 'predicted .* s, limited by .*; imbalance 1'
prints "... says where bytes are read" '100\.0%  memory'
answers "plan --json" $plan --json cf.nc
is "document" "input kernel plan quern simulation" "$("$BUILDDIR/tests/tools/pick" -k . <out)"
for name in hosts ranks threads items ranges bytes_stored bytes_with_home bytes_at_home imbalance \
	predicted_seconds limited_by per_host per_rank; do
	check "plan.$name" field "plan.$name"
done
is "tiers" "disk disk_near memory memory_near shared" \
	"$("$BUILDDIR/tests/tools/pick" -k plan.bytes_by_tier <out)"
is "no simulation" null "$(field simulation)"

# --- clusters ---
answers "a cluster" $plan --json --cluster 'host:8 numa:2 core:16' cf.nc
is "... hosts, ranks, threads" "8 16 256" \
	"$(field plan.hosts) $(field plan.ranks) $(field plan.threads)"
is "... on shared storage" "$(field plan.bytes_stored)" "$(field plan.bytes_by_tier.shared)"
is "... because of no home" "$(field plan.bytes_stored)" "$(field plan.bytes_remote_because.no_home)"
answers "as a table" $plan --cluster 'host:8 numa:2 core:16' cf.nc
prints "... says why" '100\.0%  shared storage: they have no home'
for homes in spread memory; do
	answers "--homes $homes" $plan --json --cluster 'host:4 numa:2 core:2' --homes $homes cf.nc
	is "... all is at home" "$(field plan.bytes_stored)" "$(field plan.bytes_at_home)"
done
answers "--homes first" $plan --json --cluster 'host:4 numa:1 core:2' --homes first --times 50 cf.nc
is "... has a home" "$(field plan.bytes_stored)" "$(field plan.bytes_with_home)"
is "... which is full" "$(field plan.bytes_by_tier.shared)" \
	"$(field plan.bytes_remote_because.home_full)"
answers "without host:" $plan --json --cluster 'numa:4 core:2' cf.nc
is "... is one host" "1 4" "$(field plan.hosts) $(field plan.ranks)"
answers "many hosts" $plan --cluster 'host:3000 numa:2 core:4' --times 100 cf.nc
prints "... the extremes" 'median$'
for spec in 'host:0 core:4' 'host:x core:4' 'host:4' 'host:9999999 core:2' 'nonsense' \
	'host:50000 numa:1000 core:1' '4' 'host:2 3' 'host:4 core:16 junk' 'host:4 core:0' \
	'host:4,core:2' 'host:2 host:3 core:2' 'host:4 core:4:5' 'host:4 core:-3' 'core:4x' \
	'host:2 core:2pu:2' 'host:4 core:99999999' 'host:4 core:4096 pu:64' 'host:4 core:4 core:4' \
	'host:4 pu:2 core:2' ' '; do
	refuses 2 "--cluster '$spec'" "--cluster '$spec'" $plan --cluster "$spec" cf.nc
done
refuses 2 "... what is expected" "'junk' is not expected: it takes 'host:N'" \
	$plan --cluster 'host:4 core:16 junk' cf.nc
refuses 2 "what is missing of a cluster" "add what each host has: 'host:4 core:16'" \
	$plan --cluster 'host:4' cf.nc
refuses 2 "--replicas without --homes" "only with --homes" $plan --replicas 9 cf.nc
refuses 2 "more copies than hosts" "than the 4 hosts" $plan --replicas 9 --homes spread \
	--cluster 'host:4 core:2' cf.nc
refuses 2 "--times beyond reason" "times" $plan --times 16000000 cf.nc
refuses 2 "run has no --cluster" "--cluster is an option of quern plan" run moments -d packed --cluster 'core:2' cf.nc

# --- simulation ---
command -v jq >/dev/null || { skip "simulation" "no jq"; finish; }
answers "--simulate" $plan --simulate --json cf.nc
is "... one point" "1 strong" "$(field simulation | jq -r 'length, .[0].scaling' | xargs)"
answers "scaling" $plan --simulate --json --cluster 'host:200 numa:2 core:4' --homes spread cf.nc
is "... curves" "strong:1,10,100,200 weak:1,10,100,200" "$(field simulation |
	jq -r 'group_by(.scaling) | map(.[0].scaling + ":" + (map(.hosts | tostring) | join(",")))[]' |
	xargs)"
check "... weak scaling holds" jq_true '.simulation | map(select(.scaling == "weak")) |
	.[-1].items == 200 * .[0].items and .[-1].efficiency > 0.9' out
check "... of the total too" jq_true '.simulation | map(select(.scaling == "strong")) |
	.[0].efficiency_total == 1 and (.[-1] | .efficiency_total < .efficiency and
	.efficiency_total > 0)' out
answers "a slow host" $plan --simulate --json --slow 1:4 --cluster 'host:4 core:2' --homes spread \
	--times 20 cf.nc
check "... is waited for" jq_true '.simulation | map(select(.scaling == "strong")) |
	.[-1].seconds.work > 3 * .[-1].planned_seconds and .[-1].items_leased == 0' out
answers "a slow host among four with copies" $plan --simulate --json --slow 1:4 --homes spread \
	--replicas 4 --cluster 'host:4 core:2' --times 2000 cf.nc
check "... is helped" jq_true '.simulation | map(select(.scaling == "strong")) | .[-1] |
	.seconds.work < 1.3 * 4 / 3.25 * .planned_seconds and .items_leased > 0' out
answers "a host that fails" $plan --simulate --json --fail 1:0.01 --homes spread --replicas 2 \
	--cluster 'host:4 core:2' --times 20 cf.nc
check "... the run begins again on three" jq_true '.simulation | map(select(.scaling == "strong")) |
	.[0].seconds.lost == 0 and (.[-1] | .seconds.lost == 0.01 and
	.seconds.total > .seconds.work + 0.01 and .seconds.work > 1.2 * .planned_seconds)' out
answers "what goes wrong, as a table" $plan --simulate --fail 1:0.01 --slow 2:4 --homes spread \
	--replicas 2 --cluster 'host:4 core:2' --times 20 cf.nc
prints "... the slow host" 'host 2 is 4 times slower'
prints "... the one that dies" 'host 1 dies: 0\.01 s are lost'
refuses 3 "a host that fails with data that nobody else has" \
	"host 1 has no other copy, .*try --replicas 2" $plan --simulate --fail 1:0.01 --homes spread \
	--cluster 'host:4 core:2' cf.nc
refuses 2 "the only host fails" "--fail 0:0.001: there is one host only, and nobody goes on" \
	$plan --simulate --fail 0:0.001 cf.nc
refuses 2 "... of a cluster" "--fail 0:1: there is one host only" \
	$plan --simulate --cluster 'core:4' --fail 0:1 cf.nc
quern plan moments -d packed --simulate --cluster 'host:2 core:2' --fail 1:99999 cf.nc
is "a failure after the end is told" "0 1" \
	"$status $(grep -c '^quern: warning: --fail 1:99999: by then all simulated runs are done' err)"
refuses 2 "--fail" "HOST:SECONDS" $plan --simulate --fail 1:never cf.nc
refuses 2 "--slow" "HOST:FACTOR" $plan --simulate --slow 1 cf.nc
refuses 2 "--slow without --simulate" "add --simulate" $plan --slow 0:4 cf.nc
refuses 2 "--fail without --simulate" "add --simulate" $plan --fail 0:4 cf.nc
for option in slow fail; do
	refuses 2 "--$option of a host that is not there" "no host 4: .* the last of 4 is 3" \
		$plan --simulate --$option 4:2 --cluster 'host:4 core:2' cf.nc
done
refuses 3 "--calibrate without a file" "none.json" $plan --calibrate none.json cf.nc
echo '{}' >empty.json
refuses 3 "--calibrate something else" "not the document of a run" $plan --calibrate empty.json cf.nc
echo 'no JSON' >empty.json
refuses 3 "--calibrate no JSON" "not the document of a run" $plan --calibrate empty.json cf.nc
quern run moments -d packed -o run.json cf.nc
answers "--calibrate by the same work" $plan --calibrate run.json cf.nc
quern plan count -d packed --calibrate run.json cf.nc
is "--calibrate by another kernel warns" "0 1" \
	"$status $(grep -c 'warning: .* of a run of moments over /packed; the costs of count' err)"

# --- prediction ---
# Of a run that took 100 s with one thread, calibrated by its document: how near the simulation comes
# on a machine is measured by the benchmark.
if command -v jq >/dev/null; then
	quern run moments -d packed --threads 1 -o run1.json cf.nc
	check "the document of a run that took 100 s" jq '.run.seconds.work = 100' run1.json
	jq '.run.seconds.work = 100' run1.json >calibration.json
	for threads in 1 2; do
		quern plan moments -d packed --threads $threads --simulate --calibrate calibration.json \
			--json cf.nc
		check "$threads threads, from a run with one" jq_true \
			".simulation[0].seconds.work | . > 95 / $threads and . < 120 / $threads" out
	done
else
	skip "prediction" "no jq"
fi
finish
