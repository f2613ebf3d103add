#!/usr/bin/env bash
# No cycles: between files of the library and the command none calls one that calls it, by way of others
# or not, but inside of a module that hides behind one header. Folders are small enough to be read.

. "$SRCDIR/tests/lib.sh"
cd "$BUILDDIR" || exit 1

most_lines=5500

# Modules: the files of each are one.
modules='
src/columns/column
src/exact/power
src/feed
src/resolve
src/kernel/tile
io/hdf5_format/index
'

# The sources that were built, as objects; one instruction set of each does.
objects()
{
	find src io kernels -name '*.o' | grep -vE '\.(avx2|avx512)\.o$' | while read -r object; do
		source=${object%.o}
		[ ! -e "$SRCDIR/${source%.baseline}.c" ] || echo "$object"
	done
}

# Lines "CALLER CALLEE", by what the objects define and want.
calls()
{
	# shellcheck disable=SC2046 # names without blanks
	nm -A -g $(objects) 2>/dev/null | sed -E 's/(\.baseline)?\.o:/ /' | awk '
		$(NF - 1) == "U" { user[++n] = $1; wanted[n] = $NF; next }
		$(NF - 1) ~ /^[TDRBVWC]$/ { owner[$NF] = $1 }
		END {
			for (i = 1; i <= n; i++)
				if (wanted[i] in owner)
					print user[i], owner[wanted[i]]
		}'
}

# Calls between modules, each once. What is plugged in is reached through tables: that is no call.
module_calls()
{
	local expression= module

	for module in $modules; do
		expression="$expression;s,$module[a-z0-9_/]*,$module,g"
	done
	calls | sed -E "$expression" | awk '$1 != $2 && !($1 ~ /^src/ && $2 !~ /^src/)' | sort -u
}

module_calls >calls.txt
check "files call each other" grep -q '^src/cli/main src/cli/' calls.txt
tsort calls.txt >order.txt 2>loops.txt
if [ -s loops.txt ]; then fail "no cycles" "$(sed 's/^tsort: //' loops.txt)"; else pass "no cycles"; fi
rm -f calls.txt order.txt loops.txt

cd "$SRCDIR" || exit 1
for folder in src/*/ io/*/ kernels/ kernels/*/; do
	lines=$(cat "$folder"*.[ch] 2>/dev/null | wc -l)
	check "${folder%/} has $lines lines" [ "$lines" -le $most_lines ]
done
finish
