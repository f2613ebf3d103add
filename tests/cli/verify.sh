#!/usr/bin/env bash
# quern verify: what is damaged and what is said of it, and sums that are kept and compared.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc other.h5 damaged.h5 library.h5 latest.h5 early.h5 user_block.h5

# finds NAME PATTERN ARG...: passes if verify ends with 3, and one line of its report and the one on
# standard error match.
finds()
{
	local name=$1 pattern=$2

	shift 2
	quern verify "$@"
	if [ "$status" -eq 3 ] && [ "$(grep -Ec -- "damage: .*$pattern" out)" -eq 1 ] &&
		[ "$(grep -c '^quern: ' err)" -eq 1 ]; then
		pass "$name"
	else
		fail "$name" "not exit 3 with a damage like '$pattern'; $(outcome)"
	fi
}

# flip FILE OFFSET: changes a bit there.
flip()
{
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "$(printf '\\x%02x' $((byte ^ 16)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# --- without sums ---
for file in cf.nc other.h5 library.h5 latest.h5 early.h5 user_block.h5; do
	answers "$file is whole" verify "$file"
	prints "... in a summary" "^0 damages, 0 chunks damaged"
done
ndatasets=$("$QUERN" inspect --json cf.nc latest.h5 | grep -c '"dataset":')
answers "several files" verify cf.nc latest.h5
prints "... are counted" "^2 files, $ndatasets datasets"
answers "a pattern" verify '[cl]*[ft].[nh][c5]'
prints "... stands for its files" "^2 files, $ndatasets datasets"
quern verify 'none*.h5' cf.nc
is "a pattern of no file is a missing one" "2 1" "$status $(grep -c 'not verified: none\*.h5: ' out)"
answers "one dataset" verify -d /tree_filtered latest.h5
prints "... with its checksums" "/tree_filtered  *540 .* 0  checksums"
answers "with --progress" verify --progress never --threads 2 cf.nc
while read -r path addr _; do
	finds "$path: damage" "dataset $path, chunk \(2, 1\) at file offset $addr: corrupt" damaged.h5
	finds "$path: ... alone" "$path, chunk \(2, 1\)" -d "$path" damaged.h5
	finds "$path: ... with three threads" "$path, chunk \(2, 1\)" --threads 3 damaged.h5
done <damaged.txt
prints "all damages are found" "^3 damages, 3 chunks damaged; 21 chunks could not"
# What a description says of the last dataset is found before what is in the chunks of the others.
for tree in $(grep -abo TREE damaged.h5 | tail -n 3 | cut -d: -f1); do
	cp damaged.h5 indexes.h5
	flip indexes.h5 "$tree"
	quern verify indexes.h5
	is "index at $tree: all damages, in the order of the datasets" "3 /both /checksum /deflate" \
		"$status $(sed -n 's/.*damage: .*dataset \([^:,]*\)[:,].*/\1/p' out | xargs)"
done
quern verify --json damaged.h5
is "as JSON" "3 3 3 21" "$status $(field summary.damages) $(field summary.chunks_damaged) \
$(field summary.chunks_unchecked)"
read -r path addr _ < <(sed -n 3p damaged.txt)
is "... with the place" "\"$path\" $addr [2,1]" \
	"$(field files.0.damages.0.dataset) $(field files.0.damages.0.offset) \
$(field files.0.damages.0.chunk)"
# cannot N NAME REASON PATTERN ARG...: as finds, of what cannot be looked at and is no damage.
cannot()
{
	local code=$1 name=$2 reason=$3 pattern=$4 lines

	shift 4
	quern verify "$@"
	lines="$status $(grep -c 'damage: ' out) $(grep -Ec "not verified: .*$pattern" out) $(
		grep -c '^quern: ' err)"
	quern verify --json "$@"
	is "$name" "$code 0 1 1 \"$reason\" 1" "$lines $(field files.0.unverified.0.reason) $(
		field summary.unverified)"
}
cannot 2 "a missing file" missing "none.h5: .*No such file" none.h5 cf.nc
quern verify none.h5 cf.nc
prints "... and the other" "/packed "
echo "no data" >text.h5
finds "a text" "text.h5: not a file that quern reads" text.h5
cannot 2 "no such dataset" no_dataset "no such dataset /nosuch; .*it has:|no such dataset /nosuch" -d nosuch cf.nc
head -c 60000 cf.nc >cut.nc
finds "a file that was cut" "cut.nc: " cut.nc

# --- sums ---
if ! "$QUERN" info | grep -q '^sums'; then
	refuses 2 "sums cannot be made" "install libxxhash-dev" verify --write-sums s cf.nc
	skip "sums" "built without libxxhash"
	finish
fi
answers "sums are kept" verify --write-sums all.sums cf.nc latest.h5 early.h5 library.h5
prints "... and named" "sums kept in all.sums"
answers "... again, with two threads" verify --threads 2 --write-sums again.sums cf.nc latest.h5 \
	early.h5 library.h5
check "... the same" cmp all.sums again.sums
answers "compared: nothing has changed" verify --sums all.sums library.h5 cf.nc latest.h5 early.h5
prints "... and nothing was left out" " 0 chunks could not be held against"
mkdir -p copy && cp cf.nc copy
quern verify --json --sums all.sums copy/cf.nc
is "a copy elsewhere, and files of the sums that were not given" \
	'0 ["latest.h5","early.h5","library.h5"] 3' "$status $(jq -c .sums_not_given out) $(
		grep -c 'warning: .*: all.sums has sums of it, and it was not given: it was not' err)"
quern verify --json cf.nc
is "... null without sums" null "$(jq .sums_not_given out)"
mkdir -p moved/x moved/y x y
cp cf.nc x
cp latest.h5 y/cf.nc
cp cf.nc moved/x
cp latest.h5 moved/y/cf.nc
answers "sums of files of one name" verify --write-sums both.sums x/cf.nc y/cf.nc
answers "... which their folders tell apart" verify --sums both.sums moved/y/cf.nc moved/x/cf.nc
quern verify --json --sums both.sums copy/cf.nc
is "... or nothing does" '2 "ambiguous" 1' "$status $(field files.0.unverified.0.reason) $(
	grep -c 'copy/cf.nc: both.sums has sums of several files of this name, such as x/cf.nc and y' err)"
answers "sums of one file" verify --write-sums one.sums cf.nc
cp cf.nc renamed.nc
answers "... and its copy of another name" verify --sums one.sums renamed.nc
finds "sums of another file" "sums are of another file, cf.nc" --sums one.sums latest.h5
finds "sums of other files" "early.h5: is not in one.sums" --sums one.sums early.h5 cf.nc
quern verify --write-sums part.sums -d /packed cf.nc
answers "sums of one dataset" verify --sums part.sums cf.nc
prints "... leave the others unchecked" "^0 damages, 0 chunks damaged; 54 chunks could not"

cp cf.nc changed.nc
flip changed.nc 300
finds "a bit of the metadata" "changed.nc: " --sums one.sums changed.nc
quern verify --json damaged.h5
read -r _ addr _ <damaged.txt
# damaged.h5 has all bits of the byte in the middle of these chunks flipped: back again.
cp damaged.h5 healed.h5
for i in 0 1 2; do
	at=$(($(field files.0.damages.$i.offset) + $(field files.0.damages.$i.bytes) / 2))
	byte=$(od -An -tu1 -j $at -N 1 healed.h5)
	printf '%b' "$(printf '\\x%02x' $((byte ^ 255)))" |
		dd of=healed.h5 bs=1 seek=$at conv=notrunc 2>/dev/null
done
answers "a healed file" verify --write-sums healed.sums healed.h5
finds "sums find what no checksum does" "/deflate, chunk \(2, 1\) at file offset $addr" \
	--sums healed.sums damaged.h5
prints "... once a chunk" "^3 damages, 3 chunks damaged; 0 chunks"
quern verify --write-sums no.sums damaged.h5
is "no sums of damage" "3 no" "$status $([ -e no.sums ] && echo yes || echo no)"
head -c 2000 one.sums >cut.sums
refuses 3 "sums that were cut" "cut.sums: is not a file of sums, or was cut" \
	verify --sums cut.sums cf.nc
refuses 3 "sums that are not there" "none.sums: cannot be read" verify --sums none.sums cf.nc
refuses 2 "sums that cannot be written" "no/dir.sums: its directory cannot be written" \
	verify --write-sums no/dir.sums cf.nc
cp cf.nc data.nc
refuses 2 "sums in the place of data" "--write-sums data.nc: is there and is no file of sums" \
	verify --write-sums data.nc cf.nc
refuses 2 "sums in the place of a directory" "--write-sums .: is a directory" \
	verify --write-sums . cf.nc
check "... which stays" cmp cf.nc data.nc
: >blank.sums
answers "sums in an empty file" verify --write-sums blank.sums cf.nc
refuses 2 "... and not in the place of others" "blank.sums: has sums.*--sums blank.sums" \
	verify --write-sums blank.sums latest.h5
answers "... which stay" verify --sums blank.sums cf.nc

# --- sums that others write meanwhile ---
for fault in create rename; do
	# Stops at its temporary file, and when this is about to be put in its place.
	QUERN_TEST_FAULTS_PATH='*race.sums*' QUERN_TEST_FAULTS=$fault:1:stop "$TEST_QUERN" verify \
		--write-sums race.sums cf.nc >race.out 2>race.err &
	first=$!
	for ((n = 0; n < 3000; n++)); do
		grep -q '^State:.*T' "/proc/$first/status" && break
		sleep 0.02
	done
	answers "sums while others are written ($fault)" verify --write-sums race.sums latest.h5
	kill -CONT "$first"
	wait "$first"
	is "... which are refused" "yes 1" "$([ $? -gt 0 ] && echo yes) $(
		grep -Ec 'race.sums: (another process has written it meanwhile|has sums, maybe)' race.err)"
	answers "... and are those that stay" verify --sums race.sums latest.h5
	is "... alone" "" "$(find . -name '*.partial')"
	rm race.sums
done

# --- a filter that nobody has ---
"$BUILDDIR/tests/tools/layouts" strange || exit 1
cannot 1 "a filter that nobody has, said once" no_filter \
	"dataset /x: .*filter 511 .*HDF5_PLUGIN_PATH" strange.h5
quern verify --write-sums strange.sums strange.h5
is "... sums can be kept" "1 1" "$status $(grep -c 'sums kept' out)"
quern verify --sums strange.sums strange.h5
is "... and compared" "1 1" "$status $(grep -c '/x  .*not decoded: a filter is missing; sums' out)"
cp strange.h5 rotten.h5
flip rotten.h5 $(($(stat -c %s rotten.h5) - 8))
quern verify --sums strange.sums rotten.h5
is "... which finds damage" "3 1" "$status $(grep -c 'damage: ' out)"
refuses 3 "... a run does not begin" "neither quern nor this HDF5 library can decode filter 511" \
	run count -d x strange.h5
refuses 3 "... nor are its chunks skipped" "neither quern nor this HDF5 library" \
	run count --on-bad-chunk skip -d x strange.h5

# --- what a writer has ---
"$BUILDDIR/tests/tools/layouts" left || exit 1
cannot 5 "a file that is marked by a writer" held "marked as open for writing" left.h5

# --- what the system fails at ---
status=0
(ulimit -n 5 && exec "$QUERN" verify --json cf.nc) >out 2>err || status=$?
is "too few file descriptors: no damage" '1 0 "failed"' \
	"$status $(field summary.damages) $(field files.0.unverified.0.reason)"

# --- quiet ---
quern verify --quiet cf.nc latest.h5
is "--quiet: nothing to say" "0 0 0" "$status $(wc -c <out) $(wc -c <err)"
quern verify --quiet cf.nc damaged.h5 none.h5
is "--quiet: only what is not whole" "3 damaged.h5 none.h5 3 1" "$status $(grep -v '^ ' out | tr '\n' ' ')$(
	grep -c damage: out) $(grep -c 'not verified:' out)"

# --- interrupted ---
QUERN_TEST_READ_DELAY='*:50000000' "$TEST_QUERN" verify --progress always cf.nc >out 2>err &
first=$!
for _ in $(seq 200); do
	grep -q % err && break
	sleep .05
done
kill -TERM $first
wait $first
is "terminated: it says so, on a line of its own" "143 1" \
	"$? $(grep -c '^quern: terminated: what was found' err)"
finish
