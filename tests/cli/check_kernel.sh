#!/usr/bin/env bash
# quern kernels --check: a right kernel passes, and each mistake is found and called by its name.

. "$SRCDIR/tests/cli/lib.sh"
command -v "${CC%% *}" >/dev/null || skip_all "there is no compiler"
[ -z "$SAN" ] || skip_all "the sanitizer has the handlers of signals"
umask 022
export XDG_CACHE_HOME=$PWD/cache QUERN_CC="$CC"
mkdir cache
chmod 700 .

# planted MISTAKE: a kernel that has it.
planted()
{
	sed "s/define PLANTED 0/define PLANTED $1/" "$SRCDIR/tests/kernels/planted.c" >"$1.c"
}

# catches MISTAKE PATTERN: it is found.
catches()
{
	planted "$1"
	refuses 1 "$1" "^quern: kernel planted: .*$2.*seed" kernels --check ./"$1.c" --type u1,i4,f4
}

planted RIGHT
answers "a right one" kernels --check ./RIGHT.c
prints "... is said to be" "kernel planted holds to the contract: 9 trials of each of i1, u1, i2, .*f8; seed 1"
answers "the skeleton" kernels --new above mine
answers "... holds to it too" kernels --check mine/above.c --set threshold=3 --seed 7
prints "... in all types" "i1, u1, i2, u2, i4, u4, i8, u8, f4, f8; seed 7"
check "... and passes its test" sh -c 'QUERN="$1" sh mine/above-test.sh >log 2>&1' sh "$QUERN"
check "... and its Makefile makes it" sh -c 'make -s -C mine QUERN="$1" CC="$2" >log 2>&1' sh "$QUERN" "$CC"
answers "... what it made too" kernels --check mine/above.so --type f4

catches ORDER "order of tiles|tiles of other lengths|cut"
catches OVERFLOW "absorb\(\): it uses memory past the end of its state|absorb\(\) writes outside of its state"
catches SCRATCH "uses scratch that it has not written"
catches CUTS "where tiles are cut"
catches ROUNDING "absorb\(\) leaves the floating-point environment changed"
catches GLOBAL "writes to a variable that threads share"
catches SELF "absorb\(\) writes to self, which threads share: a data race"
catches MERGE "merging states differs from absorbing|merging a state with"
catches CRASH "absorb\(\): it uses memory that is not its own"
catches BEYOND "absorb\(\): it reads past the values of its tile"
catches STACK "absorb\(\): it uses memory that is not its own"
catches FIELDS "emit\(\) adds field 'sum' where fields\(\) has 'other'"

refuses 2 "a type that there is not" "there are i1 u1" kernels --check ./RIGHT.c --type f2
refuses 2 "a setting of none" "NAME=VALUE" kernels --check ./RIGHT.c --set x
refuses 2 "an option that it does not have" "x" kernels --check ./RIGHT.c --set x=1
refuses 2 "one of quern's own" "kernels of users" kernels --check mean
refuses 2 "--type without --check" "of --check" kernels --type f4
finish
