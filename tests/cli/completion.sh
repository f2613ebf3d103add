#!/usr/bin/env bash
# Command line completion: the scripts are right for their shells, and bash completes what is there.

. "$SRCDIR/tests/cli/lib.sh"
for shell in bash zsh fish; do
	answers "quern help --completion $shell" help --completion $shell
	cp out "quern.$shell"
	if command -v $shell >/dev/null; then
		check "... $shell can read it" $shell -n "quern.$shell"
	else
		skip "... $shell can read it" "$shell is not installed"
	fi
done
mkdir -p dir/sub
touch dir/a.nc dir/b.nc
# shellcheck disable=SC1091 # made above
. ./quern.bash

# completes NAME WANT WORD...: the last word is what the cursor stands behind.
completes()
{
	local name=$1 want=$2

	shift 2
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_quern
	is "$name" "$want" "${COMPREPLY[*]}"
}

completes "commands" "run" quern r
completes "all of them" "$("$QUERN" --help | sed -n '/^usage/,/^$/s/^  quern \([a-z]*\) .*/\1/p' | xargs) --help --version" quern ""
completes "no command" "" quern zz
completes "kernels" "moments mean minmax min max median mode" quern run m
completes "... of quern kernels" "histogram histogram2d" quern kernels h
completes "... behind an option" "count cov corr covariance" quern run --json c
completes "topics" "supervise stage select site selections" quern help s
completes "bench" "scaling" quern bench ""
completes "options" "--threads" quern run moments --th
completes "options of a kernel" "--bins" quern run histogram --bins
completes "... not of another" "" quern run moments --bins
completes "... of plan" "--cluster" quern plan moments --cl
completes "letters" "-d" quern inspect -d
completes "choices" "numa none" quern run moments --bind n
completes "... behind a =" "keep" quern run moments --nan = k
completes "... all" "auto always never" quern verify --progress =
completes "... of a kernel" "2 4" quern run moments --order ""
completes "... of a letter" "moments mean minmax min max median mode" quern bench scaling -k m
completes "files" "dir/a.nc" quern run moments -o dir/a
completes "directories" "dir/sub" quern stage --to dir/
completes "no words for a number" "" quern run moments --threads ""
completes "files as operands: the shell's own" "" quern run moments dir/
check "bash knows of it" bash -c '. ./quern.bash; complete -p quern | grep -q -- "-F _quern"'

if command -v fish >/dev/null; then
	# shellcheck disable=SC2016 # fish's
	is "fish completes options" "--threads" \
		"$(HOME=$PWD fish -c 'source quern.fish; complete -C "quern run --thr"' | cut -f1)"
	is "... choices" "core" \
		"$(HOME=$PWD fish -c 'source quern.fish; complete -C "quern run --bind c"' | cut -f1)"
else
	skip "fish completes" "fish is not installed"
fi
for shell in bash zsh fish; do
	is "$shell: every option of every command" "" "$(
		for option in $("$QUERN" help --completion bash | sed -n '/^_quern_options/,/^}/p' |
			grep -oE -- '--[a-z-]+' | sort -u); do
			grep -qE -- "(--|-l )${option#--}\b" "quern.$shell" || echo "$option"
		done
	)"
done
finish
