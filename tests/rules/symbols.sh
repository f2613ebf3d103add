#!/usr/bin/env bash
# What libquern.so.1 exports is what quern.h and quern_kernel.h declare, and its soname is right.

. "$SRCDIR/tests/lib.sh"
lib=$LIBDIR/libquern.so.1
command -v nm >/dev/null || skip_all "nm is not installed (binutils)"

# Functions declared by the public headers, one a line: the preprocessor takes the comments away,
# a declaration ends with a semicolon, and neither types nor function pointers count.
# shellcheck disable=SC2086 # flags are words
declared()
{
	for header in quern_kernel.h quern.h; do
		[ ! -e "$SRCDIR/src/$header" ] || printf '#include "%s"\n' "$header"
	done |
		$CC $TEST_CPPFLAGS -I"$SRCDIR/src" -E -P -x c - | tr '\n' ' ' | tr ';' '\n' |
		grep -v typedef | grep -oE '\bquern_[a-z0-9_]+ *\([^*]' | sed 's,[ (].*,,' | sort -u
}

exported()
{
	nm -D --defined-only "$lib" | awk '$2 ~ /[TDBRVWi]/ { print $3 }' | sed 's/@.*//' |
		grep -v '^QUERN_1$' | sort -u
}

declared=$(declared)
exported=$(exported)
missing=$(comm -23 <(echo "$declared") <(echo "$exported"))
extra=$(comm -13 <(echo "$declared") <(echo "$exported"))
if [ -z "$missing" ]; then
	pass "what the headers declare is exported"
else
	fail "what the headers declare is exported" "$missing"
fi
if [ -z "$extra" ]; then
	pass "what is exported is declared"
else
	fail "what is exported is declared" "$extra"
fi
if grep -q 'SONAME *libquern.so.1$' <<< "$(objdump -p "$lib")"; then
	pass "the soname is libquern.so.1"
else
	fail "the soname is libquern.so.1"
fi
finish
