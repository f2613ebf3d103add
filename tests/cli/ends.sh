#!/usr/bin/env bash
# A run that a signal ends while it writes its result, whose rows go to the file as they come: the file that was in
# the place stays, nothing is left beside it, and a word says so.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
mkdir out.d
"$QUERN" run count -d packed -o old.nc cf.nc

# ends SIGNAL CODE FAULT ARG...: stopped at a call on its file, and then ended.
ends()
{
	local signal=$1 code=$2 fault=$3 first

	shift 3
	cp old.nc out.d/r.nc
	QUERN_TEST_FAULTS_PATH='*r.nc*' QUERN_TEST_FAULTS=$fault:stop env --default-signal=INT \
		"$TEST_QUERN" run "$@" --threads 1 -o out.d/r.nc -d packed cf.nc >out 2>err &
	first=$!
	until_stopped "$first"
	is "SIG$signal at $fault, $1: it is being written" 1 "$(find out.d -name '*.partial' | wc -l)"
	kill -"$signal" "$first"
	kill -CONT "$first"
	status=0
	wait "$first" || status=$?
	is "... exit code" "$code" "$status"
	check "... what was there stays" cmp old.nc out.d/r.nc
}

if ! env --default-signal=INT true 2>/dev/null; then
	skip_all "env cannot set signals to what they do"
fi
while read -r signal code word; do
	for fault in write:1 write:9 rename:1; do
		ends "$signal" "$code" $fault moments --over 0
		is "... it says so" "quern: $word: the result was not written" "$(cat err)"
		is "... nothing is left" r.nc "$(ls out.d)"
	done
done <<END
INT 130 interrupted
TERM 143 terminated
HUP 129 hung up
END
ends TERM 143 rename:1 moments
is "... nothing is left" r.nc "$(ls out.d)"

# What a killed one leaves is locked by nobody, and goes later.
ends KILL 137 write:3 moments --over 0
is "... one is left" 1 "$(find out.d -name 'r.nc.quern-*.partial' | wc -l)"
touch -d '2 hours ago' out.d/*.partial
answers_file() { "$QUERN" run moments --over 0 -o out.d/r.nc -d packed cf.nc; }
check "the next run" answers_file
is "... takes it away" r.nc "$(ls out.d)"
finish
