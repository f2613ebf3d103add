#!/usr/bin/env bash
# The manual: every page can be read, as text and by man; options, variables and functions are in it, all
# of them; screens of --help are screens.

. "$SRCDIR/tests/cli/lib.sh"
export LC_ALL=C
unset COLUMNS MANPAGER PAGER
"$QUERN" help --completion bash >completion
topics=$(sed -n "s/^_quern_topics='\(.*\)'/\1/p" completion)
commands=$(sed -n "s/^_quern_commands='\(.*\)'/\1/p" completion)
parts=$(sed -n '/^const struct qn_part qn_manual_parts/,/^};/p' "$SRCDIR/src/manual/manual.c" | grep -c '{ "')
is "a page for each text, and topics for parts" $(($(grep -c '^MANUAL_PAGES' "$SRCDIR/src/manual/module.mk") + parts)) \
	"$(echo "$topics" | wc -w)"

# --- pages ---
mkdir man text
for topic in $topics; do
	answers "quern help $topic" help "$topic"
	cp out "text/$topic"
	prints "... begins like a page" '^NAME$'
	is "... fits 96 columns, no blanks at ends" "" "$(grep -E '.{97}| $' out)"
	answers "quern help --roff $topic" help --roff "$topic"
	cp out "man/$topic"
	is "... of printable characters" "" "$(grep -n '[^ -~]' out)"
	is "... lines and tags of at most 80 characters" "" "$(grep -E '^[^\\.].{80}' out)"
done
is "examples are not wider than 67 columns" "" "$(grep -nE '^    .{68}' "$SRCDIR"/src/manual/*.[0-9].md)"
quern help run
cp out run
for word in quern-run "quern-run(1)" quern-run.1; do
	quern help "$word"
	check "quern help $word: the same" cmp out run
done
quern help --roff quern.7
prints "a page by its section" '^\.TH QUERN 7 '
prints "... with the date of the release, and the version" \
	"7 [0-9]{4}-[0-9]{2}-[0-9]{2} \"$("$QUERN" --version)\" "
is "NEWS begins with this version" "$("$QUERN" --version | sed 's/quern //')" \
	"$(sed -n 's/^## \([0-9.]*\) .*/\1/p' "$SRCDIR/src/manual/NEWS.md" | head -n 1)"
COLUMNS=40 quern help select
is "quern help select: paragraphs of 40 columns" "" "$(sed -n '/^DESC/,/^    [^ ]* or/p' out | grep -E '.{41}')"
if command -v mandoc >/dev/null; then
	is "mandoc finds no fault" "" "$(mandoc -T lint -W style man/* 2>&1)"
else
	skip "mandoc finds no fault" "mandoc is not installed"
fi
# Only the whole of groff has these macros.
if command -v groff >/dev/null && echo '.TH A 1' | groff -ww -man -z 2>/dev/null; then
	is "groff finds no fault" "" "$(for page in man/*; do groff -ww -man -Tascii -z "$page" 2>&1; done)"
else
	skip "groff finds no fault" "groff is not installed"
fi

# --- all of it is there ---
# The options of a command, by its completion, which is made of the same rows.
options_of()
{
	sed -n "/^_quern_options/,/^}/s/^\t$1) options+*='\(.*\)' ;;/\1/p" completion |
		tr ' ' '\n' | grep -- '^--'
}
variable()
{
	echo "$1" | sed 's/^--/QUERN_/' | tr 'a-z-' 'A-Z_'
}
for command in $commands; do
	missing=
	for option in $(options_of "$command"); do
		grep -qE "^    (-., )?$option( |\$)" "text/$command" || missing+=" $option"
		[ "$option" = --help ] || grep -qF "[$(variable "$option")]" "text/$command" ||
			missing+=" $(variable "$option")"
	done
	is "quern-$command has all options, with their variables" "" "$missing"
	check "... there are some" test "$(options_of "$command" | wc -l)" -ge 2
done
missing=
for kernel in $("$QUERN" kernels | sed -n 's/^\([a-z][a-z]*\) .*/\1/p'); do
	grep -q "^  $kernel\$" text/kernels || missing+=" $kernel"
	for option in $(options_of "$kernel"); do
		grep -qE "^    $option( |\$)" text/kernels || missing+=" $option"
	done
done
is "quern-kernels has all kernels and their options" "" "$missing"
# Rows as they are written in the sources.
missing=
for name in $(grep --include='*.[ch]' -rhoE '\{ "[a-z-]+", (0|'"'.'"'), QUERN_OPT_|\.name = "[a-z-]+",$' "$SRCDIR/src" "$SRCDIR/kernels" |
	cut -d'"' -f2 | sort -u); do
	grep -qE -- "^    (-., )?--$name( |\$)|^  $name\$" text/* || missing+=" --$name"
done
is "every row of the sources is in a page" "" "$missing"
variables=$({
	grep -rhoE '"QUERN_[A-Z_]+"' "$SRCDIR/src" "$SRCDIR/io" "$SRCDIR/kernels" --include='*.[ch]'
	grep -hoE '\$\{?QUERN_[A-Z_]+' "$SRCDIR"/slurm/*.sbatch
} | grep -o 'QUERN_[A-Z_]*[A-Z]' | grep -v 'QUERN_TEST' | sort -u)
missing=
for name in $variables; do
	grep -qw "$name" text/* || missing+=" $name"
done
is "every variable that is read is in a page" "" "$missing"
check "... there are some" test "$(echo "$variables" | wc -l)" -ge 5
missing=
for name in $(cat "$SRCDIR"/src/quern.h "$SRCDIR"/src/quern_kernel.h | grep -oE '\bquern_[a-z0-9_]+\(' | sort -u); do
	grep -qw "${name%(}" text/library || missing+=" $name"
done
is "quern(3) names every function" "" "$missing"
missing=
for code in 0 1 2 3 4 5; do
	sed -n '/^EXIT CODES/,/^[A-Z]* [A-Z]*$/p' text/quern | grep -q "^    $code\$" || missing+=" $code"
done
is "quern(1) has the exit codes" "" "$missing"
for word in chunk tile item task home member part state; do
	check "quern(7) says what a $word is" grep -q "^    $word\$" text/concepts
done

# --- screens ---
for command in $commands; do
	COLUMNS=80 quern "$command" --help
	is "quern $command --help: at most 40 lines" yes "$([ "$(wc -l <out)" -le 40 ] && echo yes)"
	is "... of at most 80 columns" "" "$(grep -E '^[^\\.].{80}' out)"
	check "... has examples" test "$(sed -n '/^examples:/,$p' out | grep -cE '^  (mpirun .* )?quern ')" -ge 2
	prints "... says where the rest is" "^all of it: quern help $command"
done
for kernel in $("$QUERN" kernels | sed -n 's/^\([a-z][a-z0-9]*\) .*/\1/p'); do
	for command in run plan; do
		COLUMNS=80 quern "$command" "$kernel" --help
		is "quern $command $kernel --help: at most 44 lines" yes "$([ "$(wc -l <out)" -le 44 ] && echo yes)"
	done
done
COLUMNS=80 quern --help
is "quern --help: at most 40 lines" yes "$([ "$(wc -l <out)" -le 40 ] && echo yes)"
for topic in $topics; do
	prints "quern --help names $topic" "\b$topic\b"
done
quern help
check "quern help: the same" test -s out
prints "... lists topics" '^  topics: quern run merge plan'
answers "quern help moments" help moments
prints "... is the screen of that kernel" '^kernel moments:'

# --- the terminal ---
pty=$BUILDDIR/tests/tools/pty
PAGER='cat >paged' "$pty" 80 "$QUERN" help run >out
check "on a terminal a page goes through PAGER" grep -q '^DESCRIPTION' paged
MANPAGER='cat >paged2' PAGER=false "$pty" 80 "$QUERN" help run >out
check "... or MANPAGER" grep -q '^DESCRIPTION' paged2
PAGER=there-is-no-such-pager "$pty" 80 "$QUERN" help run >out
check "... and is shown when there is none" grep -q '^DESCRIPTION' out
rm -f paged
PAGER='cat >paged' quern help run
check "not on a terminal: no pager" test ! -e paged
PAGER='head -n 3' "$pty" 80 "$QUERN" help data >out
check "a pager that is left early is no error" test $? -eq 0

# --- wrong words ---
refuses 2 "no such page" "no page 'frobnicate'; .quern help. lists them" help frobnicate
refuses 2 "a misspelt page" "did you mean 'select'" help selekt
refuses 2 "two pages" "one topic at a time" help run plan
refuses 2 "--roff of nothing" "quern help --roff TOPIC" help --roff
refuses 2 "--completion with a topic" "without a TOPIC" help --completion bash run
refuses 2 "--completion of no shell" "'csh' is not one of bash" help --completion csh
finish
