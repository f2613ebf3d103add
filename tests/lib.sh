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
#	take_cases FILE		those of a script that was started: its TAP
#	find_python		the first interpreter that has numpy, or nothing
#	note TEXT		a figure to be shown, whether or not cases fail
#	result [FILE]		the result in a document (`out`), as it was written
#
# Calls of the system that fail (tests/testing/plan.h), in $TEST_QUERN. It is to be started by
# env "${faults_env[@]}" COMMAND; quern() of cli/lib.sh does so.
#
#	faults_set SPEC PATTERN	from here on the call SPEC (KIND:N:WHAT[:TIMES]; "": none) on files that
#				match PATTERN fails; calls are noted in the file faults.log
#	faults_clear		from here on nothing fails
#	faults_count KIND	how many calls of a kind (or `change`, or `any`) faults.log has
#	each_fault NAME KIND:WHAT PATTERN ATTEMPT FLAW
#				one case: calls the function ATTEMPT without a fault, and then once for
#				each call of that kind that it made, with this one failing. FLAW is a
#				function that prints what is wrong after an attempt, if anything

set -uo pipefail
tap_n=0
tap_failed=0
# Seconds that only what hangs takes: MPI whose ranks wait busily is slow on a machine that is, too.
hang=600

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

take_cases()
{
	local line

	grep -q '^1\.\.' "$1" || fail "$1 has its end" "$(tail -n 20 "$1")"
	while read -r line; do
		case $line in
		"ok "*" # SKIP "*) line=${line#ok * - } && skip "${line%% # SKIP *}" "${line#* # SKIP }" ;;
		"ok "*) pass "${line#ok * - }" ;;
		"not ok "*) fail "${line#not ok * - }" ;;
		*) echo "$line" ;;
		esac
	done < <(grep -v '^1\.\.' "$1")
}

find_python()
{
	local python

	for python in ${PYTHON-} python3 /usr/bin/python3; do
		"$python" -c 'import numpy' 2>/dev/null && echo "$python" && return
	done
}

result()
{
	sed -n '/^  "result": {/,/^  }/p' "${1:-out}"
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

faults_env=()

faults_set()
{
	rm -f faults.log
	faults_env=(QUERN_TEST_FAULTS_PATH="$2" QUERN_TEST_FAULTS_LOG="$PWD/faults.log")
	[ -z "$1" ] || faults_env+=(QUERN_TEST_FAULTS="$1")
}

faults_clear()
{
	faults_env=()
}

# Calls on files only: others are not of a pattern.
faults_count()
{
	tr -d '\0' <faults.log | grep -v '^memory\|^mpi\|^agree\|^end' | case $1 in
	any) awk 'END { print NR }' ;;
	change) awk '$1 !~ /^(look|list|read|open|map|lock)$/' | wc -l ;;
	*) awk -v kind="$1" '$1 == kind' | wc -l ;;
	esac
}

# Its variables have names of their own, for the functions that it calls see them.
each_fault()
{
	local fault_name=$1 fault_kind=${2%%:*} fault_what=${2#*:} fault_n fault_i fault_flaw=

	faults_set '' "$3"
	"$4"
	fault_n=$(faults_count "$fault_kind" 2>/dev/null)
	if [ "${fault_n:-0}" -eq 0 ]; then
		faults_clear
		fail "$fault_name" "no call of kind $fault_kind on $3"
		return
	fi
	for ((fault_i = 1; fault_i <= fault_n; fault_i++)); do
		faults_set "$fault_kind:$fault_i:$fault_what" "$3"
		"$4"
		fault_flaw=$("$5")
		[ -z "$fault_flaw" ] || break
	done
	faults_clear
	if [ -z "$fault_flaw" ]; then
		pass "$fault_name ($fault_n calls)"
	else
		fail "$fault_name" "call $fault_i of $fault_n: $(tr -d '\0' <faults.log | grep " $fault_what\$" | tail -n 1)
$fault_flaw"
	fi
}

finish()
{
	printf '1..%d\n' "$tap_n"
	[ "$tap_failed" -eq 0 ]
	exit
}
