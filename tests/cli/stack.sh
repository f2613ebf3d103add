#!/usr/bin/env bash
# --stack: files on top of each other along a new dimension. e_0.h5 to e_3.h5 have the values of whole.h5, 12 of its
# times each.

. "$SRCDIR/tests/cli/lib.sh"
env "$fast" "$BUILDDIR/tests/tools/parts" || exit 1

files="e_0.h5 e_1.h5 e_2.h5 e_3.h5"

# part FILTER of the last document, in one line.
part()
{
	jq -c ".result | $1" out
}

quern run moments --json -d t whole.h5
whole=$(part .)
quern run moments --json -d t --stack member 'e_?.h5'
is "all of it" "$whole" "$(part .)"
is "the dimensions are one more" '["member","time","lat","lon"] [4,12,6,10] null "member"' \
	"$(jq -cr '.input | [.dimensions, .shape, .along, .stack] | map(tojson) | join(" ")' out)"

# Each index is a file, whatever its layout and packing.
quern run moments --json -d t --stack member --over time,lat,lon 'e_?.h5'
is "the numbers of files are its coordinate" '["member"] {"member":[0,1,2,3]}' \
	"$(jq -cr '.result | [.dims, .coords] | map(tojson) | join(" ")' out)"
part '[.mean, .variance, .count]' >want
quern run moments --json -d t --stack member --by member 'e_?.h5'
is "as a key" "$(cat want)" "$(part '[.mean, .variance, .count]')"
for i in 0 1 2 3; do
	quern run moments --json -d t -s "time=$((12 * i)):$((12 * i + 12))" whole.h5
	is "file $i" "$(jq -c "[.[0][$i], .[1][$i], .[2][$i]]" want)" "$(part '[.mean, .variance, .count]')"
done

# Statistics of members, at each time.
quern run moments --json -d t --stack m --over m,lat,lon 'e_?.h5'
is "times are those of the files" '["time"] 12' \
	"$(jq -cr '.result | "\(.dims | tojson) \(.coords.time | length)"' out)"
part '[.mean, .count]' >want
for n in 1 2 3; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" run moments --json -d t --stack m --over m,lat,lon 'e_?.h5' \
		>out 2>err
	is "... on $n ranks" "$(cat want)" "$(part '[.mean, .count]')"
done
for i in 0 5 11; do
	quern run moments --json -d t -s "time=$i::12" whole.h5
	is "members at time $i" "$(jq -c "[.[0][$i], .[1][$i]]" want)" "$(part '[.mean, .count]')"
done

# Selected, as a name of expressions, in positions.
quern run moments --json -d t -s time=12:36 whole.h5
part . >want
# shellcheck disable=SC2086 # words
quern run moments --json -d t --stack m -s m=1:3 $files
is "selected" "$(cat want)" "$(part .)"
quern run moments --json -d t --stack m --where 'm == 1 || m == 2' 'e_?.h5'
is "in a condition" "$(cat want)" "$(part .)"
quern run moments --json -d t --stack m --where 'index(m) > 0 && m < 3' 'e_?.h5'
is "by its index" "$(cat want)" "$(part .)"
quern run max --json -d t --stack m --expr 't * 0 + m' 'e_?.h5'
is "in an expression" 3 "$(part .max)"
quern run minmax --json -d t whole.h5
part '.argmin | [(.[0] / 12 | floor), .[0] % 12] + .[1:]' >want
quern run minmax --json -d t --stack m 'e_?.h5'
is "places" "$(jq -c . want)" "$(part .argmin)"

# Files of a kind.
quern run moments --json -d t --stack m e_2.h5
is "one file" '[1,12,6,10]' "$(jq -c .input.shape out)"
answers "a plan" plan moments -d t --stack m --over m 'e_?.h5'
answers "inspect" inspect -d t --homes --stack m 'e_?.h5'
quern stage --to d -d t e_1.h5
quern run moments --json -d t --stack m --over time,lat,lon e_0.h5 e_1.h5
part . >want
quern run moments --json -d t --stack m --over time,lat,lon e_0.h5 d/e_1.h5
is "one of them staged" "$(cat want)" "$(part .)"
refuses 3 "other coordinates" "--stack: /time of t_1.h5 is not that of e_0.h5|length of dimension 0" \
	run mean -d t --stack m e_0.h5 t_1.h5
refuses 3 "other times" "/time of m_001.h5 is not that of m_000.h5: at index 0 it is 6 hours since .*, and 0 hours" \
	run mean -d t --stack m m_000.h5 m_001.h5
refuses 3 "another shape" "e_1.h5: .*the length of dimension 0 \(time\) is 12, but 48 in whole.h5" \
	run mean -d t --stack m whole.h5 e_1.h5
refuses 3 "no such file" "none.h5: cannot be opened" run mean -d t --stack m e_0.h5 none.h5
refuses 2 "a name that is taken" "'lat' is a dimension of /t" run mean -d t --stack lat e_0.h5 e_1.h5
refuses 2 "the dataset's name" "'t' is the name of /t" run mean -d t --stack t e_0.h5 e_1.h5
refuses 2 "no name" "'1' cannot be the name of a dimension" run mean -d t --stack 1 e_0.h5 e_1.h5
refuses 2 "both ways" "--stack and --along" run mean -d t --stack m --along time e_0.h5 e_1.h5

# Where --stack was forgotten, or files are in another order.
warns()
{
	local name=$1 pattern=$2

	shift 2
	quern "$@"
	is "$name" "0 1" "$status $(grep -Ec -- "^quern: warning: $pattern" err)"
}
warns "members that are joined" "e_1.h5, joined behind e_0.h5, does not go on where that ends: time is .* after .*--stack" \
	run mean -d t --over time e_0.h5 e_1.h5
warns "... by groups" "e_1.h5, joined behind e_0.h5" run mean -d t --by 'date(time)' e_0.h5 e_1.h5
warns "files in another order" "m_002.h5, joined behind m_000.h5" run mean -d t --over lat,lon m_001.h5 m_000.h5 m_002.h5
answers "in their order they are as they should be" run mean -d t --over lat,lon m_000.h5 m_001.h5
answers "... and where one alone is selected" run mean -d t --over time -s time=0:12 e_0.h5 e_1.h5
answers "... and members on top of each other" run mean -d t --over m,time --stack m e_0.h5 e_1.h5
refuses 2 "a dimension that the files would make" "no such dimension; it has time, lat, lon; --stack member puts" \
	run mean -d t --over member e_0.h5 e_1.h5
quern run mean -d t --by member e_0.h5 e_1.h5
is "... or a key" "2 1" "$status $(grep -c "has no dataset 'member' .*; --stack member puts the files on top" err)"
refuses 2 "by value" "no coordinate variable; select by index" run mean -d t --stack m -s m=1.0 e_0.h5 e_1.h5
finish
