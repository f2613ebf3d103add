#!/usr/bin/env bash
# What compiled programs and kernels rely on is as tests/rules/abi.txt has it: the functions that are exported,
# sizes and offsets of public structs, values of enumerators. What is lost or moved breaks programs of the same
# soname, and kernels of the same QUERN_KERNEL_ABI. A change that is meant is written there too, by hand or with
#
#	make check TESTS=tests/rules/abi.sh ABI=write

. "$SRCDIR/tests/lib.sh"
kept=$SRCDIR/tests/rules/abi.txt
command -v nm >/dev/null || skip_all "nm is not installed (binutils)"

{
	nm -D --defined-only "$LIBDIR/libquern.so.1" | awk '$2 ~ /[TDBRVWi]/ { print $3 }' |
		sed 's/@.*//' | grep '^quern_' | LC_ALL=C sort | sed 's/^/function /'
	"$BUILDDIR/tests/tools/abi"
} >now
[ "${ABI-}" != write ] || cp now "$kept"

if [ "$(getconf LONG_BIT)" != 64 ]; then
	skip "layouts and functions are those that are kept" "the list is of 64-bit machines"
	finish
fi
if diff=$(diff "$kept" now); then
	pass "layouts and functions are those that are kept"
else
	fail "layouts and functions are those that are kept" "$diff"
fi
finish
