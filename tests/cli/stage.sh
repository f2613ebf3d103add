#!/usr/bin/env bash
# quern stage and quern unstage on one host: what is made, what is kept, what is refused. Several hosts
# are tests/machines/hosts.sh.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc latest.h5 compound.h5 user_block.h5
"$BUILDDIR/examples/mkclimate" --quiet --time 64 climate.nc || exit 1
"$BUILDDIR/examples/mkclimate" --quiet --time 64 --only t2m --contiguous flat.nc || exit 1

# A file called like the command is none of its business.
echo text >quern
TZ=UTC touch -a -d 2001-01-01 quern
quern stage --to d climate.nc
if grep -q 'built without' err; then
	skip_all "no libxxhash"
fi
is "a file named quern is not read" "0 978307200" "$status $(stat -c %X quern)"
rm quern

# same NAME FILE CATALOG ARG...: a run on either gives the same bytes.
same()
{
	local name=$1 file=$2 catalog=$3 want

	shift 3
	quern run "$@" --json "$file"
	want=$(result)
	quern run "$@" --json "$catalog"
	if [ "$status" -eq 0 ] && [ -n "$want" ] && [ "$want" = "$(result)" ]; then
		pass "$name"
	else
		fail "$name" "not $want; $(outcome)"
	fi
}

# --- stage, run, unstage ---
is "stage" 0 "$status"
prints "... makes shards" "^  copies: 8 made"
same "run moments" climate.nc d/climate.nc moments -d t2m
same "... of packed values" climate.nc d/climate.nc moments -d precip
same "... of a selection by coordinates" climate.nc d/climate.nc minmax -d t2m \
	-s 'time=1979-01-03:1979-01-10,lat=-30.0:30.0'
same "topk" climate.nc d/climate.nc topk --k 5 -d t2m
is "all bytes are local" "0" "$(field run.bytes_remote)"
answers "inspect" inspect d/climate.nc
is "... has no tables" 0 "$(grep -c quern_catalog out)"
answers "again" stage --to d climate.nc
prints "... nothing is to be done" "8 kept; nothing was to be done"
prints "... and what was not compared" \
	'sizes and times are right; .quern stage --verify d/climate.nc. compares the sums$'
answers "stage --verify" stage --verify d/climate.nc
prints "... all are whole" "copies: 8 whole$"
answers "as JSON" stage --verify --json d/climate.nc
is "... with homes" "\"$(hostname)\"" "$(field staged.0.shards.0.homes.0)"
for args in d/climate.nc "-d t2m d/climate.nc" "--json d/climate.nc"; do
	# shellcheck disable=SC2086 # words
	quern verify $args
	is "verify $args: sees no tables" "0 0" "$status $(grep -c quern_catalog/ out)"
	is "... says what it has not read" 1 "$(grep -c 'stage --verify FILE. checks them' err)"
done
answers "inspect --homes" inspect --homes d/climate.nc
is "... has no tables" 0 "$(grep -c quern_catalog out)"
answers "a shard is a file of its own" run moments -d t2m d/climate.nc.shards/d1.s0000.h5
answers "... that is whole" verify d/climate.nc.shards/d1.s0000.h5
with=(env QUERN_DRY_RUN=1)
refuses 2 "unstage with QUERN_DRY_RUN" "QUERN_DRY_RUN is set, and quern unstage has no dry run" \
	unstage d/climate.nc
with=(env QUERN_DRY_RUN=maybe)
refuses 2 "... with a strange value" "environment variable QUERN_DRY_RUN: " unstage d/climate.nc
with=()
answers "... all copies are there" stage --verify d/climate.nc
answers "unstage" unstage d/climate.nc
prints "... removes them" "copies: 8 removed"
is "... and leaves nothing" "" "$(ls -A d)"

# --- kinds of datasets ---
answers "not chunked" stage --to d --shards 3 flat.nc
same "... same bytes" flat.nc d/flat.nc moments -d t2m
quern unstage d/flat.nc
answers "chosen datasets, by a dimension" stage --to d -d /tree_filtered,/raw_edges --cut 1 latest.h5
same "... same bytes" latest.h5 d/latest.h5 moments -d /tree_filtered
same "... edges that are not filtered" latest.h5 d/latest.h5 moments -d /raw_edges
quern unstage d/latest.h5
answers "a file with a user block" stage --to d -d /holes user_block.h5
same "... and chunks without storage" user_block.h5 d/user_block.h5 moments -d /holes
quern unstage d/user_block.h5
compound=$("$QUERN" inspect compound.h5 | sed -n 's|^/\(deflate[^ ]*\) .*|\1|p' | head -n 1)
if [ -n "$compound" ]; then
	column=$("$QUERN" inspect --json compound.h5 | tr -d ' \n' |
		sed 's/.*"dataset":"\/'"$compound"'",[^[]*"members":\[{"name":"\([^"]*\)".*/\1/')
	answers "a compound datatype" stage --to d -d "/$compound" compound.h5
	same "... its members" compound.h5 d/compound.h5 count -d "/$compound" --column "$column"
	quern unstage d/compound.h5
fi

# --- what cannot be ---
refuses 2 "no directory" "--to is missing" stage climate.nc
refuses 2 "more replicas than hosts" "one host only" stage --to d --replicas 2 climate.nc
refuses 2 "no such dimension" "has no dimension 'x'" stage --to d --cut x climate.nc
refuses 2 "a name that an option had" "quern: --by of stage is now called --cut" \
	stage --to d --by lat climate.nc
refuses 3 "nothing large enough" "no numeric dataset of more than 1 MiB" stage --to d cf.nc
refuses 3 "no catalog" "no catalog of quern stage" stage --verify climate.nc
refuses 3 "nothing to unstage" "no host has a catalog" unstage d/none.nc
refuses 3 "unstage leaves other files" "no catalog" unstage climate.nc
is "... alone" 0 "$(test -e climate.nc; echo $?)"
refuses 2 "the source is not replaced" "is the file itself" stage --to . climate.nc
echo mine >d/climate.nc
refuses 2 "another file is not replaced" "something else" stage --to d climate.nc
is "... it stays" mine "$(cat d/climate.nc)"
rm d/climate.nc
mkdir d/climate.nc.shards && echo mine >d/climate.nc.shards/d0.s0000.h5
refuses 2 "another folder is not used" "something else" stage --to d climate.nc
refuses 2 "... it is to be removed by hand" "by hand" stage --to d climate.nc
is "... it stays too" mine "$(cat d/climate.nc.shards/d0.s0000.h5)"
rm -r d/climate.nc.shards
answers "dry run" stage --to d --dry-run climate.nc
prints "... says what would be" "copies: 8 planned"
is "... and makes nothing" "" "$(ls -A d)"
mkdir d/climate.nc.shards
answers "dry run to a directory that is not there" stage --to d/new --dry-run climate.nc
answers "dry run over an empty folder" stage --to d --dry-run climate.nc
is "... which stays" climate.nc.shards "$(ls -A d)"
rmdir d/climate.nc.shards
# --- where to ---
ln -s nowhere led_astray
for dry in "" --dry-run; do
	while IFS=: read -r to text; do
		# shellcheck disable=SC2086 # an option or none
		refuses 2 "--to $to $dry" "--to: $to: $text on host" stage $dry --to "$to" climate.nc
	done <<-'END'
		d/a/b:the directory above it is not there either
		flat.nc:is not a directory
		flat.nc/x:is below what is not a directory
		/dev/null:is not a directory
		led_astray:is a link that leads nowhere
	END
done
is "nothing is made of these" "" "$(ls -A d)"

# --- room, before anything is written ---
"$BUILDDIR/tests/tools/layouts" sized $((1 << 59)) || exit 1
for dry in "" --dry-run; do
	# shellcheck disable=SC2086 # an option or none
	refuses 1 "too large for the disk $dry" "d/vast.h5: host .* bytes free there and needs 5764607" \
		stage $dry --to d vast.h5
done
"$BUILDDIR/tests/tools/layouts" sized $(($(stat -f -c '%a * %S' d) / 10 * 7)) || exit 1
quern stage --dry-run --to d vast.h5 wide.h5
is "each of two has room, both have not" "1 1 1" "$status $(
	grep -c '^quern: d/wide.h5: host .* bytes free there and needs .* with the files before it$' err) $(
	grep -c 'copies: 4 planned' out)"
rm vast.h5 wide.h5

# --- several files ---
mkdir same && cp climate.nc same
refuses 2 "two of one name" \
	"climate.nc and .*climate.nc would both become d/climate.nc: nothing was staged" \
	stage --to d climate.nc flat.nc same/climate.nc
is "... nothing is made" "" "$(ls -A d)"
echo "no data" >text.h5
quern stage --to d text.h5 climate.nc none.nc flat.nc
is "one that is bad does not keep others from it" "3 1 2 climate.nc flat.nc" "$status $(
	grep -c '^quern: text.h5: not a file .* (and 1 more of the 4 files)$' err) $(
	grep -c 'copies: . made' out) $(cd d && echo *.nc)"
prints "... all that are bad are named" '^  none.nc: cannot be opened'
quern stage --verify --json d/none.nc d/climate.nc
is "... by --verify too" "3 1 d/none.nc:3" "$status $(jq '.staged | length' out) $(
	jq -r '.errors[] | "\(.file):\(.exit_code)"' out)"
quern unstage d/climate.nc d/none.nc d/flat.nc
is "... and by unstage" "3 2 " "$status $(grep -c 'copies: . removed' out) $(ls -A d)"
answers "the document of good ones" stage --json --to d climate.nc
is "... has no errors" "[]" "$(field errors)"
quern unstage d/climate.nc
rm -r same

# --- two at once ---
QUERN_TEST_READ_DELAY='*:40000' "$TEST_QUERN" stage --to d climate.nc >first.out 2>first.err &
first=$!
for _ in $(seq 100); do
	[ -e d/climate.nc.shards/plan ] && break
	sleep .05
done
refuses 1 "two stagings at once" "another quern stage is at work" stage --to d climate.nc
refuses 1 "... and unstage" "another quern stage is at work" unstage d/climate.nc
wait $first
is "... the first one goes on" "0 0" "$? $(wc -c <first.err)"
answers "... and is whole" stage --verify d/climate.nc
quern unstage d/climate.nc

# --- interrupted ---
# cut_off SECONDS: a staging that is killed after so long, or before it has begun.
cut_off()
{
	QUERN_TEST_READ_DELAY='*:80000' timeout -s KILL "$1" "$TEST_QUERN" stage --to d climate.nc >out 2>err
}
cut_off 1
# A shard counts as made when its sum is noted, just after it has got its name.
nbefore=$(cat d/climate.nc.shards/sums 2>/dev/null | wc -l)
note "killed after 1 s: $nbefore shards"
is "killed: there is no catalog" 1 "$(test -e d/climate.nc; echo $?)"
refuses 2 "other options do not go on with it" "interrupted" stage --to d --shards 2 climate.nc
answers "the same command goes on" stage --to d climate.nc
case $nbefore in
0) counted="8 made" ;;
8) counted="8 kept" ;;	# only the catalog was missing
*) counted="$((8 - nbefore)) made, $nbefore kept" ;;
esac
prints "... with what there is" "copies: $counted\$"
same "... same bytes" climate.nc d/climate.nc moments -d t2m
quern unstage d/climate.nc
is "nothing is left" "" "$(ls -A d)"
# flip FILE OFFSET: changes a bit there, and not the time of the file.
flip()
{
	local byte

	touch -r "$1" stamp
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf '%b' "$(printf '\\x%02x' $((byte ^ 16)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
	touch -r stamp "$1"
}
# Two shards are there, and one of them rots before the same command is given again.
QUERN_TEST_READ_DELAY='*:1000000' "$TEST_QUERN" stage --to d climate.nc >out 2>err &
first=$!
until [ "$(grep -c . d/climate.nc.shards/sums 2>/dev/null)" = 2 ]; do
	kill -0 $first || break
	sleep .05
done
kill -KILL $first
wait $first 2>/dev/null
flip d/climate.nc.shards/d0.s0000.h5 200000
answers "a shard that has rotten since: the same command" stage --to d climate.nc
prints "... makes it anew" "copies: 7 made, 1 kept\$"
same "... same bytes" climate.nc d/climate.nc moments -d precip
answers "... and all are whole" stage --verify d/climate.nc
is "... nothing else is left" "8" "$(find d/climate.nc.shards -type f | wc -l)"
quern unstage d/climate.nc
QUERN_TEST_READ_DELAY='*:40000' "$TEST_QUERN" stage --to d climate.nc >out 2>err &
first=$!
for _ in $(seq 100); do
	[ -e d/climate.nc.shards/plan ] && break
	sleep .05
done
kill -TERM $first
wait $first
is "interrupted: it says how to go on" 1 "$(grep -c 'same command goes on' err)"
answers "what was not finished can be unstaged" unstage d/climate.nc
is "... and is gone" "" "$(ls -A d)"

# --- damage ---
quern stage --to d climate.nc
touch -r d/climate.nc.shards/d1.s0002.h5 stamp
printf XXXX | dd of=d/climate.nc.shards/d1.s0002.h5 bs=1 seek=900000 conv=notrunc 2>/dev/null
touch -r stamp d/climate.nc.shards/d1.s0002.h5
refuses 3 "a damaged chunk: run" "d1.s0002.h5.*offset.*damaged on host $(hostname)" run moments -d t2m \
	d/climate.nc
quern run moments -d t2m --on-bad-chunk skip --json d/climate.nc
is "... --on-bad-chunk skip" "0 1" "$status $(field run.chunks_skipped)"
quern stage --verify d/climate.nc
is "... --verify" "3 1" "$status $(grep -c '7 whole, 1 damaged' out)"
answers "... --repair, from the staged file" stage --repair d/climate.nc
prints "... makes one" "copies: 1 made, 7 whole"
rm d/climate.nc.shards/d0.s0001.h5
refuses 3 "a shard that is not there: stage again" "1 of its copies.*stage --repair d/climate.nc" \
	stage --to d climate.nc
refuses 3 "a shard that is not there: run" "d0.s0001.h5: cannot open it on host .*--repair .*d/climate.nc" run moments -d precip d/climate.nc
mv climate.nc away.nc
quern stage --repair d/climate.nc
is "... lost without the staged file" "3 1" "$status $(grep -c '7 whole, 1 lost' out)"
is "... and says so" 1 "$(grep -c 'file is not there to make them from: .*/climate.nc' err)"
cp away.nc climate.nc
quern stage --repair d/climate.nc
is "... lost with another file in its place" "3 1" \
	"$status $(grep -c 'file was changed since: .*/climate.nc' err)"
mv away.nc climate.nc
answers "... made anew with it" stage --repair d/climate.nc
same "... same bytes" climate.nc d/climate.nc moments -d precip
echo longer >>d/climate.nc.shards/d0.s0000.h5
quern unstage d/climate.nc
is "unstage leaves a shard that was changed" "7 removed, 1 left" \
	"$(sed -n 's/^  copies: //p' out)"
is "... names it, and exits with 1" "1 1" \
	"$status $(grep -c 'd0.s0000.h5 on host .*: changed since they were staged' err)"
quern unstage d/climate.nc
is "... the catalog stays" "1 0" "$status $(test -e d/climate.nc; echo $?)"
refuses 3 "... run" "d0.s0000.h5: it was changed since" run moments -d precip d/climate.nc
rm d/climate.nc.shards/d0.s0000.h5
answers "... without the shard it goes" unstage d/climate.nc
is "... and nothing is left" "" "$(ls -A d)"
quern stage --to d climate.nc
prints "stage says what is next" "^next: quern run .*d/climate.nc\$"
refuses 2 "a catalog is not staged" "catalog of quern stage already" stage --to d/again d/climate.nc
mv d/climate.nc d/other.nc
refuses 3 "a renamed catalog is not unstaged" "renamed" unstage d/other.nc
is "... it stays" 0 "$(test -e d/other.nc; echo $?)"
mv d/other.nc d/climate.nc

# --- what may not be done ---
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	dir=$(mktemp -d)
	cp "$QUERN" climate.nc "$dir"
	chmod 755 "$dir" "$dir/quern"
	denied()
	{
		status=0
		(cd "$dir" && setpriv --reuid=65534 --regid=65534 --clear-groups ./quern "$@") \
			>out 2>err || status=$?
	}
	denied stage --to "$dir/s" climate.nc
	is "a directory that may not be made" "5 1" \
		"$status $(grep -c -- "--to: $dir/s: cannot be made on host .*: Permission denied" err)"
	"$QUERN" stage --to "$dir/s" climate.nc >/dev/null
	denied unstage "$dir/s/climate.nc"
	is "unstage without permission" "5 1 0" \
		"$status $(grep -c '8 copies stay.*s0000.h5 on host .*Permission denied' err) $(
			test -e "$dir/s/climate.nc"; echo $?)"
	chmod 000 "$dir/s/climate.nc.shards/d0.s0000.h5"
	denied stage --verify "$dir/s/climate.nc"
	is "--verify without permission" "5 1 0" \
		"$status $(grep -c 'cannot be read: Permission denied' err) $(grep -c damaged out)"
	chmod 000 "$dir/climate.nc"
	for args in "run moments -d t2m climate.nc" "verify climate.nc" "inspect climate.nc" \
		"stage --to s2 climate.nc" "plan moments -d t2m climate.nc" \
		"run moments -d precip s/climate.nc"; do
		# shellcheck disable=SC2086 # words
		denied $args
		is "$args: may not be read" "5 1" "$status $(grep -c 'Permission denied' err)"
	done
	chmod 644 "$dir/climate.nc"
	mkdir -m 777 "$dir/s3" && mkdir -m 755 "$dir/s3/climate.nc.shards"
	denied stage --to s3 climate.nc
	is "a folder of another user" "5 1" \
		"$status $(grep -c "is another user's: choose another directory, or have user root remove it" err)"
	chmod 777 "$dir/s" && chmod 644 "$dir/s/climate.nc"
	denied stage --repair "$dir/s/climate.nc"
	is "another user's catalog is not repaired" "5 1" "$status $(
		grep -c 's/climate.nc: on host .* it belongs to user root, who alone may repair it: have user root run' err)"
	rm -rf "$dir"
else
	skip "permissions" "root may do everything, and there is no setpriv"
fi
rm -r d
mkdir d
# A catalog in which any byte of the tables is another is not believed.
quern stage --to d climate.nc
at=$(grep -abo "$(hostname)" d/climate.nc | tail -n 1 | cut -d: -f1)
printf '~' | dd of=d/climate.nc bs=1 seek="$at" conv=notrunc 2>/dev/null
refuses 3 "a damaged catalog: run" "catalog is damaged" run moments -d t2m d/climate.nc
refuses 3 "a damaged catalog: verify" "catalog is damaged" stage --verify d/climate.nc
rm -r d

# --- what is in the place of something else ---
# without_waiting ARG...: as `quern ARG...`, and fails if that hangs.
without_waiting()
{
	status=0
	timeout "$hang" "$QUERN" "$@" >out 2>err || status=$?
}
mkdir -p d other
mkfifo pipe
quern stage --to d climate.nc
for place in "run moments -d t2m pipe" "run moments --site pipe -d t2m climate.nc" \
	"plan moments --calibrate pipe -d t2m climate.nc" "stage --to other pipe" \
	"stage --verify pipe" "stage --repair pipe" "unstage pipe" "inspect pipe" \
	"run moments --site . -d t2m climate.nc"; do
	# shellcheck disable=SC2086 # words
	without_waiting $place
	is "$place: refused at once" "3 1" "$status $(grep -Ec 'it is a (device, a pipe|directory)' err)"
done
mv d/climate.nc.shards/d1.s0001.h5 kept.h5
mkfifo d/climate.nc.shards/d1.s0001.h5
without_waiting stage --verify d/climate.nc
is "a pipe as a shard: --verify" "3 1" "$status $(grep -c '7 whole, 1 changed' out)"
without_waiting run moments -d t2m d/climate.nc
is "... run" "3 1" "$status $(grep -c 'd1.s0001.h5: cannot open it.*a pipe.*--repair d/climate.nc' err)"
without_waiting run moments -d precip --json d/climate.nc
is "... other datasets are read" 0 "$status"
without_waiting stage --repair d/climate.nc
is "... --repair" "0 1" "$status $(grep -c '1 made, 7 whole' out)"
check "... as it was" cmp kept.h5 d/climate.nc.shards/d1.s0001.h5
mv d/climate.nc.shards/d1.s0001.h5 other
ln -s "$PWD/other/d1.s0001.h5" d/climate.nc.shards/d1.s0001.h5
without_waiting run moments -d t2m d/climate.nc
is "a link as a shard" "3 1" "$status $(grep -c 'd1.s0001.h5: cannot open it.*symbolic link' err)"
quern stage --repair d/climate.nc
is "... --repair replaces the link, not the file" "0 0 0" "$status $(
	test -L d/climate.nc.shards/d1.s0001.h5 || cmp kept.h5 other/d1.s0001.h5; echo $?) $(
	test -f d/climate.nc.shards/d1.s0001.h5; echo $?)"
chmod go+w d/climate.nc.shards
refuses 2 "a folder that others may write to" "other users may write.*chmod go-w" stage --repair \
	d/climate.nc
chmod go-w d/climate.nc.shards
mv d/climate.nc.shards other/shards
ln -s "$PWD/other/shards" d/climate.nc.shards
refuses 2 "a folder that is a link: --repair" "climate.nc.shards: it is a symbolic link" stage --repair \
	d/climate.nc
refuses 2 "... unstage" "climate.nc.shards: it is a symbolic link" unstage d/climate.nc
is "... nothing is removed" 8 "$(find other/shards -name '*.h5' | wc -l)"
rm d/climate.nc
refuses 2 "... stage" "climate.nc.shards: it is a symbolic link" stage --to d climate.nc
rm -r d other pipe
mkdir d
ln -s "$PWD/none" d/climate.nc
refuses 2 "a link in the place of the catalog" "something else" stage --to d climate.nc
is "... it stays" 1 "$(find d -type l | wc -l)"
rm -r d

# --- who may read it ---
# modes FILE...: of each, as in 600.
modes()
{
	stat -c %a "$@" | tr '\n' ' '
}
# private MODE UMASK FOLDER FILES: what is made of a file of that mode.
private()
{
	chmod "$1" climate.nc
	rm -rf d
	(umask "$2" && "$QUERN" stage --to d climate.nc >out 2>err)
	is "a file of mode $1, umask $2" "$3 $3 $4 $4 " \
		"$(modes d d/climate.nc.shards d/climate.nc d/climate.nc.shards/d1.s0003.h5)"
}
private 600 000 700 600
private 640 000 750 640
private 666 022 755 644
private 644 077 700 600
private 600 000 700 600
rm d/climate.nc.shards/d1.s0003.h5
(umask 000 && "$QUERN" stage --repair d/climate.nc >out 2>err)
is "--repair: the same" "700 600 600 " \
	"$(modes d/climate.nc.shards d/climate.nc d/climate.nc.shards/d1.s0003.h5)"
(umask 000 && "$QUERN" verify --write-sums climate.sums climate.nc >out 2>err)
is "sums: the same" "600 " "$(modes climate.sums)"
chmod 644 climate.nc
rm -r d
mkdir d
QUERN_TEST_FAULTS_PATH='*.partial' QUERN_TEST_FAULTS=write:1:stop "$TEST_QUERN" stage --to d climate.nc >out 2>err &
first=$!
until_stopped $first
is "a file that is being made: for nobody else" 600 \
	"$(find d/climate.nc.shards -name '*.partial' -exec stat -c %a {} + 2>/dev/null | sort -u)"
kill -KILL $first
wait $first 2>/dev/null
rm -r d

# --- a full disk ---
if [ "$(id -u)" -eq 0 ] && mkdir full && mount -t tmpfs -o size=2m tmpfs full 2>/dev/null; then
	refuses 1 "a disk that is too small" "needs" stage --to full climate.nc
	is "... nothing is there" "" "$(ls -A full)"
	head -c 1000000 /dev/zero >full/other
	"$BUILDDIR/examples/mkclimate" --quiet --time 16 --only t2m --missing 0 small.nc
	quern stage --to full --dry-run small.nc
	head -c 400000 /dev/zero >>full/other
	quern stage --to full small.nc
	is "a disk that gets full" "1 0 1" \
		"$status $(find full -name '*.partial' | wc -l) $(grep -Ec 'No space|needs' err)"
	umount full
else
	skip "a full disk" "cannot mount a small file system"
fi
finish
