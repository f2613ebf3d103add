#!/usr/bin/env bash
# Input that cannot be read: what is said, and the exit code.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc other.h5 damaged.h5

for command in "run moments -d packed" "plan moments -d packed" inspect; do
	# shellcheck disable=SC2086 # words
	{
		refuses 3 "$command: missing file" "none.h5: .*No such file" $command none.h5
		mkdir -p dir.h5
		refuses 3 "$command: a directory" "dir.h5: cannot be opened: it is a directory, not a file; name" $command dir.h5
		: >empty.h5
		refuses 3 "$command: an empty file" "empty.h5: is empty" $command empty.h5
		echo "no data" >text.h5
		refuses 3 "$command: a text" "text.h5: not a file that quern reads" $command text.h5
		head -c 100000 /dev/zero >zeros.h5
		refuses 3 "$command: zeros" "zeros.h5: not a file" $command zeros.h5
		printf 'CDF\001\0\0\0\0' >classic.nc
		refuses 3 "$command: netCDF-3" "nccopy -k nc4" $command classic.nc
	}
done
refuses 3 "no such dataset" "no such dataset /nosuch" run moments -d nosuch cf.nc
refuses 3 "misspelt dataset" "did you mean /packed\?" run moments -d paked cf.nc
refuses 3 "a group" "other.h5: group is a group without datasets" run moments -d group other.h5
refuses 3 "inspect: no such dataset" "/nosuch" inspect -d nosuch cf.nc
for type in opaque reference; do
	refuses 3 "$type: refused" "other.h5: dataset /$type .*type $type" \
		run moments -d "$type" other.h5
	refuses 3 "$type: refused by count too" "/$type" run count -d "$type" other.h5
done
for type in string variable_string; do
	refuses 3 "$type: refused" "dataset /$type .*text: kernel moments takes numbers; .*count" \
		run moments -d "$type" other.h5
	answers "$type: counted" run count -d "$type" other.h5
done
answers "inspect shows them all the same" inspect other.h5
prints "... by name" "compound"

# --- cut files: at most their beginning is there ---
size=$(stat -c %s cf.nc)
for part in 1 7 8 9 96 600 3000 $((size / 2)) $((size - 100)) $((size - 1)); do
	head -c "$part" cf.nc >cut.nc
	refuses 3 "cut after $part of $size bytes" "cut.nc" run moments -d packed cut.nc
done
head -c $((size / 2)) cf.nc >cut.nc
refuses 3 "inspect: a cut file" "cut.nc" inspect cut.nc

# --- corrupt chunks ---
while read -r path addr left; do
	refuses 3 "$path: corrupt chunk" \
		"damaged.h5: dataset $path, chunk \(2, 1\) at file offset $addr: corrupt" \
		run moments -d "$path" damaged.h5
	refuses 3 "$path: ... with three threads" "chunk \(2, 1\) at file offset $addr" \
		run moments --threads 3 -d "$path" damaged.h5
	refuses 3 "$path: ... in the first of two passes" "chunk \(2, 1\)" \
		run histogram -d "$path" damaged.h5
	answers "$path: other chunks are read" run moments -s 0:32 -d "$path" damaged.h5
	quern run count --json --on-bad-chunk skip -d "$path" damaged.h5
	is "$path: skipped" "0 $left 1 [2,1] \"$path\"" "$status $(field result.count) $(
		field run.chunks_skipped) $(field run.skipped.0.chunk) $(field run.skipped.0.dataset)"
	is "$path: ... by name" 1 "$(grep -c "left out: damaged.h5: dataset $path, chunk (2, 1)" err)"
	prints "$path: ... in the document, too" '"chunks_skipped": 1'
done <damaged.txt
path=$(awk '{ print $1; exit }' damaged.txt)
quern run count --on-bad-chunk skip -d "$path" damaged.h5
prints "a table says that it is not of all" \
	'^  incomplete   1 chunk left out that could not be read \(--on-bad-chunk skip\)$'
is "... in so many words on standard error" 1 \
	"$(grep -c 'warning: 1 chunk could not be read and was left out (--on-bad-chunk skip)$' err)"
for suffix in nc h5; do
	quern run count --on-bad-chunk skip -o "skipped.$suffix" -d "$path" damaged.h5
	is "... so does .$suffix" "quern_chunks_skipped 1 quern_sources_missing 0" \
		"$("$BUILDDIR/tests/tools/globals" "skipped.$suffix" | xargs)"
	quern run count -o "skipped.$suffix" -s 0:32 -d "$path" damaged.h5
	is "... and where nothing was skipped" "quern_chunks_skipped 0 quern_sources_missing 0" \
		"$("$BUILDDIR/tests/tools/globals" "skipped.$suffix" | xargs)"
done
quern run count --on-bad-chunk skip -o skipped.csv -d "$path" damaged.h5
is "... and .csv" "# quern_chunks_skipped: 1 # quern_sources_missing: 0" \
	"$(grep '^# quern_' skipped.csv | xargs)"

refuses 2 "info of something" "info takes no operands" info cf.nc

# --- a file that may not be read: as a user who is not root ---
why="secret.nc: cannot be opened: Permission denied; ask its owner"
if [ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null; then
	command=$QUERN dir=$(mktemp -d)
	QUERN=$dir/quern
	[ "$(id -u)" -ne 0 ] || with=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	chmod 755 "$dir"
	cp "$command" "$QUERN" && chmod 755 "$QUERN"
	mkdir "$dir/closed" "$dir/ro" && cp cf.nc "$dir" && cp cf.nc "$dir/closed" && cp cf.nc "$dir/ro"
	cp cf.nc "$dir/secret.nc" && chmod 000 "$dir/secret.nc" "$dir/closed" && chmod 555 "$dir/ro"
	refuses 5 "unreadable file" "$why" run moments -d packed "$dir/secret.nc"
	for verb in "run moments" "plan moments" "inspect --homes"; do
		# shellcheck disable=SC2086 # words
		refuses 5 "$verb: ... which is not the first" "$why" $verb -d packed "$dir/cf.nc" \
			"$dir/secret.nc"
	done
	quern inspect -d packed "$dir/secret.nc" "$dir/cf.nc"
	is "inspect: ... does not hide the others" "5 1 1" \
		"$status $(grep -c "$why" err) $(grep -c '^/packed  ' out)"
	refuses 5 "a pattern" "closed/\*.nc: a directory of this pattern cannot be read: Permission denied" \
		run moments -d packed "$dir/closed/*.nc"
	refuses 5 "unwritable directory" "cannot be written: Permission denied" \
		run moments -d packed -o "$dir/ro/r.json" "$dir/ro/cf.nc"
	chmod 755 "$dir/closed" "$dir/ro"
	rm -rf "$dir"
	QUERN=$command with=()
else
	skip "unreadable file" "root may read everything, and there is no setpriv"
fi

# --- a file that a writer has locked: it is not damaged ---
cp cf.nc free.nc
with=(flock cf.nc)
why="cf.nc: is locked by another program, which has it open for writing: wait until"
for verb in "run moments" "run moments --on-bad-chunk skip" "plan moments" inspect "inspect --homes" \
	"run moments free.nc" "inspect --homes free.nc" "stage --to staged"; do
	# shellcheck disable=SC2086 # words
	refuses 5 "$verb: locked" "$why" $verb -d packed cf.nc
done
quern verify --json cf.nc
is "verify: locked" '5 "held"' "$status $(field files.0.unverified.0.reason)"
with=()

# --- a dataset that cannot be described does not hide the others, nor is it overlooked ---
cp damaged.h5 index.h5
while IFS=: read -r at _; do
	# The node of a chunk index, not of a group.
	[ "$(od -An -tu1 -j $((at + 4)) -N 1 index.h5)" -eq 1 ] || continue
	printf X | dd of=index.h5 bs=1 seek="$at" conv=notrunc status=none
	break
done < <(grep -abo TREE damaged.h5)
for homes in "" --homes; do
	# shellcheck disable=SC2086 # a word or none
	quern inspect $homes index.h5
	is "a damaged index${homes:+, $homes}" "3 1 1" "$status $(grep -c '^  error  *index.h5: dataset' out) $(
		grep -c '^quern: index.h5: 1 object of it cannot be read: .* chunk index is damaged' err)"
	# shellcheck disable=SC2086
	quern inspect --json $homes index.h5
	is "... and the others${homes:+, $homes}" "$status true" "3 $(jq '[.datasets[] | .exit_code] |
		[(map(select(. == 3)) | length == 1), (map(select(. == null)) | length > 1)] | all' out)"
done

# A limit on the size of files is an error like others, not the end without a word.
mkdir limited
for name in r.json r.csv r.h5 r.nc; do
	(ulimit -f 0 && "$QUERN" run moments -d packed -o "limited/$name" cf.nc; echo "exit $?") 2>&1 |
		cat >out
	is "ulimit -f: $name" "quern: limited/$name: cannot be written: File too large exit 1" \
		"$(xargs <out)"
done
is "... and nothing is left" "" "$(ls -A limited)"
finish
