#!/usr/bin/env bash
#
# slurm.sh - the templates of slurm/ on a real Slurm of four hosts; `make check-slurm` runs it.
#
# It starts the cluster of lab.sh, submits both templates as they are, and compares their
# results with a run of one process here. It prints TAP, is bounded in time, and removes what it
# made. It installs nothing: what is missing, it names, and skips.

# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"

hosts=4

# --- Inside the lab, on its head ------------------------------------------------------------------

state()
{
	squeue -h -j "$1" -t all -o %T
}

# wait_job JOB SECONDS STATES: until the job is in one of the states, a regular expression.
wait_job()
{
	local end=$((SECONDS + $2))

	until state "$1" | grep -Eqx "$3"; do
		if [ $SECONDS -ge $end ]; then
			scancel "$1"
			return 1
		fi
		sleep .1
	done
}

ended='COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|BOOT_FAIL'

# submit NAME TEMPLATE ARGUMENTS...: its number on standard output.
submit()
{
	local name=$1 template=$2

	shift 2
	QUERN_RESULT=$PWD/$name.json sbatch --parsable --nodes=$hosts --output="$name.log" \
		"$PWD/slurm/$template" "$@"
}

# One job after the other; what Slurm thinks of it in NAME.state.
run_template()
{
	local name=$1 job

	if job=$(submit "$name" "quern-$name.sbatch" moments -d t2m --stats \
		"$PWD/climate.nc" 2>"$name.log"); then
		wait_job "$job" 90 "$ended"
		state "$job" >"$name.state"
	fi
}

run_jobs()
{
	cd "$1" || exit
	for name in mpirun srun; do
		run_template $name
	done
}

# --- Outside --------------------------------------------------------------------------------------

# The hosts see only the shared directory: everything they need goes there.
fill_share()
{
	chmod 755 "$share" &&	# munge insists
		mkdir "$share/work" "$share/tests" &&
		cp "$SRCDIR/tests/lib.sh" "$share/tests" &&
		cp "$SRCDIR/tests/machines/lab.sh" "$share" &&
		cp -r "$SRCDIR/slurm" "$share/work/" &&
		cp "$QUERN" "$share/work/quern" &&
		cp "$0" "$share/slurm.sh" &&
		"$BUILDDIR/examples/mkclimate" --quiet --time 480 "$share/work/climate.nc"
}

explain()
{
	echo "state: $(cat "$1.state" 2>/dev/null || echo 'not submitted')"
	cat "$1.log" 2>/dev/null
}

check_template()
{
	local name=$1 got

	if ! grep -qx COMPLETED "$name.state" 2>/dev/null; then
		fail "quern-$name.sbatch completes on $hosts hosts" "$(explain "$name")"
		return
	fi
	pass "quern-$name.sbatch completes on $hosts hosts"
	jq -S .result "$name.json" >"$name.result"
	check "quern-$name.sbatch gives the bytes of a single process" \
		cmp single.result "$name.result"
	got=$(jq -c '[.run.hosts, .run.ranks >= '$hosts']' "$name.json")
	check "quern-$name.sbatch used $hosts hosts" test "$got" = "[$hosts,true]"
}

# shellcheck disable=SC2317 # a trap calls it
clean_up()
{
	[ ! -d "$share" ] || timeout 20 "$share/lab.sh" down
	rm -rf "$share"
}

if [ "${1:-}" = --jobs ]; then
	run_jobs "$2"
	exit
fi

why=$("$SRCDIR/tests/machines/lab.sh" obstacle "slurmctld slurmd slurm-client munge jq" \
	slurmctld slurmd sbatch munged jq)
[ -z "$why" ] || skip_all "$why"
share=$(mktemp -d "${TMPDIR:-/tmp}/quern-slurm.XXXXXX") || skip_all "no temporary directory"
trap clean_up EXIT
trap 'exit 143' TERM INT HUP PIPE
export SHARE=$share N=$hosts CPN=2 PATH=$PATH:/usr/sbin:/sbin
unset LAB SLURM_CONF
if ! fill_share >"$share/setup.log" 2>&1; then
	fail "files for the jobs" "$(cat "$share/setup.log")"
	finish
fi
cd "$share/work" || exit
if ! "$QUERN" run moments -d t2m --json climate.nc >single.json; then
	fail "a run of one process"
	finish
fi
jq -S .result single.json >single.result

# The templates find quern in PATH, as they would on a cluster.
SRCDIR=$share PATH=$share/work:$PATH \
	timeout -k 10 300 "$share/lab.sh" run bash "$share/slurm.sh" --jobs "$share/work" \
	</dev/null >"$share/lab.log" 2>&1
status=$?
if [ $status -ne 0 ]; then
	fail "the cluster starts and stops" "exit $status
$(tail -n 30 "$share/lab.log")"
else
	pass "the cluster starts and stops"
fi
for name in mpirun srun; do
	check_template $name
done
cd / || exit
finish
