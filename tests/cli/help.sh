#!/usr/bin/env bash
# Help, version, and wrong command lines.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc

answers "quern --help" --help
for command in run merge supervise plan inspect verify stage unstage kernels bench info help; do
	prints "quern --help names $command" "quern $command "
done
answers "quern --version" --version
is "version is one line" "1" "$(wc -l <out)"
prints "version has a number" '^quern [0-9]+\.[0-9]+\.[0-9]+'
for command in run merge supervise plan inspect verify stage unstage kernels bench info help; do
	answers "quern $command --help" $command --help
	prints "quern $command --help has a usage" "^usage: quern $command"
done
kernels=$("$QUERN" kernels --json | "$BUILDDIR/tests/tools/pick" kernels |
	grep -o '"name":"[a-z0-9]*","needs_with"' | cut -d'"' -f4)
is "there are kernels" "corr count cov covariance distinct histogram histogram2d max mean median min minmax mode moments quantiles range regress rms spells std sum topk trend var" \
	"$(echo $kernels | tr ' ' '\n' | sort | xargs)"
for kernel in $kernels; do
	answers "quern run $kernel --help" run "$kernel" --help
	prints "$kernel: help has the options of a run" '--threads N .*'
	answers "quern kernels $kernel" kernels "$kernel"
	prints "quern kernels $kernel describes it" "^$kernel "
done
for args in --help "run histogram --help" "plan moments --help" "verify --help" kernels; do
	# shellcheck disable=SC2086 # words
	quern $args
	is "quern $args: 100 columns, no blanks at ends" "" \
		"$(grep -E '.{101}| $' out)"
done
answers "an option of a kernel is in its help" run topk --help
prints "... with its default" '--k N .*default: 10'
answers "quern info" info
answers "quern info --json" info --json
check "... is JSON" field machine

quern
is "no command: exit 2" 2 "$status"
is "... nothing on stdout" "" "$(cat out)"
refuses 2 "misspelt command" "did you mean 'inspect'" inpsect cf.nc
refuses 2 "unknown command" "no command 'frobnicate'" frobnicate
refuses 2 "misspelt kernel" "did you mean 'moments'" run momens cf.nc
refuses 2 "unknown kernel" "no kernel 'xyzzyx'" run xyzzyx cf.nc
refuses 2 "misspelt kernel described" "did you mean 'minmax'" kernels minmx
refuses 2 "misspelt option" "did you mean --threads" run moments --treads 2 -d /packed cf.nc
refuses 2 "unknown long option" "unknown option --zzzzzzzz" run moments --zzzzzzzz cf.nc
refuses 2 "the beginning of several options" "option --s is ambiguous: --stats, --stack, --select, --site" \
	run moments --s 3 cf.nc
refuses 2 "misspelt --version" "did you mean '--version'" --versoin
refuses 2 "unknown letter" "option -Z" run moments -Z cf.nc
refuses 2 "an option of another kernel" "--bins is an option of kernel histogram, kernel histogram2d, not of this" \
	run moments --bins 4 cf.nc
refuses 2 "an option without its value" "--dataset" run moments cf.nc -d
refuses 2 "an option of another command" "--replicas is an option of quern plan, quern stage, not of" \
	verify --replicas 2 cf.nc
refuses 2 "a long option behind one dash" "unknown option -t; did you mean --threads" \
	run moments -threads 2 cf.nc
refuses 2 "no kernel" "no kernel given" run
refuses 2 "options and no kernel" "no kernel given" run --json -d /packed

# --- words for what a kernel has ---
while read -r word kernel; do
	refuses 2 "run $word" "$word.*: quern run $kernel \.\.\." run "$word" cf.nc
	refuses 2 "quern $word" "$word.*: quern run $kernel --json cf.nc$" "$word" --json cf.nc
done <<'END'
average mean
stdev std
variance var
skewness moments
minimum min
argmax minmax
percentile quantiles
hist histogram
total sum
largest topk
END
refuses 2 "a kernel in the place of a command" \
	"^quern: moments is a kernel: quern run moments -d 'a b' --raw 'it'\\\\''s.nc'$" \
	moments -d "a b" --raw "it's.nc"
refuses 2 "... in capitals" "is a kernel: quern run moments cf.nc" Moments cf.nc
refuses 2 "a kernel in capitals" "did you mean 'moments'" run Moments cf.nc
refuses 2 "kernels skewness" "skewness is a field of the kernel moments" kernels skewness

# --- help of run, with a kernel and without ---
answers "run --help" run --help
prints "... has the options of a run" "^  -d, --dataset PATH"
prints "... and the kernels" "^kernels: .* histogram"
check "... and no options of one" test "$(grep -c -- '--order\|--bins' out)" -eq 0
cp out general
answers "run histogram --help" run histogram --help
check "... has its own, under its name" \
	test "$(sed -n '/^kernel histogram:/,/^examples/p' out | grep -c -- '--bins\|--range ')" -eq 2
cp out histogram
for args in "run --help histogram" "run --threads 1 --help histogram" "run histogram -h" \
	"run histogram cf.nc --help"; do
	# shellcheck disable=SC2086 # words
	quern $args
	check "quern $args: the same" cmp out histogram
done
check "... which help run histogram has too" test "$(grep -cxFf general histogram)" -ge 20
answers "run sum --help" run sum --help
prints "... has no options of its own" "kernel sum has no options of its own"
answers "plan --help" plan --help
prints "... has those of a plan" "--cluster SPEC"
refuses 2 "no file" "no file given" run moments
refuses 2 "the same file twice" "given twice" run moments cf.nc cf.nc
refuses 2 "no file to verify" "no file given" verify
refuses 2 "verify: misspelt option" "did you mean --threads" verify --treads 2 cf.nc
refuses 2 "no file to inspect" "no file given" inspect
refuses 2 "--threads 0" "--threads: '0'" run moments --threads 0 -d /packed cf.nc
refuses 2 "--threads many" "--threads: 'many'" run moments --threads many -d /packed cf.nc
refuses 2 "--memory lots" "--memory: 'lots'" run moments --memory lots -d /packed cf.nc
refuses 2 "--bind moon" "--bind: 'moon' is not one of numa" run moments --bind moon cf.nc
refuses 2 "--order 3" "--order: '3' is not one of 2" run moments --order 3 -d /packed cf.nc
refuses 2 "--bins -1" "--bins: '-1'" run histogram --bins -1 -d /packed cf.nc
refuses 2 "--range 1" "--range: '1' is not 2 numbers" run histogram --range 1 -d /packed cf.nc
refuses 2 "--range 5,1" "range" run histogram --range 5,1 -d /packed cf.nc
refuses 2 "--samples of no dimension" "samples" run covariance --samples 7 -d /ranged cf.nc
refuses 2 "kernels as words" '^quern: minmax is a kernel, and a file of that name is written ./minmax; several kernels are one word: quern run mean,minmax,sum '\
'\[options\] FILE...$' run mean minmax sum cf.nc
cp cf.nc minmax
answers "a file that is called like a kernel" run mean -d packed minmax
refuses 2 "... before another" "written ./minmax" run mean -d packed minmax cf.nc

# --- options in the place of values ---
refuses 2 "an option for a value" '^quern: --over has no value: -d after it is an option; if that is the value, write --over=-d$' \
	run mean --over -d packed cf.nc
refuses 2 "... a long one" '^quern: --where has no value: --json after it is an option; if that is the value, write --where=--json$' \
	run mean -d packed --where --json cf.nc
refuses 2 "... before the kernel" "--threads has no value: -d after it" run --threads -d packed mean cf.nc
refuses 2 "... of another command" "--dataset has no value: -s after it" inspect -d -s cf.nc
refuses 2 "... is one where = says so" "--over '-d': /packed has no such dimension" run mean --over=-d -d packed cf.nc
answers "negative numbers are none" run histogram --bins 2 --range -1,300 -d packed cf.nc
answers "... nor are those of dimensions" run mean --over -1 -d packed cf.nc
answers "... nor expressions" run mean --where '-packed < 1e9' -d packed cf.nc

# --- the options that a screen shows are there ---
rows=$(sed -n '/^static const struct qn_command commands/,/^};/p' "$SRCDIR/src/cli/main.c" | tr '\n\t' '  ' |
	sed 's/{ "/\n&/g' | sed -nE 's/^\{ "([a-z]+)".*"([a-z -]+)", +(true|false).*/\1 \2/p')
check "some commands show some of their options" [ "$(wc -l <<<"$rows")" -ge 5 ]
while read -r command names; do
	"$QUERN" "$command" --help >screen
	for name in $names; do
		check "$command --help has --$name" grep -qE -- "^ +(-[a-z], )?--$name( |\$)" screen
	done
done <<<"$rows"

# --- parts of pages that have topics ---
while read -r topic page heading; do
	answers "quern help $topic" help "$topic"
	prints "... is its part of the page" "^$heading\$"
	"$QUERN" help "$page" >page
	check "... and nothing else" [ "$(grep -c '^[A-Z]' out)" -le 3 ]
	check "... as it stands there" diff <(sed -n "/^$heading\$/,\$p" out | sed '/^$/d') \
		<(sed -n "/^$heading\$/,/^[A-Z]/{/^$heading\$/p;/^[A-Z]/!p}" page | sed '/^$/d')
done <<'END'
expressions run EXPRESSIONS AND CONDITIONS
groups run GROUPS
pairs run PAIRS
weights run WEIGHTS
windows run WINDOWS
rolling run WINDOWS
climatology run WINDOWS
keepdims run REDUCTIONS OVER SOME DIMENSIONS
where run EXPRESSIONS AND CONDITIONS
approx run QUANTILES
selections select DESCRIPTION
END
refuses 2 "a misspelt one" "did you mean 'groups'" help grups

finish
