#!/usr/bin/env bash
# Kernels of users: found, checked, compiled once and run as those of quern are, the same bytes on any number of ranks;
# what others could have changed is not loaded.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1
command -v "${CC%% *}" >/dev/null || skip_all "there is no compiler"
umask 022
export XDG_CACHE_HOME=$PWD/cache QUERN_CC="$CC"
mkdir cache mine path
chmod 700 . # directories above are those of the tests
grep -q '"sums"' <<<"$("$QUERN" info --json)" || skip_all "this quern has no sums (libxxhash)"

# --- a new one ---
answers "the skeleton of a kernel" kernels --new above mine
is "... is three files" "Makefile above-test.sh above.c" "$(ls mine | tr '\n' ' ' | sed 's/ $//')"
refuses 2 "... over which nothing is written" "mine/above.c is there already" kernels --new above mine
refuses 2 "... of a name that quern has" "quern has a kernel of this name" kernels --new mean mine
refuses 2 "... or that is no name" "letters, digits" kernels --new ../x mine

answers "a kernel by its path is described" kernels ./mine/above.c
prints "... with its options" "--threshold X"
answers "... and has help of its own" run ./mine/above.c --help
prints "... with them too" "--threshold X"
is "what it finds" "$(run_picked '[.count, .missing]' count -d t grid.h5)" \
	"$(run_picked '[.count, .missing]' ./mine/above.c --threshold 20 -d t grid.h5)"
is "... and its largest" "$(run_picked .max max -d t grid.h5)" \
	"$(run_picked .largest mine/above.c --threshold=-1e30 -d t grid.h5)"
is "... by the elements that hold a condition" "$(run_picked .count count --where 't > 20' -d t grid.h5)" \
	"$(run_picked .above ./mine/above.c --threshold 20 -d t grid.h5)"
refuses 2 "options are those that it has" "unknown option --treshold; did you mean --threshold" \
	run ./mine/above.c --treshold 3 -d t grid.h5

QUERN_THRESHOLD=-1e30 same "... and by their variables" ./mine/above.c -d t grid.h5 -- \
	./mine/above.c --threshold -1e30 -d t grid.h5
is "... without a warning" "" "$(QUERN_THRESHOLD=3 "$QUERN" run ./mine/above.c -d t grid.h5 2>&1 >/dev/null)"

# --- the cache ---
is "it was compiled once" 1 "$(ls cache/quern/*.so | wc -l)"
is "... in a directory of the user alone" 700 "$(stat -c %a cache/quern)"
is "... where no other file stays" "" "$(ls -d cache/quern/work-* 2>/dev/null)"
echo '/* changed */ static const int unused = 1; ' >>mine/above.c
quern run ./mine/above.c -d t grid.h5
is "another source is compiled anew" 2 "$(ls cache/quern/*.so | wc -l)"
for i in 1 2 3 4; do
	XDG_CACHE_HOME=$PWD/cache4 "$QUERN" run ./mine/above.c --json -d t grid.h5 >out$i 2>err$i &
done
mkdir -p cache4
wait
is "processes that compile at once" 1 "$(for i in 1 2 3 4; do jq -cS .result out$i; done | sort -u | wc -l)"
is "... leave one" 1 "$(ls cache4/quern/*.so | wc -l)"
echo 'int x = y;' >mine/wrong.c
refuses 2 "what does not compile" "mine/wrong.c does not compile .*wrong.c:1:9: error: .*y" run ./mine/wrong.c grid.h5
chmod 755 cache/quern
refuses 5 "a cache that others see is not used" "chmod 700" run ./mine/above.c -d t grid.h5
chmod 700 cache/quern

# --- shared objects, names ---
flags=$("$QUERN" kernels --flags)
eval "$CC $flags -shared -o mine/above.so mine/above.c" 2>err || exit 1
same "a shared object" ./mine/above.c --threshold 7 -d t grid.h5 -- ./mine/above.so --threshold 7 -d t grid.h5
cp mine/above.so path/
QUERN_KERNEL_PATH=$PWD/nowhere:$PWD/path same "one on the path" ./mine/above.so -d t grid.h5 -- above -d t grid.h5
refuses 2 "... which is none without it" "there is no kernel 'above'" run above -d t grid.h5
is "... in a list" "$(run_picked .mean mean -d t grid.h5) $(run_picked .above ./mine/above.so -d t grid.h5)" \
	"$(run_picked .mean mean,./mine/above.so -d t grid.h5) $(run_picked .above mean,./mine/above.so -d t grid.h5)"
refuses 2 "a file that is not there" "mine/none.so cannot be opened: .*o such file" run ./mine/none.so -d t grid.h5
refuses 2 "what is no shared object" "cannot be loaded" run ./mine/Makefile -d t grid.h5
echo 'int nothing;' >mine/nothing.c
refuses 2 "one without a kernel" "has no kernel: it must define" run ./mine/nothing.c -d t grid.h5
sed 's/QUERN_KERNEL_ABI,/7,/' mine/above.c >mine/old.c
refuses 2 "one of another version" "for version 7 of kernels, and this quern has" run ./mine/old.c -d t grid.h5
sed 's/"above",$/"mean",/' mine/above.c >mine/mean.c
refuses 2 "one of a name that quern has" "quern has a kernel mean of its own" run ./mine/mean.c -d t grid.h5

sed 's/"threshold"/"threads"/' mine/above.c >mine/threads.c
refuses 2 "one with an option of runs" "--threads is an option of runs" run ./mine/threads.c -d t grid.h5

# --- what others could have changed ---
cp mine/above.so mine/open.so
chmod 666 mine/open.so
refuses 5 "a file that others may write" "others may write to it .mode 0666.*chmod go-w" run ./mine/open.so -d t grid.h5
mkdir open
cp mine/above.so open/
chmod 777 open
refuses 5 "... or replace" "others may write to its directory" run ./open/above.so -d t grid.h5
chmod 1777 open
answers "... unless the directory is sticky" run ./open/above.so -d t grid.h5
chmod 664 mine/open.so
chmod 775 open
if [ "$(id -gn)" = "$(id -un)" ] && [ -z "$(getent group "$(id -g)" | cut -d: -f4)" ]; then
	answers "a file that a group of the user's own may write" run ./mine/open.so -d t grid.h5
	answers "... and a directory" run ./open/above.so -d t grid.h5
fi
if [ "$(id -u)" -eq 0 ]; then
	chgrp 12345 mine/open.so open
	refuses 5 "a file that another group may write" "others may write to it .mode 0664" run ./mine/open.so -d t grid.h5
	refuses 5 "... or replace" "others may write to its directory.*mode 0775" run ./open/above.so -d t grid.h5
	chgrp 0 mine/open.so open
fi
if command -v setfacl >/dev/null && setfacl -m u:12345:rw mine/open.so 2>/dev/null; then
	refuses 5 "a file that a user of a list may write" "others may write to it" run ./mine/open.so -d t grid.h5
fi
if [ "$(id -u)" -eq 0 ]; then
	cp mine/above.so mine/his.so
	chown 12345 mine/his.so
	refuses 5 "a file of another user" "it belongs to user 12345" run ./mine/his.so -d t grid.h5
	cp mine/above.c mine/his.c
	chown 12345 mine/his.c
	refuses 5 "... and a source" "it belongs to user 12345" run ./mine/his.c -d t grid.h5
fi

# --- all that others have ---
of=(./mine/above.so --threshold 7 -d t grid.h5)
for what in "--over time" "--over lat,lon" "--by bin(lat,-90:90:60)" "--where t>5" "--expr t*2+n" "--select time=1:3"; do
	# shellcheck disable=SC2086 # an option and its value
	want=$(jq -cS .result <<<"$("$QUERN" run "${of[@]}" ${what%% *} "${what#* }" --json --threads 1 2>err)")
	check "$what" test -n "$want"
	for n in 2 3 4; do
		got=$($MPIRUN -n $n "$QUERN" run "${of[@]}" "${what%% *}" "${what#* }" --json 2>err </dev/null | jq -cS .result)
		is "... on $n ranks" "$want" "$got"
	done
done

mkdir staged
"$QUERN" stage --to "$PWD/staged" -d t grid.h5 >out 2>err
same "staged data" "${of[@]}" -- ./mine/above.so --threshold 7 -d t staged/grid.h5

# --- the example: of a field that rises by 1 from step to step it is r^2 ---
cp "$SRCDIR/examples/structure.c" mine/
for n in 1 3; do
	$MPIRUN -n $n "$QUERN" run ./mine/structure.c --lag-dim time --lags 0,1,2,4 --expr 'index(time) + 0 * t' --json -d t \
		grid.h5 2>err </dev/null | jq -c '.result | [.lag, .structure]' >out
	is "the structure function on $n ranks" '[[0,1,2,4],[0,1,4,16]]' "$(jq -c . out)"
done
refuses 2 "... along a dimension that is not there" "--lag-dim: there is no dimension level" \
	run ./mine/structure.c --lag-dim level -d t grid.h5
answers "... it holds to the contract" kernels --check ./mine/structure.c --type f4,f8 --set lags=1,2

# --- ranks that have something else ---
mkdir other
sed 's/key >= state/key > state/' mine/above.c >other/above.c
cat >pick.sh <<'EOF'
#!/bin/sh
cd "$([ "${PMI_RANK:-$OMPI_COMM_WORLD_RANK}" -eq 1 ] && echo "$1" || echo mine)" && shift && exec "$@"
EOF
status=0
$MPIRUN -n 2 sh "$PWD/pick.sh" other "$QUERN" run ./above.c -d t ../grid.h5 >out 2>err </dev/null || status=$?
is "ranks that have other bytes" "2 1" "$status $(grep -c '^quern: the kernel ./above.c is not the same file on all hosts' err)"
mkdir none
status=0
$MPIRUN -n 2 sh "$PWD/pick.sh" none "$QUERN" run ./above.c -d t ../grid.h5 >out 2>err </dev/null || status=$?
is "a rank that has none" "2 1" "$status $(grep -c '^quern: the kernel ./above.c cannot be opened' err)"

# --- kernels that break ---
if [ -n "$SAN" ]; then
	skip "kernels that break" "the sanitizer has the handlers of signals"
	finish
fi
cp "$SRCDIR/tests/kernels/planted.c" mine/
sed 's/define PLANTED 0/define PLANTED CRASH/' mine/planted.c >mine/crash.c
refuses 1 "a crash is an error" "kernel planted has crashed in absorb.. on the tile .*dataset /t: SIGSEGV" \
	run ./mine/crash.c -d t grid.h5
refuses 1 "... over a dimension, by threads" "kernel planted has crashed in absorb.. on the tile" \
	run ./mine/crash.c --over time --threads 3 -d t grid.h5
status=0
$MPIRUN -n 3 "$QUERN" run mean,./mine/crash.c -d t grid.h5 >out 2>err </dev/null || status=$?
is "... on several ranks" "1 1" "$status $(grep -c '^quern: kernel planted has crashed' err)"
sed 's/define PLANTED 0/define PLANTED STACK/' mine/planted.c >mine/stack.c
refuses 1 "... of the stack" "kernel planted has crashed in absorb.*SIGSEGV" run ./mine/stack.c -d t grid.h5
sed 's/define PLANTED 0/define PLANTED ROUNDING/' mine/planted.c >mine/rounding.c
refuses 1 "a changed rounding" "kernel planted has changed the floating-point environment" run ./mine/rounding.c -d t grid.h5
finish
