#!/usr/bin/env bash
# Several files as one dataset: the same result to the last byte as the same data in one file.

. "$SRCDIR/tests/cli/lib.sh"
env "$fast" "$BUILDDIR/tests/tools/parts" || exit 1

# same NAME WHOLE ARG... -- FILE...: files and the whole give the same.
same()
{
	local name=$1 whole=$2 args=()

	shift 2
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	quern run "${args[@]}" --json -d t "$whole"
	result >want
	quern run "${args[@]}" --json -d t "$@"
	[ "$status" -eq 0 ] || fail "$name: runs" "$(outcome)"
	is "$name" "$(cat want)" "$(result)"
}

times="t_0.h5 t_1.h5 t_2.h5 t_3.h5 t_4.h5"
for kernel in moments minmax sum count "moments --order 4" "histogram --bins 9"; do
	# shellcheck disable=SC2086 # words
	same "$kernel, along time" whole.h5 $kernel -- $times
	# shellcheck disable=SC2086 # words
	same "$kernel, a pattern" whole.h5 $kernel -- 't_?.h5'
done
same "along a name" whole.h5 minmax -- --along lon 'l_*.h5'
same "along a number" whole.h5 minmax -- --along 2 'l_*.h5'
for select in 0 -1 3:45:7 'time=9:11,lat=1:5:2' '::3,:,::4' '10:20,5,:' 'lon=2:8:3'; do
	same "selection $select" whole.h5 minmax -s "$select" -- 't_*.h5'
	same "selection $select, along lon" whole.h5 minmax -s "$select" -- --along lon 'l_*.h5'
done
for select in time=2001-01-03:2001-01-07 time=2001-01-01T06:00,lat=-10.0:10.0 time=100.0: \
	time=2001-01:2001-01:5; do
	same "selection $select, times of all files" whole.h5 minmax -s "$select" -- 't_*.h5'
	same "selection $select, along lon" whole.h5 minmax -s "$select" -- --along lon 'l_*.h5'
done
same "a range of values along lon" whole.h5 minmax -s lon=1.0:3.5 -- --along lon 'l_*.h5'
refuses 2 "values of files that are not in order" 'time, which is not in order: .*over all files in the order given' \
	run minmax -d t -s time=2001-01-03 t_1.h5 t_0.h5 t_2.h5
# Times of the second are 6 and 12, in days.
quern run minmax --json -d t -s time=2001-01-03:2001-01-09,lat=0,lon=0 t_0.h5 other_times.h5
is "times of other units" "[1,0,0]" "$(field result.argmax | tr -d ' \n')"
same "300 files, by date" many.h5 minmax -s time=2001-02 -- 'm_*.h5'
quern run minmax --json -d t 't_*.h5'
is "shape of the whole" "48 6 10" "$(field input.shape | tr -d '[], \n' | sed 's/^48610$/48 6 10/')"
is "files are listed" 5 "$(sed -n '/"files"/,/]/p' out | grep -c 't_[0-4].h5')"
quern run minmax --json -d t t_1.h5 t_0.h5
is "the order given" 't_1.h5' "$(sed -n '/"files"/{n;p}' out | tr -d ' ",')"
answers "a table" run count -d t 't_*.h5'
prints "which names its files" 't_0.h5 to t_4.h5, 5 files'
answers "a plan" plan moments -d t 't_*.h5'
answers "inspect" inspect 'l_?.h5'
prints "inspect names each" '^l_2.h5:'

same "300 files" many.h5 moments -- 'm_*.h5'
same "300 files, a selection" many.h5 minmax -s '7:290:11,2:,::3' -- 'm_*.h5'
result >want
for n in 1 2 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" run minmax -s '7:290:11,2:,::3' --json -d t 'm_*.h5' >out 2>err
	is "300 files on $n ranks" "$(cat want)" "$(result)"
done

refuses 3 "no match" "no file matches" run count -d t 'none_*.h5'
refuses 3 "no such file" "none.h5: cannot be opened" run count -d t t_0.h5 none.h5
refuses 2 "a file twice" "given twice.*ln -s" run count -d t t_0.h5 ./t_1.h5 .//t_0.h5
ln -s t_0.h5 again.h5
answers "a file twice by another name" run count -d t t_0.h5 again.h5
refuses 2 "no such dimension" "no dimension 'height'" run count -d t --along height 't_*.h5'
refuses 2 "nearly a dimension" "no dimension 'lonn'; did you mean 'lon'?" run count -d t --along lonn 't_*.h5'
refuses 3 "type" "bad_type.h5: .* its type is <i4, but <i2 in t_0.h5" run count -d t t_0.h5 bad_type.h5
refuses 3 "units" "bad_units.h5: .* its unit is m, but K" run count -d t t_0.h5 bad_units.h5
refuses 3 "dimension name" "bad_name.h5: .*dimension 2 is x, but lon" run count -d t t_0.h5 bad_name.h5
refuses 3 "extent" "bad_extent.h5: .*dimension 2 \(lon\) is 9, but 10 in" run count -d t t_0.h5 \
	bad_extent.h5
printf x >m_002.h5
truncate -s 700 m_150.h5
rm m_299.h5
touch m_299.h5
refuses 3 "damaged files" "m_002.h5: .*either: m_150.h5, m_299.h5" run count -d t 'm_*.h5'
finish
