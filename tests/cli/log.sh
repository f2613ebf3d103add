#!/usr/bin/env bash
# QUERN_LOG: what is told on standard error, line by line, and that nothing else changes.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
export HWLOC_PLUGINS_PATH=/nonexistent
line='^quern: [0-9]{4}-[0-1][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z (error|warn|info|debug) [^ ]+ rank ([0-9]+|-) thread [0-9]+: .'

# Lines of `err` that are none of the log.
others()
{
	grep -Ecv "$line" err
}

# levels_in FILE: how many lines of each level.
levels_in()
{
	for level in error warn info debug; do
		printf '%s ' "$(grep -Ec "Z $level " "$1")"
	done
}

# --- what each level adds ---
quern run moments --json -d packed cf.nc
is "silent by default" "0 0" "$status $(wc -l <err)"
result >want
check "there is a result" test -s want
for level in error warn info debug; do
	QUERN_LOG=$level quern run moments --json -d packed cf.nc
	is "$level: exit code, other lines" "0 0" "$status $(others)"
	is "$level: the document" "$(cat want)" "$(result)"
	cp err "err.$level"
done
is "error, warn: nothing to tell" "0 0" "$(wc -l <err.error) $(wc -l <err.warn)"
read -r errors warnings infos debugs < <(levels_in err.info)
check "info tells of the run" test "$errors $warnings $debugs" = "0 0 0" -a "$infos" -gt 8
read -r errors warnings infos debugs < <(levels_in err.debug)
check "debug adds to it" test "$errors $warnings" = "0 0" -a "$infos" -gt 8 -a "$debugs" -ge 2
for what in "moments: quern [0-9]" "limits: " "threads bound to NUMA nodes" "cf.nc: dataset /packed: <i2" \
	"selected: 0:20,0:30,0:40" "homes: " "plan: 36 items" "pass 0: " "metadata: [0-9.]+ s" "done$"; do
	check "info: $what" grep -Eq -- "$what" err.info
done
QUERN_LOG=error quern run moments -d nosuch cf.nc
is "error: why it failed, and the message" "3 1 1" "$status $(grep -Ec "$line.*nosuch" err) $(others)"
QUERN_LOG=error refuses 2 "what is wrong with the command line is told as ever" "unknown option" run --nosuch
QUERN_LOG=loud refuses 2 "a level that there is not" \
	"variable QUERN_LOG: 'loud' is not one of error.warn.info.debug$" run moments -d packed cf.nc
QUERN_LOG=debugg refuses 2 "... one that is nearly there" "did you mean debug\?" info
QUERN_LOG='' answers "an empty one is none" run moments -d packed cf.nc
for command in "inspect -d packed cf.nc" "verify cf.nc" "plan moments -d packed cf.nc" "stage --to staged -d packed cf.nc"; do
	# shellcheck disable=SC2086 # words
	QUERN_LOG=info quern $command
	is "$command: lines of the log only" "0 0" "$status $(others)"
	check "... and what is described" grep -q "dataset /packed: <i2" err
done
check "stage: its shards" grep -Eq ': shard 0: made, status 0$' err
check "stage: what is in its place" grep -Eq 'cf.nc: is written, synced and in its place$' err
newline=$'two\nlines.nc'
cp cf.nc "$newline"
QUERN_LOG=debug quern run moments --json -d packed "$newline"
is "a name of two lines" "0 0" "$status $(others)"

# --- ranks ---
status=0
QUERN_LOG=debug timeout "$hang" $MPIRUN -n 2 "${own_err[@]}" "$QUERN" run moments --json -d packed cf.nc \
	>out 2>/dev/null || status=$?
cat err.0 err.1 >err
is "2 ranks: whole lines only" "0 0" "$status $(others)"
is "2 ranks: the result" "$(cat want)" "$(result)"
is "2 ranks: both speak" "0 1" "$(grep -Eo 'rank [0-9]+ thread' err | cut -d' ' -f2 | sort -u | tr '\n' ' ' | sed 's/ $//')"

# --- a reader that dies ---
# The filter of this file waits for the file `go`; meanwhile its reader, which the log tells, is killed.
"$BUILDDIR/tests/tools/layouts" strange || exit 1
# HDF5 takes what is called lib*.so for a plugin.
mkdir plugins
cp "$BUILDDIR/tests/tools/waits.so" plugins/libwaits.so
export HDF5_PLUGIN_PATH=$PWD/plugins
env "$fast" QUERN_LOG=debug "$QUERN" run count --json --threads 1 -d x strange.h5 >out 2>err &
run=$!
until grep -q 'its reader is replaced' err || ! kill -0 $run 2>/dev/null; do
	for reader in $(sed -nE 's/.*: dataset \/x: process ([0-9]+) reads it.*/\1/p' err); do
		[ "$(awk '$1 == "PPid:" { print $2 }' "/proc/$reader/status" 2>/dev/null)" != $run ] ||
			kill -KILL "$reader" 2>/dev/null
	done
	sleep 0.05
done
: >go
status=0
wait $run || status=$?
is "a reader is killed: the run goes on" "0 0" "$status $(others)"
check "... what happened is told" grep -Eq "Z warn .*the process that was reading it has been killed$" err
check "... and that it was replaced" \
	grep -Eq "Z warn .* thread [0-9]+: strange.h5: dataset /x: its reader is replaced by another" err
cp out struck
QUERN_LOG='' quern run count --json -d x strange.h5
is "... with the right result" "$(result)" "$(result struck)"
finish
