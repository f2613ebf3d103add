#!/usr/bin/env bash
#
# hosts.sh - quern on four hosts that have only the network between them; `make check-hosts` runs it.
#
# The hosts are namespaces of this machine (lab.sh), and mpirun reaches them by ssh. What they do
# is in hosts_inside.sh, which runs on the head of the lab. Nothing is installed: what is missing is
# named, and then all of it is skipped.

# shellcheck source=tests/lib.sh
. "$SRCDIR/tests/lib.sh"

# Seconds for all of it; four minutes are enough on an idle machine.
limit=$((1200 + ${SECONDS_OF_TORTURE:-0}))

# Prints why there can be no hosts here, or nothing.
obstacle()
{
	local why

	why=$("$SRCDIR/tests/machines/lab.sh" obstacle openmpi-bin ssh mpirun)
	if [ -n "$why" ]; then
		echo "$why"
	elif ! mpirun --version 2>/dev/null | grep -q 'Open MPI'; then
		echo "mpirun is not Open MPI's"
	fi
}

# The hosts see this directory and what is outside of /tmp, so everything they need goes there.
fill_share()
{
	mkdir -p "$share/bin" "$share/tests/machines" &&
		cp "$SRCDIR/tests/machines/lab.sh" "$share" &&
		cp "$SRCDIR/tests/lib.sh" "$share/tests" &&
		cp "$SRCDIR"/tests/machines/{hosts_inside,supervised}.sh "$share/tests/machines" &&
		cp "$TEST_QUERN" "$BUILDDIR/tests/mpi/ranks" "$BUILDDIR/tests/tools/patient.so" "$share/bin" &&
		"$BUILDDIR/tests/tools/generate" "$share" large.h5 &&
		"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 768 "$share/climate.nc" &&
		"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 384 --chunk 2000 \
			"$share/small.nc" &&
		"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 96 "$share/supervised.nc" &&
		"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 4100 --chunk 1000 \
			"$share/million.nc" &&
		mkdir "$share/own" && (cd "$share/own" && "$BUILDDIR/tests/tools/parts") &&
		for i in 0 1 2 3; do
			"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 192 --seed $i \
				"$share/own/climate_$i.nc" || return
		done
}

# shellcheck disable=SC2317 # a trap calls it
clean_up()
{
	[ ! -d "$share" ] || timeout 20 "$share/lab.sh" down
	rm -rf "$share"
}

why=$(obstacle)
[ -z "$why" ] || skip_all "$why"
share=$(mktemp -d "${TMPDIR:-/tmp}/quern-hosts.XXXXXX") || skip_all "no temporary directory"
trap clean_up EXIT
trap 'exit 143' TERM INT HUP PIPE
export SHARE=$share N=4 NOSLURM=1 PATH=$PATH:/usr/sbin:/sbin
unset LAB LOCALDIR
if ! fill_share >"$share/setup.log" 2>&1; then
	fail "files for the hosts" "$(cat "$share/setup.log")"
	finish
fi

# Cases come as they are decided; this shell counts them.
status=0
SRCDIR=$share timeout -k 10 $limit "$share/lab.sh" run bash "$share/tests/machines/hosts_inside.sh" \
	</dev/null 2>"$share/lab.log" | tee "$share/tap" | grep -v '^1\.\.' || status=$?
tap_n=$(grep -cE '^(not )?ok ' "$share/tap")
tap_failed=$(grep -c '^not ok ' "$share/tap")
if grep -q '^1\.\.' "$share/tap"; then
	pass "the hosts start and stop"
else
	fail "the hosts start and stop" "exit $status
$(tail -n 30 "$share/lab.log")"
fi
check "no process is left" test -z "$(pgrep -f "$share" -d ' ')"
cd / || exit
finish
