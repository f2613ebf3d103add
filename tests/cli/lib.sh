# shellcheck shell=bash
# cli/lib.sh - for tests of the command: `. "$SRCDIR/tests/cli/lib.sh"`. What the command wrote is in
# the files `out` and `err`, its exit code in $status.
#
#	quern ARG...			runs it, by the command of the array `with` if there is one
#	answers NAME ARG...		passes if it succeeds with something on stdout, stderr empty
#	refuses N NAME PATTERN ARG...	passes if it exits with N, stdout empty, and one line on
#					stderr, "quern: ...", that matches the pattern
#	prints NAME PATTERN		passes if stdout has a line that matches
#	generate FILE...		makes files of tests/tools/generate here
#	field PATH			a value of the JSON document in `out`

. "$SRCDIR/tests/lib.sh"

# Saves 20 ms a run; unit tests have the plugins.
export HWLOC_PLUGINS_PATH=/nonexistent

# Sanitizers: what starts MPI needs slow stack traces (tests/run), this does not.
fast="ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1"

# What ranks write on standard error a launcher forwards in pieces that it cuts anywhere. With this
# between it and the command, each rank writes to a file of its own, err.RANK.
# shellcheck disable=SC2016,SC2034 # expanded on the rank; used by scripts
own_err=(sh -c 'exec "$0" "$@" 2>"err.${PMI_RANK:-$OMPI_COMM_WORLD_RANK}"')

generate()
{
	env "$fast" "$BUILDDIR/tests/tools/generate" . "$@" || exit 1
}

# jq from version 1.7 on prints numbers as they were written, 3.0, unless something is made of them; before
# as it likes best, 3. So does this, with every version.
jq()
{
	local options=() filter

	while [ $# -gt 0 ]; do
		case $1 in
		--arg | --argjson) options+=("$1" "$2" "$3") && shift 3 ;;
		-*) options+=("$1") && shift ;;
		*) break ;;
		esac
	done
	filter=$1
	shift
	command jq "${options[@]}" "($filter) | walk(if type == \"number\" then . * 1 else . end)" "$@"
}

# jq_true FILTER FILE: jq -e takes an empty file for true, before version 1.7.
jq_true()
{
	[ "$(jq "$1" "$2")" = true ]
}

# until_stopped PID: by a fault of QUERN_TEST_FAULTS, or until there is no such process.
until_stopped()
{
	local n

	for ((n = 0; n < 3000; n++)); do
		! grep -qs '^State:.*T' "/proc/$1/status" || break
		[ -e "/proc/$1" ] || break
		sleep 0.02
	done
}

quern()
{
	status=0
	env "$fast" ${faults_env[@]+"${faults_env[@]}"} \
		${with[@]+"${with[@]}"} "$QUERN" "$@" >out 2>err || status=$?
}

# What came of the last call, for a failed case.
outcome()
{
	echo "exit $status; stdout:"
	head -n 20 out
	echo "stderr:"
	head -n 20 err
}

answers()
{
	local name=$1

	shift
	quern "$@"
	if [ "$status" -eq 0 ] && [ -s out ] && [ ! -s err ]; then
		pass "$name"
	else
		fail "$name" "$(outcome)"
	fi
}

refuses()
{
	local want=$1 name=$2 pattern=$3

	shift 3
	quern "$@"
	if [ "$status" -eq "$want" ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] &&
		grep -q '^quern: ' err && grep -Eq -- "$pattern" err; then
		pass "$name"
	else
		fail "$name" "not exit $want with a message like '$pattern'; $(outcome)"
	fi
}

prints()
{
	if grep -Eq -- "$2" out; then
		pass "$1"
	else
		fail "$1" "no line like '$2'; $(outcome)"
	fi
}

field()
{
	"$BUILDDIR/tests/tools/pick" "$1" <out
}

# run_picked FILTER ARG...: what jq's filter makes of the result of a run, or why there is none.
run_picked()
{
	local filter=$1

	shift
	quern run "$@" --json
	[ "$status" -eq 0 ] || cat err
	jq -cS ".result | $filter" out
}

# run_result ARG...: all of it.
run_result()
{
	run_picked . "$@"
}

# same NAME ARGS -- ARGS: both runs find the same, and something.
same()
{
	local name=$1 first=() want

	shift
	while [ "$1" != -- ]; do
		first+=("$1")
		shift
	done
	shift
	want=$(run_result "${first[@]}")
	is "$name" "$want" "$(run_result "$@")"
	check "... which is something" jq_true '.result | length > 0' out
}

# is NAME WANT GOT
is()
{
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "'$3', not '$2'"; fi
}
