#!/usr/bin/env bash
# What quern does with files made to break readers: those of public vulnerabilities in HDF5, where
# they are, and damaged ones made here. Whatever it finds, it ends by itself, in time, within its
# memory, and what it does not like it says of the file.

. "$SRCDIR/tests/lib.sh"
corpus=$(cd "$QUERN_CORPUS/hostile" 2>/dev/null && pwd)
measure=$BUILDDIR/tests/tools/measure
most_seconds=10
most_kilobytes=2097152
# One core will do: discovering the machine takes longer than reading a small dataset.
export HWLOC_SYNTHETIC="core:1 pu:1" HWLOC_PLUGINS_PATH=/nonexistent
# No MPI, so no slow stack traces are needed with sanitizers (tests/run).
export ASAN_OPTIONS=${ASAN_OPTIONS-}:fast_unwind_on_malloc=1
trouble=

# complain TEXT...: about the last command.
complain()
{
	trouble="$trouble$*
$(head -n 5 err)
"
}

# A sanitizer may only find fault with what is not quern's: crashes are in a child, and told.
sanitizer_found_ours()
{
	[ -n "$SAN" ] && grep -E '^SUMMARY|runtime error' err | grep -Eq '[ /](io|src|kernels)/'
}

# try FILE COMMAND ARG...: runs the command on a file, which it must survive and name.
try()
{
	local file=$1 code seconds kilobytes

	shift
	"$measure" took "$QUERN" "$@" >out 2>err </dev/null
	read -r code seconds kilobytes <took
	case $code in
	0) ;;
	2 | 3) tail -n 1 err | grep -qF "$file" || complain "$*: does not name the file" ;;
	*) complain "$*: exit status $code" ;;
	esac
	sanitizer_found_ours && complain "$*: sanitizer"
	awk "BEGIN { exit !($seconds > $most_seconds) }" && complain "$*: took $seconds s of processor time"
	[ -n "$SAN" ] || [ "$kilobytes" -le $most_kilobytes ] || complain "$*: took $kilobytes KB"
}

# try_all FILE: inspects it, verifies it, and runs a kernel on what it seems to have.
try_all()
{
	local file=$1 dataset

	try "$file" inspect --json "$file"
	sed -nE 's/^ *"dataset": "([^"]*)".*/\1/p' out | head -n "${2:-1000}" >datasets
	[ -s datasets ] || try "$file" run moments "$file"
	try "$file" verify "$file"
	while IFS= read -r dataset; do
		try "$file" run moments -d "$dataset" "$file"
	done <datasets
}

# verdict NAME: what was complained about since the last one.
verdict()
{
	if [ -z "$trouble" ]; then pass "$1"; else fail "$1" "$trouble"; fi
	trouble=
}

# --- public files ---

if [ -n "$corpus" ]; then
	for file in "$corpus"/*; do
		try_all "$file"
		verdict "${file##*/}"
	done
else
	skip "public hostile files" "none in $QUERN_CORPUS (set QUERN_CORPUS)"
fi

# --- files damaged here ---

seed=20240229
# next N: sets $random to a number below N. The same ones every time.
next()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	random=$((seed / 65536 % $1))
}

# damage FROM TO: copies a file with some bytes changed in its head, where most of its metadata is,
# or, every fourth time, with its end missing.
damage()
{
	local size

	cp "$1" "$2" && chmod +w "$2"
	size=$(($(wc -c <"$2")))
	next 4
	if [ "$random" -eq 0 ]; then
		next 32768
		truncate -s $((size * random / 32768)) "$2"
		return
	fi
	next 3
	for _ in $(seq $((random + 1))); do
		next $((size < 16384 ? size : 16384))
		at=$random
		next 256
		printf '%b' "$(printf '\\x%02x' "$random")" |
			dd of="$2" bs=1 seek="$at" conv=notrunc 2>/dev/null
	done
}

check "files are generated" "$BUILDDIR/tests/tools/generate" .
for file in other.h5 special.h5 library.h5 latest.h5 cf.nc; do
	for _ in 1 2 3 4 5 6 7 8; do
		damage "$file" damaged
		try_all damaged 3
	done
	verdict "$file with damages"
done
finish
