#!/usr/bin/env bash
# Dimensions as netCDF has them: as long as the longest variable on them. Coordinates of several files,
# and files without any elements.

. "$SRCDIR/tests/cli/lib.sh"
env "$fast" "$BUILDDIR/tests/tools/dims" || exit 1

# has NAME WANT ARG...: count, missing and sum.
has()
{
	local name=$1 want=$2

	shift 2
	quern run sum --json "$@"
	[ "$status" -eq 0 ] || fail "$name: runs" "$(outcome)"
	is "$name" "$want" "$(field result.count) $(field result.missing) $(field result.sum)"
}

has "a variable that ends early" "16 24 16.0" -d a part.h5
has "one that is as long, and hardly written" "4 36 28" -d b part.h5
has "bytes" "2 8 10" -d byte part.h5
has "the other byte order" "3 7 15" -d big part.h5
has "as stored" "16 0 16.0" --raw -d a part.h5
has "as stored: bytes" "2 0 10" --raw -d byte part.h5
check "... with a warning" grep -q 'warning: part.h5: dataset /byte ends earlier .* --raw takes' err
has "as stored, the other byte order" "3 0 15" --raw -d big part.h5
has "a limit: a variable of its own extent" "4 0 4.0" -d a fixed.h5
has "in two dimensions, of groups below" "8 22 8.0" -d a deep.h5
has "a coordinate that ends early" "3 3 3.0" -d time deep.h5
has "a dimension of a group above" "6 0 12.0" -d x/y/b deep.h5
has "a dataset without dimensions" "50 0 0.0" -d x/y/long deep.h5
has "by an external link" "16 24 16.0" -d a linked.h5
has "a virtual dataset of one" "3 0 3.0" -d v virtual.h5
refuses 2 "values of a coordinate that ends early" "coordinate /time, of which value 3 is missing" \
	run count -d a -s time=2000-01-01:2000-01-02 deep.h5
refuses 2 "an index beyond the dimension" "out of range" run count -d byte -s 10 part.h5
has "an index beyond what is stored" "0 1 0" -d byte -s -1 part.h5
has "steps across the end" "1 2 1.0" -d a -s 1::4,2 part.h5

quern run minmax --json -d a lag_0.h5 lag_1.h5
is "files: where the largest is" "8 2 [9]" \
	"$(field result.count) $(field result.missing) $(field result.argmax | tr -d ' \n')"
has "files: from index 5" "5 0 60.0" -d a -s 5: lag_0.h5 lag_1.h5
has "files: by date" "3 2 23.0" -d a -s time=2000-01-03:2000-01-07 lag_0.h5 lag_1.h5
# File 41 has no record of it, and file 7 one more of another variable.
has "80 files, most of them alike" "79 2 3119.0" -d a 'many_*.h5'
has "... of those a few" "8 1 328.0" -d a -s 38:47 'many_*.h5'

quern inspect --json -d a part.h5
is "inspect: both extents" "[10,4] [4,4] \"ends_early\"" "$(field datasets.0.shape | tr -d ' \n') $(
	field datasets.0.shape_stored | tr -d ' \n') $(field datasets.0.warnings.0.code)"
answers "inspect, a selection" inspect -d a -s 3:6 part.h5
prints "says where it ends" "ends at 4 of the 10 that dimension 0 \(time\) has"
prints "... and what the selection is" "3:6: 3 x 4, 48 B, in 1 chunks"
answers "a plan" plan sum -d a part.h5
prints "is of the whole dimension" "sum of /a: 10 x 4"
answers "verify: what is stored" verify -d a part.h5
answers "a kernel that sees records" run covariance --samples time -d a part.h5
prints "leaves out what is not there" "missing  *6"
refuses 3 "a kernel that must see what is not there" "ends earlier than its dimensions" \
	run covariance --samples y -d a part.h5
answers "... and sees what is there" run covariance --samples y -s :4 -d a part.h5

for n in 1 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" run sum --json -d a lag_0.h5 lag_1.h5 >out 2>err
	is "$n ranks" "8 2 63.0" "$(field result.count) $(field result.missing) $(field result.sum)"
done
# 4 to 24, of ten days in each of three files.
for select in time=2001-01-05:2001-01-25 time=4.0:24.0 4:25; do
	has "times of own units: $select" "21 0 294.0" -d x -s $select days.h5 hours.h5 seconds.h5
done
has "times that are spelled differently" "11 0 99.0" -d x -s time=2001-01-05:2001-01-15 days.h5 again.h5
has "numbers are of the first file" "11 0 99.0" -d x -s time=4.0:14.0 days.h5 hours.h5
refuses 2 "nothing, in dates" "time runs from 2001-01-01 to 2001-01-30" \
	run sum -d x -s time=100.0:200.0 days.h5 hours.h5 seconds.h5
refuses 2 "files in another order" "time, which is not in order" \
	run sum -d x -s time=2001-01-05 hours.h5 days.h5
refuses 3 "another calendar" "calendar 'noleap'.* cannot be brought to those of days.h5" \
	run sum -d x -s time=2001-01-05 days.h5 noleap.h5

has "null dataspaces beside others" "12 0 78.0" -d x 'null_?.h5'
is "the shape of the whole" "[4,3]" "$(field input.shape | tr -d ' \n')"
quern inspect --homes --json 'null_?.h5'
is "where they are, and what is beside them" '"/x" 144 "/y" 192' "$(field datasets.0.dataset) \
$(field datasets.0.bytes_stored) $(field datasets.1.dataset) $(field datasets.1.bytes_stored)"
has "nothing but null dataspaces" "0 0 0.0" -d x null_0.h5 null_3.h5
for n in 1 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" run sum --json -d x 'null_?.h5' >out 2>err
	is "null dataspaces, $n ranks" "12 0 78.0" \
		"$(field result.count) $(field result.missing) $(field result.sum)"
done

mkdir to
answers "staging" stage --to to staged.h5
has "a catalog" "375000 75000 70312312500.0" -d a to/staged.h5
has "... a selection across the end" "30 60 11164350.0" -d a -s '1240:1270:10,::10' to/staged.h5
finish
