#!/usr/bin/env bash
# Attributes that say what values mean: what the command counts, and what it says of those that cannot
# be taken as they stand. tests/unit/test_attributes has every case.

. "$SRCDIR/tests/cli/lib.sh"
export HWLOC_SYNTHETIC="core:1 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
"$BUILDDIR/tests/tools/attributes" attributes.h5 >cases || exit 1

# counts NAME DATASET COUNT SUM [ARG...]: and nothing is said.
counts()
{
	local name=$1 dataset=$2 count=$3 sum=$4

	shift 4
	quern run sum --json -d "$dataset" "$@" attributes.h5
	is "$name" "0 $count $sum 0" \
		"$status $(field result.count) $(field result.sum | sed 's/\.0$//') $(wc -l <err)"
}

# warns NAME DATASET COUNT ATTRIBUTE WORDS [ARG...]: one line, which names file, dataset and attribute.
warns()
{
	local name=$1 dataset=$2 count=$3 attribute=$4 words=$5

	shift 5
	quern "$@" count --json -d "$dataset" attributes.h5
	grep -Eq "^quern: warning: attributes.h5: dataset $dataset: its attribute $attribute $words" err &&
		[ "$(wc -l <err)" -eq 1 ] && pass "$name: a warning" || fail "$name" "$(outcome)"
	[ "$1" = plan ] || is "$name: what counts" "$count" "$(field result.count)"
}

counts "all of nine missing values" /nine 4 17
counts "a fill value that is an enumeration's" /enum 7 685
counts "bounds of the type of the offset" /offset_i4 3 98313
counts "bytes that are unsigned, as their bounds say" /bytes 7 433
warns "a reversed range" /reversed 0 valid_range "has its larger value first: .* every value counts as missing" run
warns "... in a plan" /reversed 0 valid_range "has its larger value first" plan
warns "several scales" /scales 8 scale_factor "has several values .* ignored" run
warns "a fill value that does not fit" /unfit 8 _FillValue "has a value that the type .* cannot hold" run
answers "... nothing with --raw" run count --raw -d /unfit attributes.h5
warns "units that are a number" /units_number 8 units "is not one text: it is ignored; h5dump -a /units_number/units" run

# --- every fault, once, by inspect ---
quern inspect attributes.h5
faults=0
while read -r dataset count attribute; do
	[ "$attribute" = - ] && continue
	faults=$((faults + 1))
	sed -n "/^$(tr / . <<<"$dataset")  /,/^\//p" out | tr -s ' \n' ' ' |
		grep -q "warning its attribute $attribute " ||
		fail "inspect: $dataset: nothing of $attribute" "$(outcome)"
done <cases
is "inspect: a warning for each fault" "$faults" "$(grep -c 'warning   its attribute' out)"

# --- joined files: once, with the first that has it and the number of the others ---
cp attributes.h5 second.h5
cp attributes.h5 third.h5
quern run count --json -d /unfit attributes.h5 second.h5 third.h5
is "joined files: one warning" "24 1" "$(field result.count) $(wc -l <err)"
check "... that counts the others" grep -q \
	'attributes.h5: dataset /unfit: its attribute _FillValue (and in 2 other files) has' err
finish
