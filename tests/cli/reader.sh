#!/usr/bin/env bash
# Metadata read by quern-reader, by QUERN_READER: what runs say is what they say with forks, of whole files and of
# damaged ones, byte for byte; and what there is to say when the program is not as it should be.

. "$SRCDIR/tests/cli/lib.sh"

# both NAME ARG...: passes if both ways end alike and say the same.
both()
{
	local name=$1

	shift
	QUERN_READER=fork quern "$@"
	mv out fork.out && mv err fork.err
	echo "$status" >>fork.err
	QUERN_READER=$READER quern "$@"
	echo "$status" >>err
	if cmp -s fork.out out && cmp -s fork.err err; then
		nalike=$((nalike + 1))
	else
		fail "$name" "$(diff fork.out out | head -5; diff fork.err err)"
	fi
}

# alike NAME: passes if something was compared, and no case has failed.
alike()
{
	if [ "$nalike" -gt 0 ]; then pass "$1: $nalike"; else fail "$1" "nothing was compared"; fi
	nalike=0
}
nalike=0

# What a run took and when it was is its own.
generate >/dev/null
rm -f large.h5
for file in *.h5 *.nc; do
	both "inspect $file" inspect "$file"
	both "inspect --json $file" inspect --json "$file"
	both "moments $file" run moments --csv "$file"
	for set in $(QUERN_READER=fork "$QUERN" inspect "$file" 2>/dev/null | grep -o '^ */[^ ]*' | head -6); do
		both "$file $set" run minmax,count --csv -d "$set" "$file"
	done
done
alike "files"

"$BUILDDIR/tests/tools/layouts" virtual 256 || exit 1
"$BUILDDIR/tests/tools/links" . >/dev/null 2>&1
for file in plain joined turns gaps; do
	both "moments of $file" run moments --csv "$file.h5"
	both "a selection of $file" run minmax --csv -s '3:200:7,5' "$file.h5"
done
for file in link*.h5; do
	[ -e "$file" ] && both "inspect $file" inspect "$file"
done
alike "virtual datasets and links"

# Cut short, and bytes of the metadata replaced.
for file in special.h5 compound.h5 uneven.h5 cf.nc; do
	size=$(stat -c %s "$file")
	for ((i = 1; i < 8; i++)); do
		head -c $((size * i / 8)) "$file" >cut.h5
		both "$file, $i/8 of it" inspect cut.h5
		both "$file, a run over $i/8 of it" run moments --csv cut.h5
		cp "$file" flipped.h5
		for ((k = 0; k < 6; k++)); do
			printf '\377' | dd of=flipped.h5 bs=1 seek=$((8 + (i * 613 + k * 97) % 4000)) \
				conv=notrunc status=none
		done
		both "$file, damaged $i" inspect flipped.h5
	done
done
alike "damaged files"

mkdir fork program
QUERN_READER=fork quern stage --to fork -d /x plain.h5
QUERN_READER=$READER quern stage --to program -d /x plain.h5
is "a staged file: shards and their bytes" "$(cd fork && find . -path '*shards*' -name '*.h5' | sort | xargs md5sum)" \
	"$(cd program && find . -path '*shards*' -name '*.h5' | sort | xargs md5sum)"
check "... and there are some" test -e program/plain.h5
both "a run over what was staged" run moments --csv program/plain.h5
alike "a staged file"

# --- the program ---
QUERN_READER=/nowhere/quern-reader refuses 1 "one that is not there" \
	'the program that reads metadata, /nowhere/quern-reader, cannot be run: No such file .*QUERN_READER' \
	inspect special.h5
QUERN_READER=$BUILDDIR/tests/tools/other_reader refuses 1 "one of another version" \
	'is of quern 0\.0\.1, and this library is .*: install quern whole' inspect special.h5
QUERN_READER=/bin/true refuses 1 "one that is none" 'does not start: run it by hand' inspect special.h5
QUERN_READER=spoon refuses 2 "a value that there is not" 'QUERN_READER.* not spoon' inspect special.h5
check "it says its version" grep -q "^quern-reader $("$QUERN" --version | grep -o '[0-9.]*' | head -1)" \
	<("$READER" --version)
check_exit 2 "by hand it says what it is for" "$READER"

# More rights than who has started it: a copy of the command that is another user's.
cp "$QUERN" other && chmod 755 . && chown 65534 other 2>/dev/null && chmod 4755 other
if [ "$(stat -c %u other)" = 65534 ] && "$PWD/other" --version >/dev/null 2>&1; then
	QUERN_READER=/nowhere/quern-reader "$PWD/other" inspect special.h5 >out 2>err
	is "the variable is not asked for with the rights of another" "$(quern inspect special.h5; cat out)" "$(cat out)"
	check "... and nothing is said of it" test ! -s err
else
	skip "the variable is not asked for with the rights of another" "needs root"
fi
finish
