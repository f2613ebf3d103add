#!/usr/bin/env bash
# What reaches a terminal: no orders that a file gives it, whole lines, and columns that fit.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/names" . || exit 1
pty=$BUILDDIR/tests/tools/pty
evil=$'\033]0;pwned\a\033[31mRED\nLINE2\r'
c1=$'\302\23331m\342\200\256gpj\342\201\251'

# What of a file a terminal would obey: control characters but for line feeds, C1, marks of direction.
orders()
{
	LC_ALL=C tr -d '\n\040-\176\200-\377' <"$1" | cat -v
	LC_ALL=C grep -aE $'\302[\200-\237]|\330\234|\342\200[\216\217\250-\256]|\342\201[\246-\251]' "$1" |
		cat -v
	! command -v iconv >/dev/null || iconv -f UTF-8 -t UTF-8 "$1" >/dev/null 2>&1 || echo "not UTF-8"
}

# says NOTHING that a terminal obeys, whatever becomes of it; each message is one line.
is_plain()
{
	local name=$1 wrong

	shift
	quern "$@"
	wrong=$(orders out; orders err; grep -v '^quern: \|^  ' err)
	if [ -z "$wrong" ] && [ "$((status < 126))" -eq 1 ] && [ -s out -o -s err ]; then
		pass "$name"
	else
		fail "$name" "$wrong; $(outcome | cat -v)"
	fi
}

# --- every command on a file of such names, under such a name ---
x="x${evil}y"
file="f$evil$c1.h5"
cp names.h5 "$file"
while read -r args; do
	eval "words=($args)"
	is_plain "quern $args" "${words[@]}"
done <<'END'
inspect names.h5
inspect "$file"
inspect "$file" names.h5
inspect --json "$file"
inspect -d "$x" -s "x$evil" names.h5
inspect -d "$x" -s 0:3 names.h5
inspect -d "$x" -s 0:3 --json names.h5
inspect -d "no$evil" names.h5
inspect --homes "$file"
inspect --homes --json "$file"
inspect "none$evil"
inspect "none$evil*"
verify "$file"
verify --json "$file"
verify --write-sums "sums$evil" "$file"
run moments "$file"
run moments -d "$x" "$file"
run moments --json -d "$x" "$file"
run moments --stats -d "$x" "$file"
run moments -d "$x" -s "s$evil=2000-01-01:" names.h5
run moments -d "$x" -s "s$evil=1.0:2.0" names.h5
run moments -d "$x" -s 100: names.h5
run moments -d "$x" --along "$evil" names.h5 "$file"
run moments -d "bad$evil" "$file"
run moments -d "bad$evil" --on-bad-chunk skip "$file"
run moments -d records names.h5
run moments -d records --column "m$evil$c1" names.h5
run moments -d records --column "$evil" names.h5
run moments -d text names.h5
run minmax -d text names.h5
run minmax -d text --json names.h5
run topk -d text names.h5
run count -d $'\377\376' names.h5
run count -d $'\377\376' --json names.h5
run moments -d virtual names.h5
run moments --site "site$evil" -d "$x" names.h5
run moments --site "$file" -d "$x" names.h5
run moments -o "$evil/r.json" -d "$x" names.h5
run moments -o "r$evil.txt" -d "$x" names.h5
run histogram --range "$evil" -d "$x" names.h5
run "moments$evil" names.h5
run moments "--$evil" names.h5
run moments "-$evil" names.h5
plan moments -d "$x" "$file"
plan moments --json -d "$x" "$file"
plan moments --cluster "$evil" -d "$x" names.h5
plan moments --calibrate "$file" --simulate -d "$x" names.h5
stage --to "st$evil" -d "$x" "$file"
stage --to "st$evil" -d "$x" --json "$file"
stage --verify "st$evil/$file"
stage --repair "none$evil"
run moments -d "$x" "st$evil/$file"
verify "st$evil/$file"
inspect "st$evil/$file"
unstage "st$evil/$file"
unstage "$evil"
kernels "$evil"
info "$evil"
"cmd$evil"
moments "$file"
mean "$file"
bench "$evil"
bench scaling -k "moments $evil" --threads 1 --ranks 0 "$file"
END

# What is suggested can be pasted.
quern run count "$file"
eval "words=($(sed -n 's/.* as in `\(.*\)`: .*/\1/p' err))"
quern inspect "${words[@]}"
is "a suggestion: ${#words[@]} words" "0 3 " "$status ${#words[@]} $(cat err)"
QUERN_THREADS=$evil is_plain "a value of the environment" run moments -d "$x" names.h5
is_plain "the name of a variable" kernels
env "QUERN_T$c1=1" "$QUERN" kernels >out 2>err
is "... in a warning" "" "$(orders err)"
check "... which there is" grep -q 'QUERN_T\\u009b' err

# --- documents are JSON, and what a reader makes of them are the names ---
quern inspect --json names.h5
if command -v jq >/dev/null; then
	check "JSON that jq reads" jq_true 'type == "object"' out
	is "... with the names as they are" 3 "$(jq -r '.datasets[].dataset' out | grep -c $'\033]0;pwned')"
	is "... and the units" 1 "$(jq -r '.datasets[].units' out | grep -c $'\302\23331m\342\200\256gpj')"
else
	skip "JSON that jq reads" "no jq"
fi
check "JSON that pick reads" field datasets
check "C1 and overrides are escaped" grep -q '\\u009b31m\\u202egpj\\u2069' out
check "bytes that are no UTF-8 are written" grep -qF '"/\\xff\\xfe"' out
quern run topk --k 3 -d text -o text.csv names.h5
check "CSV has the text" grep -qF '"\x1b]0;pwned\x07\x1b[31mRED\x0aLINE2\x0d"' text.csv
is "... plain" "" "$(orders text.csv)"
check "... quotes doubled" grep -qF '\u009b31m\u202egpj\u2069"""' text.csv
mkdir curves
quern bench scaling --threads 1,2 --ranks 0 --repeat 1 -o curves -s 0:1 -d "$x" "$file"
is "weak scaling that cannot be run has its rows, and they say why" "0 1 2" "$status $(grep -A 3 \
	'^weak scaling over threads' out | sed -n 's/^ *\([12]\)  not run: it cuts the first dim.*/\1/p' | xargs)"
is "... in the document" "2 weak" \
	"$(jq -r '.points_not_run | "\(length) \(.[0].scaling)"' curves/scaling.json)"
refuses 2 "... and nothing else to run" "nothing to run: no weak scaling: it cuts the first dimension" \
	bench scaling --scaling weak --threads 1,2 --ranks 0 --repeat 1 -o curves -s 0:1 -d "$x" "$file"
rm -r curves
quern bench scaling --threads 1 --ranks 0 --repeat 1 --scaling strong -d "$x" "$file"
is "bench: exit code" 0 "$status"
is "... its table, CSV, JSON and plot" "" \
	"$(for f in out err quern-scaling/*.csv quern-scaling/*.json quern-scaling/*.gp; do orders $f; done)"

# --- advice stays where names are long ---
long=$(printf 'n%.0s' {1..3000})
refuses 3 "a dataset with a long name" \
	'^quern: long.h5: dataset /nnnn.*n\.\.\.nn*, chunk \(1, 0\) at file offset [0-9]+: .' \
	run moments -d "/$long" long.h5
is "... in a message that fits" 1 "$(awk 'length <= 1030' err | wc -l)"
deep=$(printf '%0100d/' {1..30})
refuses 3 "a long name of a file" '0\.\.\.0.*cannot be opened: No such file or directory; check the path$' \
	run moments "${deep}none.h5"

# --- widths ---
COLUMNS=40
export COLUMNS
for args in --help "run --help" "run histogram --help" "plan --help" "verify --help" "stage --help" \
	"inspect --help" "bench --help" "info --help" kernels; do
	# shellcheck disable=SC2086 # words
	quern $args
	is "quern $args: 40 columns, no blanks at ends" "" "$(grep -E '.{41}| $' out)"
done
unset COLUMNS
# shellcheck disable=SC2016 # awk's
widest='{ if (length > n) n = length } END { print n }'
for columns in 1 41 80 200; do
	want=$((columns < 40 ? 40 : columns > 96 ? 96 : columns))
	"$pty" "$columns" "$QUERN" run --help >out
	got=$(awk "$widest" out)
	is "help on a terminal of $columns columns" yes \
		"$([ "$got" -le "$want" ] && [ "$got" -gt $((want - 20)) ] && echo yes)"
done
for columns in 1 60; do
	want=$((columns < 40 ? 40 : columns))
	QUERN_TEST_READ_DELAY='*:1000000000' "$pty" "$columns" \
		"$TEST_QUERN" run moments --threads 1 --progress always -d plain wide.h5 >out
	is "progress on $columns columns" yes "$(sed 's/\x1b\[K//g' out | tr '\r' '\n' | grep '%  pass' |
		awk -v most="$want" '{ n++; if (length >= most) bad++ } END { print n && !bad ? "yes" : "no" }')"
done
# 3000 chunks, each of which is progress: a terminal is drawn on a few times a second.
"$BUILDDIR/tests/tools/layouts" half || exit 1
before=$(date +%s)
"$pty" 80 "$QUERN" stage --progress always --to drawn -d x half.h5 >out
is "a bar is drawn a few times a second" yes "$(tr '\r' '\n' <out | grep -c '%  file' |
	awk -v most=$((6 * ($(date +%s) - before + 1) + 8)) '{ print $1 && $1 <= most ? "yes" : $1 }')"
rm -r half.h5 big.h5 drawn
COLUMNS=50 "$pty" 80 "$QUERN" run --help >out
is "COLUMNS counts before the terminal" yes "$([ "$(awk "$widest" out)" -le 50 ] && echo yes)"

quern verify wide.h5
is "letters of two columns, and of none, keep the table straight" "" \
	"$(grep '^  /' out | sed 's/温度/abcd/; s/é/e/g; s/\xcc\x81//g' | awk '{ print index($0, " 4 ") }' |
		sort -u | sed 1d)"

# --- a terminal, and a document: the progress is gone before that begins ---
QUERN_TEST_READ_DELAY='*:1000000000' "$pty" 80 \
	"$TEST_QUERN" run moments --threads 1 --json --progress always --stats -d plain wide.h5 >out
check "the bar is cleared before anything else is said" grep -q $'%  pass 1.*\r\033\\[Kquern: 1 host' out
is "... and the document comes last, whole" "{ }" "$(sed -n '/^{$/,$p' out | sed -n '1p; $p' | xargs)"
check "... with nothing in it" test "$(sed -n '/^{$/,$p' out | grep -c 'quern: \|%  pass')" -eq 0
finish
