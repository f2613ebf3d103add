#!/usr/bin/env bash
# Every command in the README, and then in the pages of the manual, works when it is pasted, in that order,
# after `make install` and on files of the names that `make demo` leaves, here small ones.
#
# A command is a line of an indented block that begins with one of the words below. What is not run is
# named in `is_elsewhere`, with the reason.

. "$SRCDIR/tests/cli/lib.sh"
build=$(dirname "$BUILDDIR")
words='quern|mpirun|make|cd|cc|export|sbatch|mkdir|\.\./configure|\./[a-z]+'

# commands TEXT: the indented lines as one line a command, without prompts and comments; "N COMMAND".
commands()
{
	sed -n 's/^    //p; t; s/.*//p' "$1" | sed -e ':more' -e '/\\$/{N; s/\\\n */ /; b more' -e '}' |
		sed 's/^\$ //' | grep -nE "^($words)( |\$)" | sed -E 's/^([0-9]+):/\1 /; s/ +#( .*)?$//'
}

# What other tests run, or nobody can on one machine.
is_elsewhere()
{
	case $1 in
	"make demo" | "make check" | "make") return 0 ;;		# what has built this
	"make configure" | "mkdir b "* | ../configure* | "make -j8 "*) return 0 ;;	# .ci/distcheck
	*" --map-by node "* | *"mpirun --host "*) return 0 ;;		# several hosts: tests/machines
	esac
	return 1
}

# `make` of the README is in the source tree; this build may be elsewhere.
make()
{
	command "$MAKE" -C "$build" -s "$@"
}

cc()
{
	# shellcheck disable=SC2086 # words
	command $CC "$@"
}

# Without what configure has added to it.
mpirun()
{
	timeout "$hang" "${MPIRUN%% *}" "$@"
}

# What a job would do is tests/machines/slurm.sh: here its script and its file are where the command says.
sbatch()
{
	bash -n "$1" && test -e "${!#}"
}

# The command itself, not the function of the tests.
unset -f quern

# What the user has not set yet, the README says.
unset OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_rmaps_base_oversubscribe
unset PRTE_MCA_rmaps_default_mapping_policy PKG_CONFIG_PATH LD_LIBRARY_PATH
export HOME=$PWD/home
mkdir -p home tree/.build/demo bin
ln -s "$SRCDIR/slurm" tree/slurm
(cd tree/.build/demo && "$BUILDDIR/examples/mkclimate" --quiet --time 240 --lat 37 --lon 72 climate.nc &&
	"$BUILDDIR/examples/mkparticles" particles.h5 1000) || exit 1
ln tree/.build/demo/climate.nc tree/.build/demo/member_1.nc
cp tree/.build/demo/climate.nc tree/.build/demo/member_2.nc
check "the demo makes files of these names" grep -q 'file=climate.nc' "$SRCDIR/examples/demo.sh"
check "... both" grep -q '/mkparticles" particles.h5' "$SRCDIR/examples/demo.sh"
if [ -n "$SAN" ]; then
	ln -s "$QUERN" bin/quern	# such a build is not installed
	PATH=$PWD/bin:$PATH
fi
# Fewer points of a curve: what the options are is the user's choice.
export QUERN_REPEAT=1 QUERN_RANKS=1 QUERN_SCALING=strong

# cannot_run COMMAND: what a build with sanitizers, or a machine without pkg-config, cannot do.
cannot_run()
{
	case $1 in
	make* | cc* | ./mean* | *"./mean") [ -n "$SAN" ] || ! command -v pkg-config >/dev/null ;;
	*) return 1 ;;
	esac
}

# paste COMMAND: a case.
paste()
{
	local command=$1 status=0

	if ! command -v jq >/dev/null; then command=${command%|*}; fi
	set -o pipefail
	eval "$command" >"$TEST_TMP/out" 2>"$TEST_TMP/err" </dev/null || status=$?
	if [ "$status" -eq 0 ] && ! grep -q 'quern: ' "$TEST_TMP/err"; then
		pass "$command"
	else
		fail "$command" "exit $status
$(tail -n 5 "$TEST_TMP/out" "$TEST_TMP/err")"
	fi
	[ "$command" != ./mean ] || cp "$TEST_TMP/out" "$TEST_TMP/mean"
}

# paste_all TEXT
paste_all()
{
	local command

	! grep -q '^    #include <mpi.h>' "$1" ||
		sed -n '/^    #include <mpi.h>/,/^    }$/s/^    //p' "$1" >"$TEST_TMP/tree/.build/demo/mean.c"
	while read -r _ command; do
		is_elsewhere "$command" || cannot_run "$command" && continue
		nrun=$((nrun + 1))
		paste "$command"
	done < <(commands "$1")
}

nrun=0
cd tree || exit 1
paste_all "$SRCDIR/README.md"
check "there are commands, some 25" test "$nrun" -ge 20
if [ -e "$TEST_TMP/mean" ]; then
	is "the C program prints what the command does" \
		"$(quern run moments -d t2m climate.nc | awk '$1 == "mean" { printf "%g K\n", $2 }')" \
		"$(cat "$TEST_TMP/mean")"
fi

# What the README shows of results, but for the numbers, which are of larger files.
quern run moments -d t2m climate.nc >"$TEST_TMP/out"
is "the first example prints what it does" "$(awk '/^  / { print $1 }' "$TEST_TMP/out")" \
	"$(sed -n '/^    moments of/,/^$/s/^    \(  [a-z;]*\) .*/\1/p' "$SRCDIR/README.md" | awk '{ print $1 }')"
quern inspect -d t2m climate.nc >"$TEST_TMP/out"
is "... and so does that of inspect" "$(awk '{ print $1 }' "$TEST_TMP/out")" \
	"$(sed -n '/^    .t2m  /,/^$/s/^    //p' "$SRCDIR/README.md" | awk 'NF { print $1 }')"
is "the README is a front page" yes "$([ "$(wc -c <"$SRCDIR/README.md")" -le 11500 ] && echo yes)"
is "files that the texts name are there" "" "$(
	cd "$SRCDIR" && grep -ohE '\b(src|io|kernels|tests|bench|examples|slurm)/[a-z0-9_/-]+\.(c|h|sh|md|mk|awk|sbatch)\b' \
		README.md src/README.md src/manual/*.md | sort -u | while read -r file; do
		[ -e "$file" ] || echo "$file"
	done
	grep -oE '\b[a-z]+/[a-z_]+\.h\b' src/manual/architecture.md | while read -r file; do
		[ -e "src/$file" ] || echo "$file"
	done
)"

cd "$TEST_TMP/tree/.build/demo" || exit 1
mkdir data
cp climate.nc data/t2m_1979.nc
cp climate.nc data/t2m_1980.nc
nrun=0
for page in $(sed -n 's/^MANUAL_PAGES += //p' "$SRCDIR/src/manual/module.mk"); do
	note "$page"
	rm -f climate.sums
	paste_all "$SRCDIR/src/manual/$page.md"
done
check "the manual has commands, some 50" test "$nrun" -ge 50
finish
