#!/usr/bin/env bash
# Unit tests that also run on several ranks: at 1 to 4, each in a directory of its own. A rank that
# fails aborts, so that the others do not wait for it.

. "$SRCDIR/tests/lib.sh"

programs='test_comm test_move test_api test_engine test_keys'

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
# communicator's making are few; an allocation is like its neighbours.
"$BUILDDIR/tests/tools/layouts" virtual 64 || exit
for hosts in 1 2; do
	while read -r what stride; do
		# Between hosts a call of the balance that fails on one rank may still leave the others waiting.
		[ "$what $hosts" != "mpi 2" ] || continue
		QUERN_TEST_HOSTS=$hosts check "one rank fails: $what, $hosts hosts" \
			timeout "$hang" $MPIRUN -n 3 "$BUILDDIR/tests/mpi/onesided" \
			plain.h5 /x "$what" "$stride" </dev/null
	done <<-END
		start 1
		mpi 5
		memory 31
	END
done
mkdir -p changed && cd changed || exit
check "a file that changes is not made good by copies of others" changed
finish
