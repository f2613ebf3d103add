#!/usr/bin/env bash
# Every call on files that a command makes fails, one after the other, with EIO and ENOSPC, and every
# allocation: it ends with a message and an exit code, or as if nothing had happened; nothing is left but
# what resuming needs, and nothing of the user's is lost. And after each change the power fails.
#
# `make check` takes some of the calls of each command, FAULT_SAMPLE of a kind; FAULT_LOOPS=all takes all.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
sample=${FAULT_SAMPLE:-3}
export HWLOC_PLUGINS_PATH=/nonexistent	# saves 20 ms a run
here=$PWD
ntried=0

generate cf.nc
"$BUILDDIR/examples/mkclimate" --quiet --time 8 --only t2m --missing 0 small.nc || exit 1
"$QUERN" info | grep -q '^sums' || skip_all "built without libxxhash"
"$BUILDDIR/tests/tools/layouts" bitshuffle || exit 1
mkdir clean clean/d
cp cf.nc small.nc bitshuffle.h5 clean
"$QUERN" run minmax -d packed -o clean/old.json cf.nc
"$QUERN" run minmax -d packed -o clean/old.csv cf.nc
"$QUERN" run minmax -d packed -o clean/old.h5 cf.nc
"$QUERN" run minmax -d packed -o clean/old.nc cf.nc
"$QUERN" verify --write-sums clean/cf.sums cf.nc >/dev/null
cp -a clean staged
(cd staged && "$QUERN" stage --to d --shards 1 small.nc >/dev/null) || exit 1
cp -a staged broken
rm broken/d/small.nc.shards/d0.s0000.h5

# --- what is right ---

# A result in a file, or a table: its mean; or how many variables it has of the kernels below.
mean_of()
{
	case $1 in
	*.json) "$BUILDDIR/tests/tools/pick" result.mean <"$1" 2>/dev/null ;;
	*) "$QUERN" inspect "$1" 2>/dev/null | grep -cE 'mean|longest|distinct|counts' ;;
	esac
}

# The name that the command writes: as it was, or new and whole.
check_result()
{
	local want

	[ ! -e "../$from/$writes" ] || ! cmp -s "../$from/$writes" "$writes" || {
		[ "$status" -ne 0 ] || echo "success, and $writes is the old one"
		return 0
	}
	[ -e "$writes" ] || [ -e "../$from/$writes" ] || {
		[ "$status" -ne 0 ] || echo "success without $writes"
		return 0
	}
	[ "$status" -eq 0 ] || [ "$status" -eq 99 ] || grep -q 'is written' ../err ||
		echo "failed, and $writes is not what it was"
	case $writes in
	*.sums)
		faults_env=()
		"$QUERN" verify --sums "$writes" cf.nc >/dev/null 2>&1 || echo "$writes is not whole"
		;;
	*.csv) grep -q "$(sed -n 2p ../right/"$writes")" "$writes" || echo "$writes is not whole" ;;
	*) [ "$(mean_of "$writes")" = "$(mean_of ../right/"$writes")" ] || echo "$writes is not whole" ;;
	esac
}

# Inputs are never touched, and what is under the final name of a shard is whole.
check_files()
{
	local file

	for file in cf.nc small.nc cf.sums; do
		cmp -s "$file" "../clean/$file" || echo "$file is not what it was"
	done
	for file in d/small.nc.shards/*.h5; do
		[ ! -e "$file" ] || cmp -s "$file" "../staged/$file" || echo "$file is not whole"
	done
	[ "$status" -eq 99 ] || [ -z "$(find . -name '*.partial*')" ] ||
		echo "left: $(find . -name '*.partial*')"
}

check_staged()
{
	[ ! -e d/small.nc ] || {
		again stage --verify d/small.nc
		[ "$code" -eq 0 ] || echo "there is a catalog: $(cat ../again)"
	}
	[ -e d/small.nc ] || [ "$status" -ne 0 ] || echo "success without a catalog"
	again stage --to d --shards 1 small.nc
	[ "$code" -eq 0 ] || echo "the same command does not go on: $(cat ../again)"
}

check_repaired()
{
	[ -e d/small.nc ] || echo "the catalog is gone"
	[ "$status" -ne 0 ] || cmp -s d/small.nc.shards/d0.s0000.h5 ../staged/d/small.nc.shards/d0.s0000.h5 ||
		echo "success without the shard"
	again stage --repair d/small.nc
	[ "$code" -eq 0 ] || echo "it cannot be repaired any more: $(cat ../again)"
	cmp -s d/small.nc.shards/d0.s0000.h5 ../staged/d/small.nc.shards/d0.s0000.h5 ||
		echo "the shard is not what it was"
}

check_unstaged()
{
	[ "$status" -ne 0 ] || [ -z "$(ls -A d)" ] || echo "success, and left: $(ls -A d)"
	again unstage d/small.nc
	[ -z "$(ls -A d)" ] || echo "left after another unstage: $(find d) $(cat ../again)"
}

# What is printed, but for what depends on the machine's memory and on the clock.
printed()
{
	case $(head -c 1 "$1") in
	'{') jq 'del(.. | .seconds?, .bytes_resident?, .resident_sampled?, .bytes_memory?, .bytes_disk?,
		.memory_bytes?)' "$1" ;;
	*) sed 's/, [^,]* in the page cache$//; /seconds\?\( \|$\)/d' "$1" ;;
	esac
}

# A document or a table of them: whole, or not there.
check_output()
{
	[ "$status" -ne 0 ] || [ "$(printed ../out)" = "$(cat ../whole)" ] ||
		echo "success, and another text: $(diff ../whole <(printed ../out))"
}

check_nothing()
{
	:
}

# again ARG...: without a fault.
again()
{
	code=0
	"$QUERN" "$@" >../again 2>&1 || code=$?
}

# How it ended.
check_end()
{
	case $status in
	0) [ ! -s ../err ] || grep -q '^quern: warning' ../err || echo "success with a message" ;;
	[1-5])
		[ "$(grep -vc '^quern: warning' ../err)" -eq 1 ] || echo "not one message"
		grep -q '^quern: ' ../err || echo "no message of quern"
		;;
	99) [ "$lost" ] || echo "ended with 99" ;;
	124) echo "does not end" ;;
	*) echo "ended with $status" ;;
	esac
	[ "$what" != ENOMEM ] || ! grep -Eq 'corrupt|damaged|truncated' ../err ||
		echo "a lack of memory is told as damage"
	! grep -q 'partial' ../err || echo "the message names the temporary file"
}

# --- loops ---

# one_attempt FAULT: the command in a copy of the files.
one_attempt()
{
	rm -rf w log.kept.*
	cp -a "$from" w
	cd w || exit
	status=0
	QUERN_TEST_FAULTS=$1 QUERN_TEST_FAULTS_LOG=$here/log timeout 60 "$QUERN" "${command[@]}" \
		>../out 2>../err || status=$?
	cd ..
}

# count KIND: how many calls of it the log has.
count()
{
	tr -d '\0' <log | case $1 in
	file) grep -vc '^memory\|^mpi\|^end' ;;
	change) grep -c '^\(create\|write\|sync\|truncate\|reserve\|close\|rename\|unlink\|mkdir\|rmdir\|meta\) ' ;;
	*) grep -c "^$1 " ;;
	esac
}

# loop NAME KIND WHAT: fails each call (or some) with WHAT.
loop()
{
	local name=$1 kind=$2 what=$3 n i step=1 first=1 last bad= tried=0

	lost=
	[ "$what" != lose ] || lost=yes
	one_attempt "$kind:1000000:$what"
	n=$(count "$kind")
	if [ "${FAULT_LOOPS-}" != all ] && [ "$n" -gt "$sample" ]; then
		step=$((n / sample))
		first=$((1 + step / 2))
	fi
	# Of what only prints the last one too: mostly that of the message.
	[ "$check" = check_output ] && last=$n || last=
	for i in $(seq "$first" "$step" "$n" | grep -vx "$last") $last; do
		tried=$((tried + 1))
		one_attempt "$kind:$i:$what"
		flaw=$(cd w && check_end && check_files && { [ -z "$writes" ] || check_result; } && "$check")
		[ -z "$flaw" ] || bad+="call $i of $n: $(tr -d '\0' <log | grep " $what\$" | head -n 1)
$flaw
exit $status: $(cat err)
"
	done
	# After the end as well: what was promised is there.
	if [ "$lost" ]; then
		tried=$((tried + 1))
		one_attempt "end:1:lose"
		status=0
		flaw=$(cd w && check_files && { [ -z "$writes" ] || check_result; } && "$check")
		[ -z "$flaw" ] || bad+="the power fails after the end: $flaw"
	fi
	ntried=$((ntried + tried))
	if [ "$n" -gt 0 ] && [ -z "$bad" ]; then
		pass "$name: $what at $tried of $n calls of kind $kind"
	else
		fail "$name: $what at calls of kind $kind ($n)" "$bad"
	fi
}

# loops NAME FROM WRITES CHECK ARG...
loops()
{
	local name=$1

	from=$2 writes=$3 check=$4
	shift 4
	command=("$@")
	loop "$name" file EIO
	[ "${FAULT_LOOPS-}" != all ] || loop "$name" file ENOSPC
	loop "$name" memory ENOMEM
	[ -z "$writes$(grep -v nothing <<<"$check")" ] || loop "$name" change lose
}

rm -rf right && cp -a clean right
for suffix in json csv h5 nc; do
	(cd right && "$QUERN" run moments --threads 1 -d packed -o "old.$suffix" cf.nc &&
		cp "old.$suffix" "new.$suffix") || exit
done
for suffix in json csv h5 nc; do
	loops "a result in the place of an old one, .$suffix" clean "old.$suffix" check_nothing \
		run moments --threads 1 -d packed -o "old.$suffix" cf.nc
done
# Of packed values, whose attributes say what they mean: more of its allocations are tried.
few=$sample sample=$((10 * sample))
loops "a new result" clean new.json check_nothing run moments --threads 1 -d packed -o new.json cf.nc
sample=$few
by=(--over lat --by 'hour(time)' --where 't2m > 250 && lon > 10')
for suffix in nc csv; do
	(cd right && "$QUERN" run moments --threads 1 "${by[@]}" -d t2m -o "cells.$suffix" small.nc) || exit
	loops "a result of cells, .$suffix" clean "cells.$suffix" check_nothing \
		run moments --threads 1 "${by[@]}" -d t2m -o "cells.$suffix" small.nc
done
# others NAME ARG...: a result of another kernel.
others()
{
	local name=$1

	shift
	(cd right && "$QUERN" run "$@" --threads 1 -o "$name.nc" small.nc) || exit
	loops "a result of $name" clean "$name.nc" check_nothing run "$@" --threads 1 -o "$name.nc" small.nc
}
others rolling mean --over lat --rolling time=3,weights=triangle -d t2m -s lon=0:20
others spells spells --over time --where 't2m > 250' -d t2m -s lat=0:20
others distinct distinct --over time --limit 4 -d t2m -s lat=0:20
others histogram2d histogram2d --bins 3,4 --with lat -d t2m
loops "reads: a run" clean "" check_nothing run minmax --threads 1 -d packed cf.nc
loops "reads: a run over shards" staged "" check_nothing run minmax --threads 1 -d t2m d/small.nc
loops "reads: verify" clean "" check_nothing verify --threads 1 --sums cf.sums cf.nc
loops "sums" clean new.sums check_nothing verify --threads 1 --write-sums new.sums cf.nc
loops "stage" clean "" check_staged stage --to d --shards 1 small.nc
loops "stage --repair" broken "" check_repaired stage --repair d/small.nc
loops "unstage" staged "" check_unstaged unstage d/small.nc
# What only prints: all that it says, with none lost for want of memory. The messages of those that fail too.
outputs()
{
	from=staged writes='' check=check_output command=("$@")
	one_attempt memory:1000000:ENOMEM
	printed out >whole
	loop "prints: $*" memory ENOMEM
}
sample=$((2 * few))
outputs inspect small.nc
outputs inspect --json cf.nc
outputs inspect -d nosuch small.nc
outputs kernels moments
outputs kernels --json moments
outputs run moments --threads 1 --json -d packed cf.nc
outputs run sum --threads 1 --json bitshuffle.h5
outputs run mean --threads 1 --json "${by[@]}" -d t2m small.nc
outputs plan moments --threads 1 --json -d packed cf.nc
outputs verify --threads 1 --json --sums cf.sums cf.nc
outputs stage --verify --json d/small.nc
outputs stage --dry-run --json --to d --shards 2 cf.nc -d packed
note "$ntried calls failed"
finish
