#!/usr/bin/env bash
# Every header compiles alone, in C; the public ones in C++ too, and in strict ISO modes.

. "$SRCDIR/tests/lib.sh"
warnings="-Wall -Wextra -Werror"

# compiles COMPILER-AND-FLAGS HEADER
compiles()
{
	# shellcheck disable=SC2086 # flags are words
	printf '#include "%s"\n' "$2" | $1 $warnings $TEST_CPPFLAGS -I"$SRCDIR/src" -I"$SRCDIR" \
		-fsyntax-only -
}

while read -r header; do
	check "$header alone in C" compiles "$CC -std=gnu11 -x c" "${header#src/}"
done < <(cd "$SRCDIR" && find src io kernels -name '*.h' | sort)

cxx=${CXX:-$(command -v g++ || command -v clang++ || true)}
for header in quern_kernel.h quern.h; do
	[ -e "$SRCDIR/src/$header" ] || continue
	check "$header alone in strict C11" compiles "$CC -std=c11 -pedantic -x c" "$header"
	if [ -n "$cxx" ]; then
		check "$header alone in C++" compiles "$cxx -std=c++11 -pedantic -x c++" "$header"
	else
		skip "$header alone in C++" "no C++ compiler (g++ or clang++)"
	fi
done
finish
