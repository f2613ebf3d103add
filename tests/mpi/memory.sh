#!/usr/bin/env bash
# Reductions of arrays in memory find what runs over a file of the same field find, to the bit.

. "$SRCDIR/tests/cli/lib.sh"
memory=$BUILDDIR/tests/tools/memory
"$memory" write field.h5 9 23 37 || exit 1
"$memory" write wide.h5 3 7 5000 || exit 1

# on N ARG...: the field as ranks have it in memory.
on()
{
	local n=$1

	shift
	status=0
	timeout "$hang" $MPIRUN -n "$n" "$memory" "$@" >out 2>err || status=$?
}

# agree N KERNEL OPTION...: N ranks find in memory what the command finds in the file.
agree()
{
	local n=$1 kernel=$2 want options=() size=(9 23 37) file=field.h5

	shift 2
	if [ "${1-}" = wide ]; then
		size=(3 7 5000) file=wide.h5
		shift
	fi
	[[ " $* " == *" dataset="* ]] || options=(-d u)
	want=$(run_result "$kernel" "${options[@]}" "${@/#/--}" "$file")
	check "$kernel $*: there is a result" test "${want:0:1}" = "{"
	on "$n" "$kernel" "${size[@]}" "$@"
	is "$kernel $*: the same on $n ranks" "$want" "$(jq -cS .result out || cat err)"
}

# --- all, and each point ---
for n in 1 2 3 4; do
	agree $n moments
	agree $n moments over=time
	agree $n moments,histogram range=280,300
done
agree 2 moments wide
agree 2 moments wide over=time
agree 2 minmax wide dataset=k
agree 3 moments dataset=v order=4
agree 3 moments dataset=k
agree 2 minmax
agree 2 minmax over=time
agree 2 minmax over=lat,lon
agree 2 topk k=7
agree 2 count where='u > 290'
agree 2 moments over=lat,lon
agree 2 moments over=lon
agree 2 mean over=time,lon keepdims
agree 2 moments over=lat
agree 2 quantiles q=0.1,0.5 approx=0.05
export MOST=1
agree 2 median over=time
agree 2 spells over=time where='u > 290'
agree 2 quantiles over=lat q=0.25
unset MOST
agree 2 distinct dataset=k
agree 2 mode dataset=k over=lat,lon

# --- expressions, conditions, weights ---
agree 2 moments expr='speed=sqrt(u*u + v*v)'
agree 2 moments expr='u*v' over=time
agree 2 moments where='v > 0 && lat > -30'
agree 3 moments expr='u - time' where='time < 40' over=lon
agree 2 moments where='k > 500' over=time
agree 2 mean weights=w
agree 2 mean weights=w over=lat,lon
agree 2 mean weights=coslat over=lat,lon
agree 2 cov with=v over=time
agree 2 regress with=v*2
agree 2 histogram2d with=v range=270,320,-0.5,0.5
agree 2 moments expr='index(time) + u'

# --- groups ---
agree 2 moments by='region'
agree 2 moments by='region' over=lat,lon
agree 2 moments by='bin(lat, -90:90:30)'
agree 3 moments by='bin(v, -0.5:0.5:0.25)'
agree 2 mean by='warm=u > 290'
agree 2 mean by='month(time)'
agree 2 mean by='month(time)' over=time
agree 2 mean by='month(time),region'
agree 2 mean by='date(time)' where='v > 0.4'
agree 2 mean by='region,bin(time, 0:100:20)' pairs
agree 2 mean over=lat,lon rolling='time=3'
agree 2 spells over=time where='u > 290'

# --- what cannot be ---
# wrong PATTERN KERNEL OPTION...: fails, and says so.
wrong()
{
	local pattern=$1

	shift
	on 2 "$1" 9 23 37 "${@:2}"
	check "$*: refused" test "$status" -ne 0
	check "... with a sentence" grep -Eq -- "$pattern" err
}
wrong 'looks at the data several times' histogram
wrong 'looks at the data several times' median
wrong 'takes a pass of its own|looking at all data first' mean by='k=round(u)'
wrong 'no option|unknown option|--nonsense' mean nonsense=1
wrong 'no kernel|unknown kernel' nonsense
wrong '--select' mean select=time=0:3
wrong 'nothing' mean expr='nothing + u'

# --- ranks that are told differently ---
# differing WHAT SENTENCE OPTION...: the last of three ranks is told something else: all refuse, and say what.
differing()
{
	local sentence=$2

	export DIFFERS=$1
	shift 2
	on 3 mean 9 23 37 "$@"
	unset DIFFERS
	is "other $sentence: refused $*" "2 1" "$status $(grep -c "rank 2 has .*$sentence" err)"
}
differing options 'other options' over=time
differing grid 'another grid' over=lat,lon
differing units 'other coordinates or variables'
differing steps 'another number of steps.*, 8 and not 9:'
differing steps 'another number of steps' over=lat,lon
differing steps 'another number of steps' by='month(time)'
differing values 'other values of the steps' by='month(time)'

# overlapping N PATTERN OPTION...: boxes of the last of N ranks lie in those of the one before it.
overlapping()
{
	local n=$1 pattern=$2

	export DIFFERS=boxes
	shift 2
	on "$n" mean 9 23 37 "$@"
	unset DIFFERS
	is "boxes of $n ranks that overlap: refused, once, with both" "2 1" \
		"$status $(grep -c "$pattern overlap" err)"
}
overlapping 2 'the box lat=0:11,lon=0:12 of rank 0 and the box lat=10:22,lon=0:12 of rank 1'
overlapping 3 'of rank 1 and the box lat=14:22,lon=[0-9:]* of rank 2' over=time

# --- results of what was absorbed so far change nothing ---
want=$(run_result moments -d u --over time field.h5)
on 3 -2 moments 9 23 37 over=time
is "results on the way" "$want" "$(jq -cS .result out || cat err)"

# --- files of it ---
look=$BUILDDIR/tests/tools/look
quern run moments -d u --by 'month(time)' --over time -o want.nc field.h5
want=$("$look" want.nc)
export OUTPUT=got.nc
for how in 'at once' 'as it comes'; do
	rm -f got.nc
	[ "$how" = 'at once' ] || export STREAM=1
	on 3 moments 9 23 37 'by=month(time)' over=time
	is "a file of the result, $how" "$want" "$("$look" got.nc)"
	is "... its values" "$("$look" want.nc u_stddev)" "$("$look" got.nc u_stddev)"
done
unset OUTPUT STREAM

# --- the example ---
for n in 1 2 4; do
	status=0
	timeout "$hang" $MPIRUN -n "$n" "$BUILDDIR/examples/heat" 60 20 5 heat.h5 >out 2>err ||
		status=$?
	is "examples/heat on $n ranks" "0 3" "$status $(grep -c 'the same of the file' out)"
done
finish
