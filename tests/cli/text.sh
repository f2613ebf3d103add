#!/usr/bin/env bash
# Text, and topk: against sort and head.

. "$SRCDIR/tests/cli/lib.sh"
generate text.h5 types.h5 other.h5

# The texts with their coordinates in 30 x 20, as JSON has them.
export LC_ALL=C
awk '{ printf "%s\t%d\t%d\n", $0, int((NR - 1) / 20), (NR - 1) % 20 }' texts.txt >places.txt
sort -s -t "$(printf '\t')" -k 1,1 places.txt >up.txt
sort -s -r -t "$(printf '\t')" -k 1,1 places.txt >down.txt
# What is no UTF-8 is written out.
sed -i 's/\xff\xfe/\\\\xff\\\\xfe/' up.txt down.txt
values() { head -n "$2" "$1" | awk -F '\t' '{ printf "%s\"%s\"", (NR > 1 ? "," : ""), $1 }'; }
places() { head -n "$2" "$1" | awk -F '\t' '{ printf "%s[%d,%d]", (NR > 1 ? "," : ""), $2, $3 }'; }

datasets="null null_both terminated terminated_both space space_both variable variable_both"
datasets="$datasets labelled:fixed labelled_both:fixed labelled:variable labelled_both:variable"
for d in $datasets; do
	where=(-d "${d%:*}")
	[ "$d" = "${d#*:}" ] || where+=(--column "${d#*:}")
	quern run minmax --json "${where[@]}" text.h5
	is "$d: extremes" "600 $(values up.txt 1) $(values down.txt 1)" \
		"$(field result.count) $(field result.min) $(field result.max)"
	is "$d: where they are" "$(places up.txt 1) $(places down.txt 1)" \
		"$(field result.argmin) $(field result.argmax)"
	quern run topk --k 150 --threads 3 --json "${where[@]}" text.h5
	is "$d: the largest" "[$(values down.txt 150)]" "$(field result.values)"
	is "$d: where they are" "[$(places down.txt 150)]" "$(field result.coordinates)"
	quern run topk --k 600 --smallest --json "${where[@]}" text.h5
	is "$d: all from the smallest on" "$(echo "[$(values up.txt 600)]" | cksum)" \
		"$(field result.values | cksum)"
done
quern run topk --k 3 -s 0,3:5 -d variable_both --json text.h5
is "fewer than k" 2 "$(field result.count)"
quern run distinct,mode -d variable_both --json text.h5
is "different ones, and the most frequent" \
	"$(sort texts.txt | uniq -c | sort -s -k 1,1nr | awk 'NR == 1 { n = $1 } END { print NR, n }')" \
	"$(field result.distinct) $(field result.frequency)"
is "... the first of them" "$(sort texts.txt | uniq -c | sort -s -k 1,1nr | head -n 1 | sed 's/^ *[0-9]* //')" \
	"$(jq -r .result.mode out)"
quern run distinct --limit 2 -d null --json text.h5
is "... more than the limit" "0 true" "$(field result.exact) $(jq '.result | .distinct > 2' out)"
answers "texts that were not written are empty" run minmax -d unwritten --json text.h5
is "... both ends" '"" ""' "$(field result.min) $(field result.max)"
answers "a table" run minmax -d null text.h5
prints "... with the text" '^  max +.xff.xfe$'
quern run topk --k 2 --smallest -d null -o r.csv text.h5
is "CSV quotes texts" 2 "$(grep -c '^values,[01],,""$' r.csv)"
for suffix in h5 nc; do
	quern run topk --k 2 -d null -o r.$suffix text.h5
	answers "$suffix: texts are texts" run count -d values --json r.$suffix
	is "$suffix: both" 2 "$(field result.count)"
done
answers "inspect" inspect -d variable text.h5
prints "... why not natively" "strings of variable length"

# --- wrong use ---
for kernel in moments sum histogram covariance; do
	refuses 3 "$kernel takes no text" "kernel $kernel takes numbers; .*count, minmax, distinct, mode, topk" \
		run $kernel -d null text.h5
done
refuses 3 "a long string of variable length" "/too_long: a string of 1025 bytes.*up to 1024" \
	run minmax -d too_long text.h5
refuses 3 "a long string of fixed length" "string \(4097 bytes\).* text of up to 4096" \
	run minmax -d too_wide text.h5
refuses 2 "no k" "not an integer from 1 to 65536" run topk --k 0 -d null text.h5
refuses 2 "a large k" "not an integer from 1 to 65536" run topk --k 65537 -d null text.h5

# --- topk of numbers ---
quern run topk --k 2 --json -d /u8/raw types.h5
largest=$(field result.values.0)
quern run minmax --json -d /u8/raw types.h5
is "the largest is the maximum" "$(field result.max)" "$largest"
finish
