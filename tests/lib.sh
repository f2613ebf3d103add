# shellcheck shell=bash
# lib.sh - for shell tests: `. "$SRCDIR/tests/lib.sh"`, then any of the functions below, then
# `finish` as the last line. Everything else that a test prints goes to standard error.
#
#	check NAME COMMAND...	passes if COMMAND succeeds; shows its output if not
#	check_exit N NAME COMMAND...	passes if COMMAND exits with N
#	pass NAME
#	fail NAME [DETAIL]
#	skip NAME WHY
#	skip_all WHY		ends the test: nothing here can run
#	note TEXT		a figure to be shown, whether or not cases fail

set -uo pipefail
tap_n=0
tap_failed=0

pass()
{
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s\n' "$tap_n" "$1"
}

fail()
{
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_n" "$1"
	[ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}

skip()
{
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_n" "$1" "$2"
}

note()
{
	printf '# note: %s\n' "$1"
}

skip_all()
{
	skip "all" "$1"
	finish
}

check_exit()
{
	local want=$1 name=$2 out status=0

	shift 2
	out=$("$@" 2>&1) || status=$?
	if [ "$status" -eq "$want" ]; then
		pass "$name"
	else
		fail "$name" "exit $status, not $want: $*
$out"
	fi
}

check()
{
	check_exit 0 "$@"
}

finish()
{
	printf '1..%d\n' "$tap_n"
	[ "$tap_failed" -eq 0 ]
	exit
}
