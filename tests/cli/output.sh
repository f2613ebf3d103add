#!/usr/bin/env bash
# Where results go, and what they look like.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc special.h5
pick=$BUILDDIR/tests/tools/pick

# --- the document ---
answers "--json" run moments --json -d packed cf.nc
is "document" "datasets input kernel quern result run" "$("$pick" -k . <out)"
is "result of moments" "count max mean min missing stddev sum variance" "$("$pick" -k result <out)"
is "dtype, shape, units" '"<i2" [20,30,40] "K"' \
	"$(field input.dtype) $(field input.shape) $(field input.units)"
is "files, dataset" '["cf.nc"] "/packed"' "$(field input.files) $(field input.dataset)"
for name in files dataset dtype shape dimensions units along select selected fields raw nan on_bad_chunk \
	options; do
	check "input.$name" field "input.$name"
done
for name in hosts ranks threads chunks chunks_stolen chunks_leased bytes_stored bytes_decoded \
	bytes_local bytes_memory bytes_disk bytes_remote bytes_network; do
	check "run.$name" field "run.$name"
done
is "run.seconds" "metadata output plan reduce startup total work" "$("$pick" -k run.seconds <out)"
answers "--order 4" run moments --order 4 --json -d packed cf.nc
is "... adds two" "count kurtosis max mean min missing skewness stddev sum variance" \
	"$("$pick" -k result <out)"
answers "minmax" run minmax --json -d packed cf.nc
is "result of minmax" "argmax argmax_coords argmin argmin_coords count max min missing" "$("$pick" -k result <out)"
answers "sum" run sum --json -d packed cf.nc
is "result of sum" "count missing sum" "$("$pick" -k result <out)"
answers "count" run count --json -d packed cf.nc
is "result of count" "count missing" "$("$pick" -k result <out)"
answers "histogram" run histogram --bins 3 --range 0,300 --json -d packed cf.nc
is "result of histogram" "above below count counts edges missing nan" "$("$pick" -k result <out)"
is "edges" "[0.0,100.0,200.0,300.0]" "$(field result.edges)"
answers "no units" run moments --json -d /inf special.h5
is "... are null" "null" "$(field input.units)"
is "infinity is a string" '"inf"' "$(field result.sum)"
answers "not a number" run moments --json --nan keep -d /nan special.h5
is "... is a string" '"nan"' "$(field result.sum)"
quern run histogram --json --nan keep --bins 3 -d /all_nan special.h5
is "NaN that counts is in no bin" "true" "$(jq '.result | .nan == .count and .nan > 0 and .below == 0' out)"
quern run histogram --json --bins 3 -d /all_nan special.h5
is "... and as missing it is not there" "0 0" "$(field result.nan) $(field result.count)"
answers "nothing but NaN" run moments --json -d /all_nan special.h5
is "... has no mean" "null null 0" \
	"$(field result.mean) $(field result.min) $(field result.count)"
answers "integers beyond 53 bits" run moments --json -d /both_ends special.h5
is "... are exact" "-9223372036854775808 9223372036854775807 12" \
	"$(field result.min) $(field result.max) $(field result.sum)"

answers "integers beyond 64 bits" run moments --json -d /unsigned_only special.h5
is "... are numbers with all their digits" '"sum": 110680464442257309690, "max": 18446744073709551615' \
	"$(sed -n 's/^ *\("\(sum\|max\)": [0-9"]*\),*$/\1/p' out | xargs -d '\n' | sed 's/ "max/, "max/')"
is "... which are read again" "110680464442257309690" "$(field result.sum)"
answers "... and shown" run moments -d /unsigned_only special.h5
prints "... with all their digits, too" '^ *sum +110680464442257309690$'

quern run moments --json -d packed cf.nc
is "floating point is as short as it can be, and as in CSV" "" \
	"$("$QUERN" run moments -d packed -o short.csv cf.nc
	for name in sum mean variance stddev min max; do
		number=$(sed -n "s/^$name,,,//p" short.csv)
		grep -Eq "^ *\"$name\": $(echo "$number" | sed 's/[+.]/\\&/g')(\\.0)?,?\$" out || echo "$name $number"
	done; rm short.csv)"

quern run histogram --json --bins 2 --range 5,5 -d packed cf.nc
is "a range of no width is that of numpy, with a warning" "[4.5,5.0,5.5] 1" "$(field result.edges) $(
	grep -c '^quern: warning: --range 5,5: its edges are one number; the bins go from 4.5 to 5.5 instead' err)"
refuses 2 "a range from above to below" "give two finite numbers, the lower first" \
	run histogram --range 6,5 -d packed cf.nc

# --- the table ---
answers "a table" run moments -d packed cf.nc
prints "... has a head" '^moments of /packed in cf.nc \(<i2, 20 x 30 x 40, K\)'
prints "... and the mean" '^ *mean +27[0-9]\.'
check "... no selection, no column" test "$(grep -Ec '^ *(select|column) ' out)" -eq 0
answers "a table of a part" run moments -d packed -s 0:5,2 cf.nc
prints "... says of which" '^  select  +0:5,2$'
answers "a histogram" run histogram --bins 4 -d packed cf.nc
prints "... has bars" '##### *[0-9]+$'

quern run topk --k 20 --json -d packed cf.nc
want=$(field result.coordinates.19 | tr -d '[]' | tr , ' ')
answers "the largest values" run topk --k 20 -d packed cf.nc
is "... have a line each, with their places" "$want" "$(sed -n '$p' out | awk '{ print $2, $3, $4 }')"

# --- files ---
for suffix in json csv h5 nc; do
	quern run moments -o "r.$suffix" -d packed cf.nc
	is "-o r.$suffix: exit code" 0 "$status"
	is "... nothing on stdout or stderr" "" "$(cat out err)"
	check "... is there" test -s "r.$suffix"
	quern run minmax --output="r.$suffix" -d packed cf.nc
	is "... is replaced" 0 "$status"
done
is "no other files are left" "r.csv r.h5 r.json r.nc" "$(echo r.*)"
check "r.json is a document" "$pick" result.argmin <r.json
check "r.csv has a head" grep -q '^field,row,column,value' r.csv
check "r.csv has a place" grep -q '^argmin,0,,[0-9]' r.csv
answers "r.h5 can be read" run minmax --json -d min r.h5
check "r.nc can be read" "$QUERN" inspect r.nc

# --- a file called like the command is none of its business: it stays unread ---
echo text >quern
TZ=UTC touch -a -d 2001-01-01 quern
quern run sum --over 0 -d packed -o beside.nc cf.nc
is "a file named quern" "0 978307200" "$status $(stat -c %X quern)"
rm quern

# --- files say what was computed ---
for args in "moments --order 4" "minmax" "topk --k 3" "sum" "count" "histogram --bins 3" \
	"covariance --samples 0"; do
	# shellcheck disable=SC2086 # words
	quern run $args -d packed -s 0:5,0:6,0:4 -o said.csv cf.nc
	is "${args%% *}: every field is explained" "0 " "$status $(
		grep -v '^#' said.csv | cut -d, -f1 | sort -u | grep -v '^field$' | while read -r name; do
			grep -q "^# $name: " said.csv || echo "$name"
		done)"
done
quern run moments --order 4 --nan keep -d packed -s 0:5 -o said.csv cf.nc
for line in "quern: " "kernel: moments" "dataset: /packed" "units: K" "select: 0:5" \
	"selected: 0=0:5: 5 from index 0" "options: --order 4" "nan: keep" "files: cf.nc" \
	"number_of_files: 1" "history: 20.*Z: quern run moments .*--select 0:5 .*cf.nc" \
	"variance: .*unweighted, over n - 1, in K2" "stddev: .*in K"; do
	check "said.csv: $line" grep -q "^# $line" said.csv
done
quern run moments --raw -d packed -o said.csv cf.nc
is "packed values are in no units" "" "$(sed -n 's/^# units: //p' said.csv)"
quern run moments --raw --json -d packed cf.nc
is "... of the document" null "$(field input.units)"
quern plan moments --raw --json -d packed cf.nc
is "... of a plan" null "$(field input.units)"
quern run moments --raw -d packed cf.nc
prints "... of the table" '^moments of /packed in cf.nc \(<i2, 20 x 30 x 40\)$'
cp cf.nc again.nc
quern run histogram --bins 3 -d packed --along 0 -o said.nc cf.nc again.nc
for text in CF-1.10 'cf.nc to again.nc (2 files)' long_name 'edges of the bins' --bins; do
	check "said.nc: $text" grep -aqF -- "$text" said.nc
done
quern inspect said.nc
prints "dimensions have names" '/counts  <i8  3  \(bin\)  \[1\]'
prints "... each its own" '/edges  <f8  4  \(edge\)  \[K\]'
quern run covariance --samples 0 -d packed -s :,0:2,0:2 -o said.nc cf.nc
quern inspect said.nc
prints "squared units" '/covariance  <f8  4 x 4  \(feature, other_feature\)  \[K2\]'
quern run minmax -d /both_ends -o said.h5 special.h5
quern inspect said.h5
prints "integers stay integers" '/min  <i8'
quern run sum -d /unsigned_only -o said.h5 special.h5
check "an integer of any size has its digits" grep -aq 110680464442257309690 said.h5
quern run sum -d /both_ends -o said.h5 special.h5
quern inspect said.h5
prints "... and is a double, always" '/sum  <f8'
quern run histogram --bins 3 --range 0,300 --nan keep --json -d packed cf.nc
is "the document has the options" '"keep" {"bins":3,"density":false,"log":false,"range":"0,300"}' \
	"$(field input.nan) $(field input.options | sed 's/,"[a-z-]*":null//g')"
is "... and null for what there is not" "null null null false" "$(field input.along) $(
	field input.select) $(field input.column) $(field input.raw)"

quern run moments --json -o r2.json -d packed cf.nc
check "--json and -o: both" test -s out -a -s r2.json
refuses 2 "unknown suffix" "must end in .json, .csv, .h5 or .nc" run moments -o r.txt -d packed cf.nc
refuses 2 "no suffix" "must end in" run moments -o r -d packed cf.nc
refuses 2 "no such directory" "cannot be written" run moments -o none/r.json -d packed cf.nc
check "nothing is left of these" test ! -e r.txt -a ! -e r -a ! -e none
mkdir d.json
refuses 2 "a directory in the place" "d.json: is a directory" run moments -o d.json -d packed cf.nc
is "... nothing is left" "" "$(find . -name 'd.json.*')"

# --- data is not replaced ---
cp cf.nc data.nc
cp cf.nc other.nc
ln -s data.nc link.nc
ln data.nc hard.json
printf 'CDF\001' >classic.nc
for o in data.nc ./data.nc link.nc hard.json; do
	refuses 2 "-o $o: an input" "$o: is a file to be read too" run moments -o "$o" -d packed data.nc
done
refuses 2 "an input of a pattern" "is a file to be read too" \
	run moments -o data.nc -d packed 'd*.nc' cf.nc
for o in other.nc classic.nc; do
	refuses 2 "-o $o: no result" "$o: is there and is no result of quern" \
		run moments -o "$o" -d packed data.nc
done
check "they are as they were" cmp cf.nc data.nc
check "... all of them" cmp cf.nc other.nc
refuses 2 "a result that is read" "is a file to be read too" run minmax -o r.h5 -d min r.h5
: >blank.h5
quern run minmax -o blank.h5 -d packed cf.nc
is "an empty file is replaced" "0" "$status"

# --- what is there is respected ---
printf 'name,amount\nsalt,3\n' >foreign.csv
printf '{ "name": "salt" }\n' >foreign.json
for o in foreign.csv foreign.json; do
	cp "$o" "kept.$o"
	refuses 2 "-o $o: somebody's" "$o: is there and is no result of quern.*--force" \
		run moments -o "$o" -d packed cf.nc
	check "... stays" cmp "$o" "kept.$o"
	quern run moments --force -o "$o" -d packed cf.nc
	is "... or is replaced with --force" 0 "$status"
	quern run minmax -o "$o" -d packed cf.nc
	is "... and then is a result" 0 "$status"
done
quern run moments --force -o other.nc -d packed cf.nc
is "... a dataset too" 0 "$status"
refuses 2 "but not a file of the run" "is a file to be read too" \
	run moments --force -o data.nc -d packed data.nc
quern run moments -o kept.json -d packed cf.nc
chmod 444 kept.json
refuses 5 "a read-only file" "kept.json: is read-only" run moments -o kept.json -d packed cf.nc
refuses 5 "... with --force too" "kept.json: is read-only" run moments --force -o kept.json -d packed cf.nc
mkdir links targets
ln -s ../targets/r.json links/r.json
for i in new old; do
	quern run moments -o links/r.json -d packed cf.nc
	is "a link to a $i file is followed" "0 mean" \
		"$status $("$pick" result.mean <targets/r.json >/dev/null && echo mean)"
	check "... and stays" test -L links/r.json
done
is "... and nothing else is there" "r.json r.json" "$(echo $(ls -A links targets | grep r.json))"
ln -s loop.json loop.json
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 1777 everybody
	ln -s "$PWD/nobody_chose.json" everybody/r.json
	chown -h 65534 everybody/r.json
	refuses 5 "a stranger's link where everybody may make files" "cannot be written: Permission denied" \
		run count -d packed -o everybody/r.json cf.nc
	is "... leads nowhere" no "$([ -e nobody_chose.json ] && echo yes || echo no)"
else
	skip "a stranger's link where everybody may make files" "only root can make one"
fi
cp cf.nc 'x\u0000'
quern run count --json -d packed 'x\u0000'
is "a name that ends like a large integer" '["x\\u0000"]' "$(field input.files)"
rm 'x\u0000'
refuses 2 "a link to itself" "loop.json: cannot be written: Too many levels" \
	run moments -o loop.json -d packed cf.nc
mkfifo pipe.json
refuses 2 "a pipe" "pipe.json: is a device, a pipe" run moments -o pipe.json -d packed cf.nc
long=$(printf 'x%.0s' $(seq 300)).json
refuses 2 "a name that is too long" "cannot be written: File name too long" \
	run moments -o "$long" -d packed cf.nc
long=$(printf 'x%.0s' $(seq 250)).json
quern run moments -o "$long" -d packed cf.nc
is "a name as long as it may be" "0 0" "$status $([ -s "$long" ]; echo $?)"
umask 022
(umask 077; "$QUERN" run moments -o private.csv -d packed cf.nc)
quern run minmax -o private.csv -d packed cf.nc
is "who may read a result does not change when it is replaced" "600" "$(stat -c %a private.csv)"
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 555 closed
	refuses 5 "a directory that may not be written" "closed/r.json: its directory cannot be written" \
		run moments -o closed/r.json -d packed cf.nc
elif command -v setpriv >/dev/null && chmod 755 . && setpriv --reuid 65534 --clear-groups test -r .; then
	mkdir -m 755 closed
	status=0
	setpriv --reuid 65534 --clear-groups "$QUERN" run moments -o closed/r.json -d packed cf.nc \
		>out 2>err || status=$?
	is "a directory that may not be written" "5 1" \
		"$status $(grep -c 'closed/r.json: its directory cannot be written: Permission' err)"
else
	skip "a directory that may not be written" "another user cannot read this directory"
fi

# --- documents of other commands ---
rm -rf doc.json staged
while read -r args; do
	# shellcheck disable=SC2086 # words
	quern $args -o doc.json
	is "$args -o: nothing on stdout or stderr" "0" "$status$(cat out err)"
	check "... a document" "$pick" quern <doc.json
	# shellcheck disable=SC2086 # words
	quern $args -o doc.json --json
	check "... and --json: both" test "$status" -eq 0 -a -s out
done <<'END'
plan moments -d packed cf.nc
verify cf.nc
stage --to staged -d packed cf.nc
stage --verify staged/cf.nc
END
is "nothing else is left" "doc.json" "$(echo doc.json*)"
quern unstage staged/cf.nc -o doc.json
is "unstage -o" "0removed" "$status$(cat out err)$("$pick" staged.0.copies.0.state <doc.json | tr -d '\"')"
cp cf.nc data.json
for command in "plan moments -d packed" verify "stage --to staged"; do
	# shellcheck disable=SC2086 # words
	{
		refuses 2 "$command -o of another suffix" "--output r.h5: the name must end in .json" \
			$command -o r.h5 cf.nc
		refuses 2 "$command -o over data" "data.json: is there and is no document of quern" \
			$command -o data.json cf.nc
		refuses 2 "$command -o in no directory" "--output none/r.json: " $command -o none/r.json cf.nc
	}
done
check "it is as it was" cmp cf.nc data.json
check "nothing was staged" test ! -e staged/cf.nc

# --- launchers that mix the streams ---
# mixed NAME WANT VERSION ARG...: how many warnings.
mixed()
{
	local name=$1 want=$2 version=$3

	shift 3
	env PMIX_VERSION="$version" "$QUERN" "$@" >out 2>err
	is "$name" "$want" "$(grep -c 'warning: this launcher (PMIx 5) may mix .*; -o FILE.json keeps it whole' err)"
}
mixed "PMIx 5, a document and progress" 1 5.0.7 run moments --json --progress always -d packed cf.nc
check "... before the document" test "$(sed -n '1s/.*warning.*/w/p' err)" = w
mixed "... of verify" 1 5.0.7rc1 verify --json --progress always cf.nc
mixed "PMIx 5, a document alone" 0 5.0.7 run moments --json -d packed cf.nc
mixed "PMIx 5, a table" 0 5.0.7 run moments --progress always -d packed cf.nc
mixed "PMIx 5, -o" 0 5.0.7 run moments --json --progress always -o doc.json -d packed cf.nc
mixed "PMIx 4" 0 4.2.2 run moments --json --progress always -d packed cf.nc

# --- whole pieces ---
quern run moments --json -d packed cf.nc
if [ -z "$SAN" ] && command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	strace -f -e trace=write -e write=1 -o trace "$QUERN" run moments --json --stats -d packed cf.nc \
		>/dev/null 2>&1
	is "the document is one write, and the statistics are another" "1 1" \
		"$(grep -c 'write(1, ' trace) $(grep -c 'write(2, ' trace)"
else
	skip "the document is one write" "no strace, or one that sanitizers do not bear"
fi

# --- standard output ---
if [ -w /dev/full ]; then
	for args in "run moments -d packed cf.nc" "run moments --json -d packed cf.nc" \
		"inspect cf.nc" "kernels" "info" "--help" "--version" "plan moments -d packed cf.nc"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$QUERN" $args >/dev/full 2>err || status=$?
		is "full stdout, $args" "1 1" "$status $(grep -c 'cannot write to standard output' err)"
	done
else
	skip "full stdout" "no /dev/full"
fi
status=0
"$QUERN" run moments -d packed cf.nc >&- 2>err || status=$?
is "closed stdout" "1 1" "$status $(grep -c 'cannot write' err)"
status=0
"$QUERN" run moments -o closed.json -d packed cf.nc >&- 2>err || status=$?
is "closed stdout does not matter to -o" 0 "$status"
check "... which writes a document" "$pick" result.mean <closed.json
# --- what killed processes left beside a result ---
mkdir left
left=left/r.json
for name in stale00000ab other00000ab fresh00000ab held000000ab shared0000ab; do
	(umask 077 && echo half >$left.quern-$name.partial)
	[ $name = fresh00000ab ] || touch -d '2 hours ago' $left.quern-$name.partial
done
mv $left.quern-other00000ab.partial left/s.json.quern-other00000ab.partial
chmod 644 $left.quern-shared0000ab.partial
# Names that a user has given to files.
for name in quern-short checkpoint01 quern-My--Own.Data; do
	(umask 077 && : >$left.$name.partial)
	touch -d '2 hours ago' $left.$name.partial
done
with=(flock $left.quern-held000000ab.partial)
quern run moments -d packed -o $left cf.nc
with=()
is "what another may write stays, and what is the user's" "0 r.json r.json.checkpoint01.partial \
r.json.quern-My--Own.Data.partial r.json.quern-fresh00000ab.partial r.json.quern-held000000ab.partial \
r.json.quern-shared0000ab.partial r.json.quern-short.partial s.json.quern-other00000ab.partial" \
	"$status $(cd left && LC_ALL=C echo *)"
finish
