#!/usr/bin/env bash
# Histograms of one variable and of two: bins of equal width, of equal ratio and between given edges, densities and weights,
# also of cells and in files; numbers of different values, and the most frequent one.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/tests/tools/grid" || exit 1

refused()
{
	local name=$1 message=$2

	shift 2
	refuses 2 "$name" "$message" run "$@" grid.h5
}

# On one rank and on three: the same, which is printed.
on_ranks()
{
	local filter=$1 n

	shift
	for n in 1 3; do
		$MPIRUN -n "$n" "$QUERN" run "$@" --json grid.h5 </dev/null 2>err |
			jq -cS ".result | $filter" >"ranks_$n"
	done
	cmp ranks_1 ranks_3 && cat ranks_1
}

# --- known values, of numpy; densities are rationals, rounded ---
is "a range that nobody gives" '[[26,71,79,35],211,29,0,0]' \
	"$(run_picked '[.counts,.count,.missing,.below,.above]' histogram --bins 4 -d t grid.h5)"
is "given edges, without ends" '[["-inf",242,250,260,"inf"],[18,46,95,52],0,0]' \
	"$(run_picked '[.edges,.counts,.below,.above]' histogram --edges=-inf,242,250,260,inf -d t grid.h5)"
is "equal ratios, of what is above 0" '[[5,12,191],24,0,1,705]' \
	"$(run_picked '[.counts,.below,.above,.edges[0],.edges[3]]' histogram --log --bins 3 -d n grid.h5)"
is "... that powers are met by" '[1,10,100,1000]' \
	"$(run_picked .edges histogram --log --bins 3 --range 1,1000 -d n grid.h5)"
is "density" '[0.013249753589260952,0.036182019416827985,0.04025886667506212,0.017836206754774358]' \
	"$(run_picked .density histogram --bins 4 --density -d t grid.h5)"
is "weights" '[[26,71,79,35],[2780,6950,6430,2550]]' \
	"$(on_ranks '[.counts,.weights]' histogram --bins 4 -d t --weights 'floor(lat + 90.5)')"
is "... and their density" '[0.01597673079058646,0.03994182697646615,0.03695337373506149,0.01465491493381132]' \
	"$(run_picked .density histogram --bins 4 -d t --weights 'floor(lat + 90.5)' --density grid.h5)"
is "of pairs" '[[[4,2,0],[4,3,0],[2,0,0]],211,29,196,0,[240,250,260,270],[-20,0,10,20]]' \
	"$(on_ranks '[.counts,.count,.missing,.outside,.nan,.x_edges,.y_edges]' histogram2d \
		--edges 240,250,260,270 --with-edges=-20,0,10,20 -d t --with n)"
is "... of one it is the histogram" "$(run_picked '[.edges,.counts]' histogram --bins 7 -d t grid.h5)" \
	"$(run_picked '[.x_edges,[.counts[][]]]' histogram2d --bins 7,1 -d t --with n grid.h5)"
is "... and of the other" "$(run_picked '[.edges,.counts]' histogram --log --bins 7 -d n --where 't > 0 && n > 0' grid.h5)" \
	"$(run_picked '[.y_edges,.counts[0]]' histogram2d --log y --bins 1,7 -d t --with n --where 'n > 0' grid.h5)"
is "cells" true \
	"$(on_ranks '[.density[0,3]] == [[18/2150,25/2150],[11/2200,33/2200]]' histogram --edges 200,250,300 --density -d t --over time,lon)"
is "... of nothing there is none" '[[0],null,211]' \
	"$(run_picked '[.counts,.density,.above]' histogram --edges 0,1 --density -d t grid.h5)"
is "... nor of such cells" '[0,null,0.1]' \
	"$(run_picked '[.counts[0][0],.density[0][0],.density[1][0]]' histogram --edges 10,20 --density -d n --over lat,lon \
		--where 'index(time) > 0' --expr 'index(time) * 10.0 + n * 0.0' grid.h5)"
window=(--over lat,lon --rolling time=3)
near=(--where 'abs(index(time) - 3) < 2')
is "weights of windows weigh bins" \
	"$(run_picked .weights histogram --bins 4 --range 200,300 -d t "${near[@]}" \
		--weights '(2 - abs(index(time) - 3)) * (lat + 91)' grid.h5)" \
	"$(run_picked '.weights[3]' histogram --bins 4 --range 200,300 -d t --weights 'lat + 91' --over lat,lon \
		--rolling time=3,weights=triangle grid.h5)"
is "... and of two" \
	"$(run_picked .weights histogram2d --bins 2 --range 200,300,-40,800 -d t --with n "${near[@]}" \
		--weights 'where(index(time) == 3, 5, 1)' grid.h5)" \
	"$(run_picked '.weights[3]' histogram2d --bins 2 --range 200,300,-40,800 -d t --with n --over lat,lon \
		--rolling 'time=3,weights=5 - 4 * abs(offset)' grid.h5)"
is "values of windows" "$(run_picked '[.distinct,.mode]' distinct,mode -d t "${near[@]}" grid.h5)" \
	"$(run_picked '[.distinct[3],.mode[3]]' distinct,mode -d t "${window[@]}" grid.h5)"
is "several kernels" "$(run_picked .counts histogram --bins 4 -d t grid.h5)" \
	"$(run_picked .counts mean,histogram,distinct --bins 4 -d t grid.h5)"

# --- refused ---
refused "edges that do not rise" 'edges of bins rise, and after 5 comes 5' histogram --edges 1,5,5 -d t
refused "edges and a number" '--edges says where bins are: leave --bins out' histogram --edges 1,5 --bins 3 -d t
refused "edges and a range" '--edges says where bins are: leave --range out' histogram --edges 1,5 --range 0,1 -d t
refused "a ratio from 0 on" 'bins of equal ratio \(--log\) are above 0' histogram --log --range 0,1 -d t
refused "one edge" 'not a list of 2 to' histogram --edges 1 -d t
refused "pairs of one" 'give the other with --with EXPR' histogram2d -d t
refused "half a bin" '2.5 is not a number of bins' histogram2d --bins 2.5,3 -d t --with n
refused "a range of one alone" 'give the others by --with-edges too' histogram2d --edges 1,2 --range 0,1,0,1 -d t --with n
refused "too many bins" 'are more than 16777216' histogram2d --bins 5000 -d t --with n
quern run histogram2d --range 5,5,0,1 -d t --with n --json grid.h5
is "a range of no width is warned of" 1 "$(grep -c '^quern: warning: --range: 5,5 are edges that are one number; the bins go from 4.5 to 5.5' err)"

# --- files ---
quern run histogram2d --bins 3,2 --density -d t --with n --over time,lon -o two.nc grid.h5
is "bins have bounds in files" '[0,3]' "$(run_picked '[.missing,.count]' count -d x_bin two.nc)"
is "... two for each" '[0,4]' "$(run_picked '[.missing,.count]' count -d y_bin_bnds two.nc)"
is "... whose middles they are" 0 \
	"$(run_picked .max max -d x_bin --expr 'x_bin * 0' two.nc)"
quern run histogram --bins 3 -d 't,n' -o several.nc grid.h5
is "each dataset has its bins" '[3,3]' "$(for d in bin bin_2; do
	run_picked .count count -d $d several.nc
done | jq -cs .)"
quern run histogram --bins 3 --range 0,300 -d 't,n' -o several.nc grid.h5
is "... unless they are the same" "$(run_picked .count count -d bin several.nc)" 3
quern run count -d bin_2 several.nc
is "... and then there is one" 3 "$status"

# --- different values ---
is "different values" '[232,1,0,-32767,1]' \
	"$(on_ranks '[.distinct,.exact,.standard_error,.mode,.frequency]' distinct,mode -d n)"
is "... of a computed one" '[37,250,12]' \
	"$(on_ranks '[.distinct,.mode,.frequency]' distinct,mode -d t --expr 'round(t)')"
is "... of cells" '[[48,40,48,48,48],[-32767,-10,-20,-30,-40]]' \
	"$(on_ranks '[.distinct,.mode] | map([.[]])' distinct,mode -d n --over time,lon)"
is "beyond the limit a number is estimated, the same on all ranks" '[0,null,null,true]' \
	"$(on_ranks '[.exact,.mode,.frequency,(.distinct - 232 | fabs) < 3 * .standard_error]' \
		distinct,mode --limit 100 -d n)"
is "nothing has no mode" '[0,null,0,1]' \
	"$(run_picked '[.distinct,.mode,.frequency,.exact]' distinct,mode -d n --where 'n > 1000' grid.h5)"
is "zeros of both signs are one, and so are NaN" '[2,0,120]' \
	"$(run_picked '[.distinct,.mode,.frequency]' distinct,mode -d big \
		--expr 'where(index(time) < 4, 0.0 * (index(lat) - 2), log(0 - 1.0))' --nan keep grid.h5)"
quern run histogram -d t --edges=-inf,250,inf -o infinite.nc grid.h5
is "infinite edges in a file: no two bins are at one place" "125 375" "$("$BUILDDIR/tests/tools/look" infinite.nc bin | xargs)"
answers "infinite edges in a table" run histogram -d t --edges=-inf,250,inf grid.h5
check "... are not 0" grep -q '^ *-inf \.\. *250 ' out
check "... at either end" grep -q '^ *250 \.\. *inf ' out
finish
