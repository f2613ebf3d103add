#!/usr/bin/env bash
# Processes that read for quern are killed or stopped at random instants: each run ends with the right
# result or with an error that says what happened and does not blame the data, and nothing outside of it
# is touched. READERS=N: so many runs.

. "$SRCDIR/tests/lib.sh"
readers=$BUILDDIR/tests/tools/readers
nruns=${READERS:-12}
export HWLOC_PLUGINS_PATH=/nonexistent
# No MPI, so no slow stack traces are needed with sanitizers (tests/run).
export ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1
[ -d /proc/self ] || skip_all "no /proc"
check "a file is made" "$readers" make r.h5

for dataset in texts bits; do
	"$QUERN" run count --json -d $dataset r.h5 >whole 2>err || exit 1
	result whole >"want.$dataset"
	check "$dataset goes through readers" grep -Eq '"chunks_library": [1-9]' whole
done

nstruck=0 nright=0 nerrors=0
# run N: one run; says what is wrong with it.
run()
{
	local n=$1 how dataset skip threads status struck left sentinel

	how=$([ $((n % 4)) -eq 2 ] && echo stop || echo kill)
	dataset=$([ $((n / 2 % 2)) -eq 1 ] && echo texts || echo bits)
	skip=$([ $((n / 4 % 2)) -eq 1 ] && echo skip || echo fail)
	threads=$((n / 5 % 3 + 1))
	read -r status struck left sentinel < <("$readers" strike "$n" "$how" bash -c \
		'exec "$@" >out 2>err' - "$QUERN" run count --json --threads $threads \
		--on-bad-chunk $skip --metadata-timeout 1 --chunk-timeout 1 -d $dataset r.h5)
	nstruck=$((nstruck + struck))
	[ "$sentinel" = alive ] || echo "the sentinel is $sentinel"
	[ "$left" -eq 0 ] || echo "$left processes are left"
	case $status in
	0)
		nright=$((nright + 1))
		[ "$(result out)" = "$(cat want.$dataset)" ] || echo "another result: $(result out)"
		;;
	1)
		nerrors=$((nerrors + 1))
		grep -Eq '^quern: r.h5: .*(did not come back within 1 s|has been killed)' err ||
			echo "what happened is not said"
		;;
	*) echo "exit status $status" ;;
	esac
}

trouble=
for n in $(seq "$nruns"); do
	run "$n" >said
	[ ! -s said ] || trouble="$trouble run $n: $(cat said err)
"
done
if [ -z "$trouble" ]; then
	pass "$nruns runs whose readers are killed or stopped"
else
	fail "$nruns runs whose readers are killed or stopped" "$trouble"
fi
note "$nruns runs, $nstruck readers struck: $nright right results, $nerrors errors"
finish
