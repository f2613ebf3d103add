#!/usr/bin/env bash
# quern stage, stage --repair and unstage when the system fails: a message with its reason and the user's
# name of the file, nothing wrong or unfinished in its place, and the same command goes on.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
"$BUILDDIR/examples/mkclimate" --quiet --time 8 --only t2m --missing 0 small.nc || exit 1
quern stage --to d --shards 1 small.nc
if grep -q 'built without' err; then
	skip_all "no libxxhash"
fi
cp -a d whole.d
rm -r d

# Prints what is wrong after a command that may have failed.
flaw()
{
	case $status in
	0) [ ! -s err ] || grep -q warning err || echo "success with a message: $(cat err)" ;;
	"$code")
		[ "$(wc -l <err)" -eq 1 ] || echo "not one line on standard error: $(cat err)"
		grep -q "^quern: .*d/small.nc.*$words" err || echo "the message: $(cat err)"
		;;
	*) echo "exit code $status: $(cat err)" ;;
	esac
	! grep -q partial err || echo "the message names the temporary file"
	faults_clear
	"$after"
}

# Whatever is under a final name is whole.
staged()
{
	local file

	for file in d/small.nc.shards/*.h5; do
		[ ! -e "$file" ] || cmp -s "$file" "whole.d/${file#d/}" || echo "$file is not whole"
	done
	[ -z "$(find d -name '*.partial')" ] || echo "left: $(find d -name '*.partial')"
	if [ -e d/small.nc ]; then
		quern stage --verify d/small.nc
		[ "$status" -eq "${verified:-0}" ] || echo "there is a catalog: $(cat err)"
	elif [ "$status" -eq 0 ]; then
		echo "success without a catalog"
	fi
	rounds=$(cat rounds)
	echo $((rounds + 1)) >rounds
	[ $((rounds % 8)) -eq 0 ] || return
	quern stage --to d --shards 1 small.nc
	[ "$status" -eq 0 ] || echo "the same command does not go on: $(cat err)"
}

attempt_stage()
{
	rm -rf d
	quern stage --to d --shards 1 small.nc
}
echo 0 >rounds
after=staged code=1 words='Input/output error'
each_fault "stage: EIO at each call that changes something" change:EIO '*/d/*' attempt_stage flaw
code=5 words='Permission denied'
each_fault "stage: EACCES at each file that is made" create:EACCES '*d/*' attempt_stage flaw

attempt_repair()
{
	rm -rf d
	cp -a whole.d d
	rm d/small.nc.shards/d0.s0000.h5
	quern stage --repair d/small.nc
}
repaired()
{
	[ -e d/small.nc ] || echo "the catalog is gone"
	[ -z "$(find d -name '*.partial')" ] || echo "left: $(find d -name '*.partial')"
	quern stage --repair d/small.nc
	[ "$status" -eq 0 ] || echo "it cannot be repaired any more: $(cat err)"
	cmp -s d/small.nc.shards/d0.s0000.h5 whole.d/small.nc.shards/d0.s0000.h5 ||
		echo "the shard is not what it was"
}
after=repaired code=1 words='Input/output error'
each_fault "--repair: EIO at each call that changes something" change:EIO '*d/*' attempt_repair flaw

attempt_unstage()
{
	rm -rf d
	cp -a whole.d d
	quern unstage d/small.nc
}
unstaged()
{
	[ "$status" -ne 0 ] || [ -z "$(ls -A d)" ] || echo "success, and left: $(ls -A d)"
	quern unstage d/small.nc
	[ -z "$(ls -A d)" ] || echo "left: $(find d) $(cat err)"
}
after=unstaged
each_fault "unstage: EIO at each call that changes something" change:EIO '*d/*' attempt_unstage flaw

# --- what cannot be looked at is not what is not there ---
with=(timeout "$hang")
# fails_at SPEC PATTERN N NAME WORDS ARG...: as refuses, with that fault, and d stays as it is.
fails_at()
{
	local spec=$1 pattern=$2

	shift 2
	find d -type f -exec cksum {} + | sort >before
	faults_set "$spec" "$pattern"
	refuses "$@"
	faults_clear
	is "... and nothing is changed" "$(cat before)" "$(find d -type f -exec cksum {} + | sort)"
}

# unfinished FILE: what a staging leaves that is killed before its plan goes, with FILE as the catalog.
unfinished()
{
	rm -rf d
	faults_set unlink:1:kill '*/plan'
	quern stage --to d --shards 1 small.nc
	faults_clear
	[ -z "${1-}" ] || cp "$1" d/small.nc
}
at='d/small.nc: cannot be looked at on host [^ ]*: '
unfinished
check "a staging that is killed has a plan and a catalog" test -e d/small.nc.shards/plan -a -e d/small.nc
fails_at look:1:EIO:1 d/small.nc 3 "unstage: EIO at the catalog" "${at}Input/output" unstage d/small.nc
fails_at look:1:EACCES:1 d/small.nc 5 "unstage: EACCES at the catalog" "${at}Permission" unstage d/small.nc
fails_at open:1:ENOMEM:0 '*d/small.nc' 1 "unstage: ENOMEM at the catalog" "Cannot allocate" unstage d/small.nc
fails_at look:1:EACCES:1 d/small.nc 5 "--verify: EACCES at the catalog" "${at}Permission" \
	stage --verify d/small.nc
fails_at look:1:EIO:1 d/small.nc 3 "--repair: EIO at the catalog" "${at}Input/output" \
	stage --repair d/small.nc
fails_at look:1:EIO:1 d/small.nc 1 "stage: EIO at the catalog" "${at}Input/output" \
	stage --to d --shards 1 small.nc
for n in 1 2 3; do
	fails_at "look:$n:EIO:0" '*small.nc.shards' 1 "unstage: EIO from look $n at the folder" \
		"small.nc.shards.*Input/output error" unstage d/small.nc
done
unfinished small.nc
fails_at '' '*' 3 "unstage: a plan, and no catalog in its place" "no catalog of quern stage" unstage d/small.nc
unfinished
rm d/small.nc
fails_at open:1:EIO:1 '*/plan' 3 "unstage: EIO at the plan" "plan: cannot be read: Input/output" \
	unstage d/small.nc
fails_at lock:1:EIO:1 '*' 1 "unstage: EIO at the lock" \
	"small.nc.shards: cannot be locked: Input/output error" unstage d/small.nc
fails_at lock:1:EIO:1 '*.shards' 1 "stage: EIO at the lock" \
	"small.nc.shards: cannot be locked: Input/output error" stage --to d --shards 1 small.nc
faults_set lock:1:ENOTSUP:0 '*.shards'
answers "unstage: a plan without a catalog, on a file system without locks" unstage d/small.nc
faults_clear
is "... and nothing is left" "" "$(ls -A d)"
refuses 3 "unstage: nothing at all" "no host has a catalog there" unstage d/small.nc
finish
