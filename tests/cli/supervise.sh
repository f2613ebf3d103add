#!/usr/bin/env bash
# quern supervise on one host: what it refuses, and runs whose ranks, launcher and supervisor are killed.

. "$SRCDIR/tests/cli/lib.sh"
unset QUERN_JOURNAL
for name in $(compgen -e SLURM_); do unset "$name"; done
quern info
grep -q 'Open MPI' out || skip_all "the launcher of this MPI is not Open MPI's"
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --raw --time 96 climate.nc || exit 1
run=(run moments -d t2m climate.nc --json --threads 1)
quern "${run[@]}"
want=$(result)
read -ra mpirun <<<"$MPIRUN"

# --- what is refused ---

refuses 2 "a run without a journal" "has no journal to go on from: add --journal DIR" supervise -- "$QUERN" "${run[@]}"
refuses 2 "no command" "there is no .quern run. in the command" supervise
refuses 2 "another command" "there is no .quern run. in the command" supervise -- "$QUERN" plan moments climate.nc
refuses 2 "options of the launcher without --" "" supervise mpirun -n 2 "$QUERN" run moments --journal j climate.nc
refuses 2 "hosts that cannot be told" "'\\+n0' is no host" \
	supervise -- mpirun --host +n0 "$QUERN" run moments --journal j climate.nc
refuses 2 "a file of hosts that is not there" "cannot read the hosts in none" \
	supervise -- mpirun --hostfile none "$QUERN" run moments --journal j climate.nc

# --- runs ---

# Some seconds: a tenth of a millisecond for each KiB.
slow=(env QUERN_TEST_READ_DELAY='*:100000')

# begin ARGS -- COMMAND...: supervises in the background; its exit code is had by end.
begin()
{
	rm -rf j out err
	env --default-signal=INT "$QUERN" supervise "$@" >out 2>err </dev/null &
	supervisor=$!
}

end()
{
	status=0
	wait $supervisor || status=$?
}

# Ranks of this test: nobody else runs its command.
ranks()
{
	pgrep -f "^$TEST_QUERN run moments .*$PWD/j"
}

are_running()
{
	[ "$(ranks | wc -l)" -ge "$1" ]
}

# within SECONDS COMMAND...
within()
{
	local n=$(($1 * 20))

	shift
	while ! "$@"; do
		((n-- > 0)) || return 1
		sleep .05
	done
}

ranks_ended()
{
	! are_running 1
}

supervised=("$TEST_QUERN" "${run[@]}" --journal "$PWD/j")

begin -- "${mpirun[@]}" -n 2 "${supervised[@]}"
end
is "nothing happens: the result of the run" "0 $want" "$status $(result)"
is "... and not a word" "" "$(grep '^quern: ' err)"

# dies NAME RESTARTS COMMAND...: the command kills something in the middle of a run of two ranks.
dies()
{
	local name=$1

	shift
	begin -- "${slow[@]}" "${mpirun[@]}" -n 2 "${supervised[@]}"
	within 60 are_running 2 || fail "$name: it starts" "$(cat err)"
	sleep .7
	"$@"
	end
	is "$name: the result of the run" "0 $want" "$status $(result)"
	check "... it was started again" grep -q 'started again, .* after it failed (restart 1 of at most 10)' err
	check "... and says so at the end" grep -q 'quern: done after 1 restart, in ' err
	check "... nothing is left" within 5 ranks_ended
}

# The ranks are children of the launcher, in the order of their numbers.
kill_rank()
{
	kill -9 "$(ranks | sed -n "$1p")"
}

launcher()
{
	pgrep -P "$supervisor" -x 'mpirun|orterun|mpiexec'
}

kill_launcher()
{
	kill -9 "$(launcher)"
}

dies "rank 0 is killed" kill_rank 1
dies "another rank is killed" kill_rank 2
check "... with its signal" grep -q 'ended after .* s: exit status 137, a rank ended by signal 9' err
dies "the launcher is killed" kill_launcher
check "... with its signal" grep -q 'its launcher ended by signal 9' err

# --- what ends it ---

begin -- "${mpirun[@]}" -n 2 "${supervised[@]}" --dataset none
end
is "bad data is not tried again" "3 0" "$status $(grep -c 'started again' err)"
begin -- "${mpirun[@]}" -n 2 "$PWD/quern" "${run[@]}" --journal "$PWD/j"
end
is "... nor is what cannot be started, more than a few times" 1 "$status"
# shellcheck disable=SC2016 # of that shell
begin --retries 1 -- sh -c 'kill -9 $$' quern run --journal j
end
is "... nor more often than --retries" "1 1" "$status $(grep -c 'started again' err)"
check "... which it says" grep -q 'given up after 1 restarts' err

# is_ended NAME SIGNAL
is_ended()
{
	begin -- "${slow[@]}" "${mpirun[@]}" -n 2 "${supervised[@]}"
	within 60 are_running 2 || fail "$1: it starts" "$(cat err)"
	sleep .7
	kill "-$2" $supervisor
	SECONDS=0
	end
	is "$1: exit code 4" 4 "$status"
	check "... soon" test $SECONDS -le 6
	check "... nothing is left" within 5 ranks_ended
}

is_ended SIGTERM TERM
is_ended SIGINT INT
is_ended SIGUSR1 USR1
begin -- "${slow[@]}" "${mpirun[@]}" -n 2 "${supervised[@]}"
within 60 are_running 2
sleep .7
kill -9 $supervisor
end 2>/dev/null
check "a supervisor that is killed: its run is ended" within 8 ranks_ended
finish
