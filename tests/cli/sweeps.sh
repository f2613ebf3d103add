#!/usr/bin/env bash
# Results of many cells where there is memory for some of them: the same bytes in one sweep over the data and in
# several, on any number of ranks and threads; what cannot fit is refused with numbers.

. "$SRCDIR/tests/cli/lib.sh"
"$BUILDDIR/examples/mkclimate" --quiet --only t2m --time 4 map.nc || exit 1
look=$BUILDDIR/tests/tools/look

# What all cells take, as the plan says.
needs()
{
	quern plan "$@" --json
	field plan.memory_bytes
}

# compare FILE: every number of it with those of one.nc; what differs is in the file differ.
compare()
{
	local name n=0

	for name in $("$look" one.nc | sed -n 's/^\([a-z0-9_]*\) [if][48](.*/\1/p'); do
		"$look" one.nc "$name" >one
		"$look" "$1" "$name" | cmp -s - one || echo "$name differs"
		n=$((n + 1))
	done >differ
	[ "$n" -gt 4 ] || echo "$n variables" >>differ
}

# sweeps KERNEL ARG...: with as much memory as all cells take, and with less.
sweeps()
{
	local all least

	all=$(needs "$@" --threads 1)
	least=$((all - 900000))
	quern plan "$@" --threads 1 --memory $least --json
	is "$1: a plan in several sweeps" true "$(jq '.plan.sweeps > 1 and .plan.memory_bytes <= '$least out)"
	quern run "$@" --threads 1 -o one.nc
	is "$1: in one" 0 "$status"
	quern run "$@" --threads 1 --memory $least --stats -o several.nc
	is "$1: in several" 0 "$status"
	check "$1: ... as --stats says" grep -q ' sweeps over the data, each for some of the cells' err
	compare several.nc
	is "$1: the same values" "" "$(cat differ)"
	for n in 2 3; do
		# shellcheck disable=SC2086 # words
		timeout "$hang" $MPIRUN -n $n "$QUERN" run "$@" --threads 2 --memory $((all * 2)) -o ranks.nc \
			</dev/null >out 2>err
		compare ranks.nc
		is "$1: ... on $n ranks" "" "$(cat differ err)"
	done
}
sweeps moments --over time -s :,:100,:300 map.nc
sweeps minmax --over time -s :,:100,:300 map.nc

# Lists of 512 MiB, in chunks of 16384 rows, which nothing reads twice; and of all rows.
for n in 32 64; do
	"$BUILDDIR/tests/tools/table" $n
	quern plan median --over 0 -d x --memory 4G --json table.h5
	is "medians in chunks of $n" "[$((n * 512)),$((64 / n))]" "$(jq -c '.plan | [.cells_per_sweep, .sweeps]' out)"
done

quern run moments --over time --memory 30M -o no.nc map.nc
is "what does not fit: exit code" 1 "$status"
check "... is refused with numbers" grep -q 'needs about [0-9]* MiB for the [0-9]* cells of the result' err
check "... and nothing is written" [ ! -e no.nc ]

# enough NAME ARG...: as much memory as the last refusal asks for does.
enough()
{
	local name=$1 least

	shift
	least=$(sed -n 's/.*raise it[^0-9]* to \([0-9]*M\) .*/\1/p' err)
	quern run "$@" --memory "${least:-none}" -o no.nc
	is "$name: $least does" "0 " "$status $(grep -vE '^quern: warning: (.* threads: |each chunk is read)' err)"
	rm -f no.nc
}
enough "cells" moments --over time map.nc

# Chunks that are read again and again are warned of, with how much memory spares that.
bins=(histogram --bins 40 --range 220,320 --over time --threads 1)
quern run "${bins[@]}" --memory 56M -o no.nc map.nc
check "many sweeps are warned of" grep -Eq \
	'^quern: warning: each chunk is read .* [0-9]+ times, as only [0-9]+ of the 65160 cells' err
quern run "${bins[@]}" --memory "$(sed -n 's/.*all of them need about \([0-9]*\) MiB$/\1/p' err)M" --force -o no.nc map.nc
is "... and the memory that is asked for spares them" "0 " "$status $(cat err)"
rm -f no.nc
quern run moments --over time --rolling lat=9 --threads 3 --memory 17M -o no.nc map.nc
enough "windows" moments --over time --rolling lat=9 --threads 3 map.nc
quern run moments --over time --threads 3 --memory 17M -o no.nc map.nc
enough "a thread" moments --over time --threads 3 map.nc

# --- keys whose values the data has: their number is known when they have been collected ---
key='k=index(time) * 1000000 + index(lat) * 1000 + index(lon) + 0 * round(t2m)'
"$QUERN" run count --by "$key" --threads 1 -o one.nc map.nc
check "values of a key" grep -q '^1$' <("$look" one.nc t2m_count)
quern run count --by "$key" --threads 1 --memory 30M -o no.nc map.nc
is "values of a key that do not fit: exit code" 1 "$status"
check "... are refused with numbers" grep -Eq \
	'has [0-9]+ different values or more, which take [0-9]+ MiB .* --memory 30M leaves .*: raise it, to [0-9]+M for as many' err
check "... and nothing is written" [ ! -e no.nc ]
enough "values" count --by "$key" --threads 1 map.nc
quern run count --by "$key" --threads 3 --memory 40M -o no.nc map.nc
enough "values, 3 threads" count --by "$key" --threads 3 map.nc
quern run quantiles --by "$key" --threads 1 --memory 300M -o no.nc map.nc
is "lists of values for each of them: exit code" 1 "$status"
check "... are refused with numbers" grep -q 'needs about [0-9]* MiB for the [0-9]* cells of the result' err
# One message and one exit code of all ranks, before they begin and when cells are known.
for memory in 25M 40M 150M; do
	status=0
	# shellcheck disable=SC2086 # words
	timeout "$hang" $MPIRUN -n 3 "${own_err[@]}" "$QUERN" run quantiles --by "$key" --threads 1 --memory $memory \
		-o no.nc map.nc </dev/null >out 2>err || status=$?
	is "$memory on three ranks: an exit code, and one message" "1 1" "$status $(cat err.[012] | wc -l)"
	check "... of rank 0" grep -Eq '^quern: .*(needs about|different values)' err.0
	check "... and nothing is written" [ ! -e no.nc ]
done
for n in 1 3; do
	"$QUERN" run count --by "$key" --threads $n --memory 150M -o some.nc map.nc
	cmp -s <("$look" one.nc t2m_count) <("$look" some.nc t2m_count)
	is "values of a key, $n threads" 0 $?
done
# shellcheck disable=SC2086 # words
timeout "$hang" $MPIRUN -n 3 "$QUERN" run count --by "$key" --threads 1 -o some.nc map.nc </dev/null >out 2>err
check "... on 3 ranks" cmp <("$look" one.nc t2m_count) <("$look" some.nc t2m_count)

# --- what is read whole ---
cp map.nc labels.nc
quern run mean --by zone=t2m@labels.nc --memory 20M -o no.nc map.nc
is "labels that do not fit: exit code" 1 "$status"
check "... are refused before they are read" grep -Eq \
	'labels.nc is read whole, which takes about [0-9]+ MiB .*, more than --memory 20M: raise it to [0-9]+M at least' err

quern plan sum --json map.nc
is "one cell is one sweep" '[1,1,1]' "$(jq -c '.plan | [.cells, .cells_per_sweep, .sweeps]' out)"
quern run sum --json map.nc
is "... in the document" '[1,0]' "$(jq -c '.run | [.sweeps, .sweeps_again]' out)"
finish
