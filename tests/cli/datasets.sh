#!/usr/bin/env bash
# Several datasets in one run: the result of each is that of a run of its own, in every form of output.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

# alike LIST ARG...: each dataset's input and result are those of a run of its own; says what is not.
alike()
{
	local list=$1 name

	shift
	quern run "$@" --json -d "$list" grid.h5
	cp out all
	[ "$(jq -r '.datasets | join(",")' all)" = "$list" ] || echo "datasets: $(jq -c .datasets all)"
	for name in ${list//,/ }; do
		quern run "$@" --json -d "$name" grid.h5
		jq -cS '[.input, .result]' out >one
		jq -cS --arg n "$name" '[.input[$n], .result[$n]]' all | cmp -s - one || echo "$name $*"
		jq .run.chunks out
	done >said
	[ "$(grep -x '[0-9]*' said | jq -s add)" = "$(jq .run.chunks all)" ] || echo "chunks"
	grep -vx '[0-9]*' said
}

is "a list" "" "$(alike t,n,big moments)"
is "... over a dimension" "" "$(alike n,t mean,max --over time)"
is "... by groups" "" "$(alike t,n minmax --by 'bin(lat,-90:90:60)')"
answers "one dataset" run mean --json -d t grid.h5
is "... is none of several" null "$(jq -c .datasets out)"

# --- patterns ---
quern run mean --json -d '*' grid.h5
is "all variables" '["big","n","named","plain","t","twice"] 0' "$(jq -c .datasets out) $status"
is "... coordinates are none, and nobody is warned of that" "" "$(cat err)"
answers "a pattern beside a name" run mean --json -d 't,t[w]*' grid.h5
is "... finds the others" '["t","twice"]' "$(jq -c .datasets out)"
answers "a pattern of one" run mean --json -d 'b*' grid.h5
is "... is one dataset" /big "$(jq -r .input.dataset out)"

# --- forms of output ---
answers "tables" run mean -d t,n grid.h5
prints "... have a block each" "^mean of /n in grid.h5"
quern run mean --over time -o out.csv -d t,n grid.h5
is "csv has a column" "dataset,lat,lon,mean 30 30" "$(grep -v '^#' out.csv | head -n 1) $(
	grep -c '^t,' out.csv) $(grep -c '^n,' out.csv)"
is "... and the labels of each" "# dataset: /t # dataset: /n " "$(grep '^# dataset' out.csv | tr '\n' ' ')"
quern run mean -o out.csv -d t,n grid.h5
is "... also of whole datasets" "dataset,field,row,column,value t,mean,,,n,mean,,," "$(
	grep -v '^#' out.csv | head -n 1) $(grep -o '^[tn],.*,' out.csv | tr -d '\n')"
quern run mean --over time -o out.nc -d t,n grid.h5
is "a file has shared dimensions" "lat f4(lat 5) lon i4(lon 6) t f8(lat 5, lon 6) n f8(lat 5, lon 6) " "$(
	"$BUILDDIR/tests/tools/look" out.nc | grep -E '^(lat|lon|t|n) ' | tr '\n' ' ')"

# --- what cannot be meant ---
refuses 2 "a dataset twice" "-d: /*t is given twice" run mean -d t,n,/t grid.h5
refuses 3 "a wrong name in a list" "no such dataset /tt; did you mean /t" run mean -d n,tt grid.h5
refuses 2 "a pattern of nothing" "no variable is called like -d 'q\*'" run mean -d 'q*' grid.h5
refuses 2 "a pattern of coordinates" "only /lat_bnds \(bounds\)" run mean -d 'lat_*' grid.h5
refuses 2 "a name that is missing" "a dataset is missing in the list" run mean -d t,,n grid.h5
refuses 2 "an expression" "--expr: makes one result, and -d names 2 datasets" \
	run mean -d t,n --expr 't * 2' grid.h5
refuses 2 "a dimension that one has not" "/named has no such dimension" run mean -d t,named --over time grid.h5
refuses 2 "a plan of several" "-d names 2 datasets, and a plan is of one" plan mean -d t,n grid.h5
refuses 2 "groups of several in one file" "each dataset may have groups of its own" \
	run mean -d t,n --by 'lat,lon' --pairs -o out.nc grid.h5
finish
