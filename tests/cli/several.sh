#!/usr/bin/env bash
# Several kernels in one run: every field is that of a run of its kernel alone, to the bit, whichever kernels run
# beside it, over all of the data, over some dimensions and by groups.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

# alike WHAT LIST ARG...: the fields of a list are those of its kernels, in their order; says what is not. The runs
# of a kernel alone are kept by the word WHAT.
alike()
{
	local what=$1 list=$2 kernel

	shift 2
	quern run "$list" --json "$@"
	cp out all
	for kernel in ${list//,/ }; do
		[ -e "$what.$kernel" ] || {
			quern run "$kernel" --json "$@"
			jq -c .result out >"$what.$kernel"
		}
		cat "$what.$kernel"
	done >each
	jq -cs 'reduce .[] as $r ({}; $r + .)' each | jq -cS . >want
	jq -cS .result all | cmp -s - want && [ "$(jq -r .kernel all)" = "$list" ] ||
		echo "$list $*: $(jq -cS .result all) is not $(cat want)"
}

every=(moments mean std var rms sum count minmax min max range topk)
alike_all()
{
	local what=$1 i

	shift
	for ((i = 0; i < ${#every[@]}; i += 2)); do
		alike "$what" "${every[i]},${every[(i + 3) % 12]},${every[(i + 1) % 12]}" "$@"
		alike "$what" "${every[(i + 5) % 12]},${every[i]}" "$@"
	done
}

is "lists of kernels" "" "$(alike_all whole -d t grid.h5)"
is "... over a dimension" "" "$(alike_all over --over time -d n grid.h5)"
is "... over two" "" "$(alike_all two --over lat,lon -d t grid.h5)"
is "... by groups" "" "$(alike_all by --by 'bin(lat,-90:90:60)' -d t grid.h5)"
all=$(IFS=, && echo "${every[*]}")
is "all of them" "" "$(alike whole "$all,histogram" -d t grid.h5)"
is "... over a dimension" "" "$(alike over "$all,histogram" --over time -d n grid.h5)"
is "a pass of one of them alone before" "2 2" "$(quern run histogram,mean --json -d t grid.h5 &&
	jq -j '.run.passes, " "' out && quern run histogram --json -d t grid.h5 && field run.passes)"

# --- options, fields ---
answers "options of two kernels, before and behind the list" run --bins 3 moments,histogram --order 4 --json \
	-d t grid.h5
is "... are theirs" '{"bins":3,"density":false,"edges":null,"log":false,"order":"4","range":null} 3' \
	"$(jq -cS .input.options out) $(jq -c '.result.counts | length' out)"
is "... and fields" true "$(jq -c '.result | has("kurtosis") and has("edges")' out)"
answers "fields of two" run moments,minmax --fields argmax,mean,count --json -d t grid.h5
is "... in the order that is asked for" '["argmax","argmax_coords","mean","count"]' "$(jq -c '.result | keys_unsorted' out)"
answers "a table" run mean,std --over time -d t grid.h5
prints "... has a column each" "lat +lon +mean +stddev"
quern run mean,max --over time -o out.nc -d t grid.h5
is "a file of netCDF has a variable each" "t_mean f8(lat 5, lon 6) t_max f4(lat 5, lon 6) " \
	"$("$BUILDDIR/tests/tools/look" out.nc | grep '^t_[a-z]* ' | tr '\n' ' ')"
answers "the help of two" run moments,topk --help
prints "... has the options of one" "^ +--order"
prints "... and of the other" "^ +--k "

# --- what cannot be meant ---
refuses 2 "a wrong name in a list" "no kernel 'minmx'; did you mean 'minmax'" run mean,minmx -d t grid.h5
refuses 2 "a kernel twice" "kernel mean is given twice" run mean,std,mean -d t grid.h5
refuses 2 "a name that is missing" "a kernel is missing in the list" run mean,,std -d t grid.h5
refuses 2 "one that runs alone" "covariance must see all .* runs alone" run mean,covariance -d t grid.h5
refuses 2 "an option of none of them" "is an option of kernel topk|--k" run mean,std --k 3 -d t grid.h5
refuses 2 "a field of none of them" "kernel mean,std has no such field.*it has mean, stddev" \
	run mean,std --fields max -d t grid.h5
finish
