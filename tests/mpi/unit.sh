#!/usr/bin/env bash
# Unit tests that also run on several ranks: at 1 to 4, each in a directory of its own. A rank that
# fails aborts, so that the others do not wait for it.

. "$SRCDIR/tests/lib.sh"

# Plugins of hwloc take as long to load as all the rest of a small test.
export HWLOC_PLUGINS_PATH=/nonexistent
programs='test_comm test_move test_api test_session test_engine test_keys test_balance test_failover'

# run_ranks N PROGRAM: all its cases, on N ranks.
run_ranks()
{
	mkdir -p "$2.$1" && cd "$2.$1" &&
		CMOCKA_TEST_ABORT=1 timeout "$hang" $MPIRUN -n "$1" "$BUILDDIR/tests/unit/$2" mpi
}

for program in $programs; do
	for n in 1 2 3 4; do
		check "$program on $n ranks" run_ranks "$n" "$program"
	done
done

# Rank 0 alone reads the environment: what is wrong there must end the others too.
# shellcheck disable=SC2086 # words
for command in "run sum" "plan sum" verify; do
	QUERN_THREADS=many check_exit 2 "a bad environment ends all ranks of quern $command" \
		timeout "$hang" $MPIRUN -n 3 "$QUERN" $command absent.h5
done

# A file that changes while it is read, once the bar shows that it is, before shards of which there
# are other copies: these do not make up for it. Two ranks that take each other for two hosts; the
# reads take seconds. PMIx 5 may put lines of standard error into standard output.
changed()
{
	local i status

	"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 20 p.nc
	for i in 1 2 3; do
		"$QUERN" stage --to "s$i" p.nc >/dev/null
	done
	: >out && : >err
	(until grep -q 'pass 1' out err; do sleep 0.1; done; touch p.nc) &
	QUERN_TEST_HOSTS=2 QUERN_TEST_READ_DELAY='*:1000000' timeout "$hang" $MPIRUN -n 2 "$TEST_QUERN" \
		run count --progress always -d /t2m --threads 1 --bind none \
		p.nc s1/p.nc s2/p.nc s3/p.nc >out 2>err
	status=$?
	kill $! 2>/dev/null
	[ $status -eq 3 ] && grep -q 'quern: p.nc: it was changed' out err || {
		echo "exit $status; $(cat out err | tr '\r' '\n')"
		return 1
	}
}
# What fails on one rank: calls of MPI and allocations, the first, second, ... of them. Those of the
# communicator's making are few; an allocation is like its neighbours. FAULT_LOOPS=all takes all. Reads of
# rank 0 are slow, so that other hosts come for its work.
"$BUILDDIR/tests/tools/generate" . large.h5 || exit
mkdir staged
while read -r hosts command what stride; do
	[ "${FAULT_LOOPS-}" != all ] || stride=1
	QUERN_TEST_HOSTS=$hosts QUERN_TEST_READ_DELAY='0:40000,*:1000' \
		check "one rank fails: $command, $what, $hosts hosts" \
		timeout $((hang * (stride == 1 ? 6 : 1))) $MPIRUN -n 3 "$BUILDDIR/tests/mpi/onesided" \
		"$command" large.h5 /packed "$what" "$stride" </dev/null
done <<-END
	1 session mpi 1
	1 session memory 1
	1 run start 1
	1 run mpi 17
	1 run memory 61
	1 verify mpi 23
	1 stage mpi 61
	2 run start 1
	2 run mpi 7
	2 run left_out 11
	2 run memory 61
	2 verify mpi 23
END

# fails WHAT ARG...: the command, of which a call fails on rank 1 of two hosts, ends with 1 and says once why.
fails()
{
	local what=$1 status=0

	shift
	QUERN_TEST_FAULTS=$what QUERN_TEST_FAULTS_RANK=1 QUERN_TEST_HOSTS=2 \
		timeout "$hang" $MPIRUN -n 3 "$TEST_QUERN" "$@" </dev/null >out 2>&1 || status=$?
	[ "$status" -eq 1 ] && [ "$(grep -c 'quern: .*MPI failed in' out)" -eq 1 ] || {
		echo "exit $status; $(cat out)"
		return 1
	}
}

for what in mpi:3 mpi:20 mpi:50 agree:1 agree:2 agree:20; do
	check "call $what fails on one rank: the command says so" fails $what:EIO run sum -d /packed large.h5
done
mkdir -p changed && cd changed || exit
check "a file that changes is not made good by copies of others" changed
finish
