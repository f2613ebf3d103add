#!/usr/bin/env bash
# Results and sums when the system fails: a message with its reason, and nothing wrong or unfinished.

. "$SRCDIR/tests/cli/lib.sh"
QUERN=$TEST_QUERN
generate cf.nc
mkdir out.d

# The words of an errno that `what` stands for.
words()
{
	case $1 in
	EIO) echo 'Input/output error' ;;
	ENOSPC) echo 'No space left on device' ;;
	EACCES) echo 'Permission denied' ;;
	esac
}

attempt()
{
	rm -rf out.d/*
	[ -z "$old" ] || cp "$old" "out.d/$name"
	quern "${args[@]}" "out.d/$name" cf.nc
}

# Prints what is wrong after an attempt that was to fail.
flaw()
{
	local left=$name

	[ "$status" -eq "$code" ] || echo "exit code $status, not $code"
	[ "$(wc -l <err)" -eq 1 ] || echo "not one line on standard error"
	grep -q "^quern: out.d/$name: .*$(words "$what")" err ||
		echo "the message is not of out.d/$name: $(cat err)"
	! grep -q partial err || echo "the message names the temporary file"
	[ ! -s out ] || echo "something is on standard output"
	if [ -e "out.d/$name" ] && [ -n "$old" ] && cmp -s "$old" "out.d/$name"; then
		:
	elif [ -e "out.d/$name" ] && grep -q 'is written' err; then
		"$check" "out.d/$name"
	elif [ -e "out.d/$name" ] || [ -n "$old" ]; then
		echo "out.d/$name is not what it was"
	fi
	[ -n "$old" ] || [ -e "out.d/$name" ] || left=
	[ "$(ls -A out.d)" = "$left" ] || echo "left: $(ls -A out.d)"
}

same_mean()
{
	"$QUERN" inspect "$1" 2>&1 | grep -q mean || "$BUILDDIR/tests/tools/pick" result.mean <"$1" >pick.out 2>&1 ||
		grep -q '^mean,' "$1" || echo "$1 is there, and not whole"
}

whole_sums()
{
	"$QUERN" verify --sums "$1" cf.nc >sums.out 2>&1 || cat sums.out
}

# all_faults WHAT CODE PATTERN: at each call that changes something.
all_faults()
{
	what=$1 code=$2
	each_fault "$name: $what at each call that writes" "change:$what" "$3" attempt flaw
}

# --- results, in a new place and in that of an old one ---
check=same_mean
args=(run moments --threads 1 -d packed -o)
for suffix in json csv h5 nc; do
	name=r.$suffix old=
	all_faults EIO 1 '*out.d*'
	case $suffix in
	json) all_faults EACCES 5 '*out.d*' ;;
	csv | h5)
		old=old.$suffix
		"$QUERN" run minmax -o "$old" -d packed cf.nc
		all_faults ENOSPC 1 '*out.d/*.partial'
		;;
	esac
done

# --- rows that go to their file as they come ---
same_rows()
{
	"$BUILDDIR/tests/tools/look" "$1" packed_mean >rows.out 2>&1
	cmp -s rows.out rows.ref || echo "$1 is there, and not whole"
}
check=same_rows
name=rows.nc old=
"$QUERN" run moments --threads 1 --over 0 -d packed -o ref.nc cf.nc
"$BUILDDIR/tests/tools/look" ref.nc packed_mean >rows.ref
args=(run moments --threads 1 --over 0 -d packed -o)
all_faults EIO 1 '*out.d*'
old=ref.nc
all_faults ENOSPC 1 '*out.d/*.partial'

# --- sums ---
if "$QUERN" info | grep -q xxhash; then
	name=r.sums old= check=whole_sums
	args=(verify --write-sums)
	all_faults EIO 1 '*out.d*'
else
	skip "sums" "built without libxxhash"
fi

# --- writes that do less than they should are gone on with ---
faults_set write:1:short:0 '*out.d/*'
for name in r.json r.csv r.h5; do
	old= args=(run moments --threads 1 -d packed -o)
	attempt
	is "$name: short writes" "0 " "$status $(same_mean "out.d/$name")"
done
faults_clear

# --- no room, without any trick ---
# no_room WORDS COMMAND...: a larger result in the place of a smaller one, and in a new place.
no_room()
{
	local reason=$1 suffix place

	shift
	for suffix in json csv h5 nc; do
		for place in old new; do
			status=0
			"$@" run histogram --bins 4000 --range 0,300 --threads 1 -d packed \
				-o "small.d/$place.$suffix" cf.nc >out 2>err || status=$?
			is "$place.$suffix: $reason" "1 1 $(echo small.d/old.*)" "$status $(
				grep -c "small.d/$place.$suffix: cannot be written: $reason" err) $(
				echo small.d/*)"
		done
	done
}

mkdir small.d
for suffix in json csv h5 nc; do
	"$QUERN" run count -d packed -o "small.d/old.$suffix" cf.nc
done
cp -r small.d kept.d
limited()
(
	ulimit -f 8
	"$QUERN" "$@"
)
no_room 'File too large' limited
check "what was there is as it was" diff -r kept.d small.d

# shellcheck disable=SC2016 # for the shell inside
full='mount -t tmpfs -o size=48k none small.d && cp kept.d/* small.d && . ./inside.sh'
if [ "$(id -u)" -eq 0 ] && unshare -m mount -t tmpfs -o size=48k none kept.d 2>/dev/null; then
	{
		declare -f no_room is pass fail
		declare -p QUERN tap_n tap_failed
		cat <<'END'
fill=$(($(stat -f -c '%a * %S' small.d) - 4096))
head -c "$fill" /dev/zero >small.d/old.full
no_room 'No space left on device' "$QUERN" >cases
rm small.d/old.full
diff -r kept.d small.d >>differ
echo "$tap_n $tap_failed" >counts
END
	} >inside.sh
	unshare -m bash -c "$full"
	cat cases
	read -r tap_n tap_failed <counts
	is "what was there is as it was" "" "$(cat differ)"
else
	skip "a full disk" "no file system can be mounted here"
fi
finish
