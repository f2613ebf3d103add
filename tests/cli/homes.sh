#!/usr/bin/env bash
# Where bytes are: `quern inspect --homes`, the tiers of `quern plan`, and site files.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc
"$BUILDDIR/examples/mkclimate" -q --time 100 --lat 37 --lon 72 climate.nc
"$BUILDDIR/examples/mkclimate" -q --time 60 --lat 37 --lon 72 --seed 2 climate2.nc
here=$(hostname)
pick=$BUILDDIR/tests/tools/pick

# evict FILE: out of the page cache; fails where the file system keeps it.
evict()
{
	sync "$1" 2>/dev/null
	dd if="$1" iflag=nocache count=0 2>/dev/null || return
	quern inspect --homes --json -d t2m "$1"
	[ "$(field datasets.0.homes.0.tier)" = '"disk"' ]
}

# --- inspect --homes ---
cat climate.nc climate2.nc >/dev/null
answers "inspect --homes" inspect --homes climate.nc
prints "... each dataset" '^/t2m  [0-9.]+ KiB$'
prints "... a row for each home" "^  $here +(-|[0-9]+)  memory +[0-9.]+ KiB  100.0%$"
answers "--json" inspect --homes --json -d t2m climate.nc
is "document" "datasets files hosts quern" "$("$pick" -k . <out)"
is "... its hosts" "[\"$here\"]" "$(field hosts | tr -d ' \n')"
is "... fields" "bytes_stored bytes_without_home dataset error exit_code homes" "$("$pick" -k datasets.0 <out)"
is "... fields of a home" "bytes host numa_node part tier" "$("$pick" -k datasets.0.homes.0 <out)"
is "... what it says" "\"/t2m\" \"$here\" \"memory\" 1.0 0 null" "$(field datasets.0.dataset) \
$(field datasets.0.homes.0.host) $(field datasets.0.homes.0.tier) $(field datasets.0.homes.0.part) \
$(field datasets.0.bytes_without_home) $(field datasets.0.error)"
bytes=$(field datasets.0.bytes_stored)
is "... all bytes" "$bytes" "$(field datasets.0.homes.0.bytes)"
quern run count --json -d t2m climate.nc
is "... as many as a run reads" "$(field run.bytes_stored)" "$bytes"
quern inspect --homes --json -d t2m climate2.nc
second=$(field datasets.0.bytes_stored)
answers "several files" inspect --homes --json -d t2m 'climate*.nc'
is "... are one dataset" $((bytes + second)) "$(field datasets.0.bytes_stored)"
quern inspect --homes climate.nc cf.nc
is "what cannot be joined is told, and the rest too" "3 5 5" \
	"$status $(grep -c '^/' out) $(grep -c '^  error  .*cf.nc' out)"
quern inspect --homes --json climate.nc cf.nc
is "... fields are the same" "bytes_stored bytes_without_home dataset error exit_code homes" \
	"$("$pick" -k datasets.2 <out)"
for n in 1 2; do
	timeout "$hang" $MPIRUN -n $n "$QUERN" inspect --homes --json -d t2m climate.nc >out 2>err
	is "on $n ranks" "$bytes" "$(field datasets.0.homes.0.bytes)"
	timeout "$hang" $MPIRUN -n $n "$QUERN" inspect -d t2m climate.nc >out 2>err
	is "inspect itself on $n ranks" 1 "$(grep -c '^/t2m' out)"
done
refuses 3 "no file" "none.nc: cannot be opened" inspect --homes none.nc
refuses 3 "no such dataset" "no such dataset" inspect --homes -d none climate.nc
refuses 2 "no file given" "no file given" inspect --homes
refuses 2 "a selection" "without --select" inspect --homes -s 0 climate.nc

# --- memory and disk ---
if evict climate.nc; then
	quern inspect --homes climate.nc
	prints "out of the page cache" "^  $here +(-|[0-9]+)  local disk +[0-9.]+ KiB  100.0%$"
	evict climate.nc
	answers "a plan" plan count -d t2m climate.nc
	prints "... reads it from disk" '100\.0%  disk of its host'
	cold=$(sed -n 's/^  predicted \([^ ]*\) s.*/\1/p' out)
	cat climate.nc >/dev/null
	answers "a plan, when it is in memory" plan count -d t2m climate.nc
	prints "... reads it from there" '100\.0%  memory'
	check "... is done sooner" awk "BEGIN { exit !($(sed -n 's/^  predicted \([^ ]*\) s.*/\1/p' out) < $cold) }"
	"$BUILDDIR/examples/mkclimate" -q --raw --only t2m --time 6000 --lat 37 --lon 72 large.nc
	evict large.nc
	head -c $(($(stat -c %s large.nc) / 4)) large.nc >/dev/null
	quern inspect --homes -d t2m large.nc
	is "a part of it, and what is read ahead" "disk memory" "$(awk '/local disk/ { print "disk" } /memory/ { print "memory" }' out |
		sort | xargs)"
else
	skip "memory and disk" "the file system keeps what is dropped from the page cache"
fi

# --- site files ---
cat climate.nc >/dev/null
cat >site <<END
# of this test
bandwidth memory 1000000
bandwidth shared 1K
limit shared 2K
label $here first second-label
label elsewhere third	# a comment
END
plan="plan count -d t2m --site site"
# shellcheck disable=SC2086 # words, here and below
answers "a site file" $plan --json climate.nc
is "... bandwidth" "1.0000 0.0009765625 2048.0" \
	"$(field plan.rates.read_seconds_per_byte.memory | awk '{ printf "%.4f", $1 * 1e6 }') $(field plan.rates.read_seconds_per_byte.shared) \
$(field plan.rates.shared_bytes_per_second)"
is "... labels" '["first","second-label"]' "$(field plan.per_host.0.labels | tr -d ' \n')"
is "... of the host" "\"$here\"" "$(field plan.per_host.0.name)"
answers "... of a cluster that is not there" $plan --json --cluster 'host:2 core:2' climate.nc
is "... nothing is known" "null null" "$(field plan.per_host.0.labels) $(field plan.per_host.0.name)"
echo "shared $PWD" >>site
if evict climate.nc; then
	evict climate.nc
	answers "a path that is shared" $plan --json climate.nc
	is "... has no home" "$(field plan.bytes_stored)" "$(field plan.bytes_remote_because.no_home)"
	quern inspect --homes --site site -d t2m climate.nc
	prints "... as inspect says" '^  any host +-  shared storage +[0-9.]+ KiB  100.0%$'
	QUERN_SITE=site quern inspect --homes -d t2m climate.nc
	prints "... by the environment" '^  any host +-  shared storage '
	echo "local $PWD/climate.nc" >>site
	echo "local $PWD/own" >>site
	mkdir own
	ln climate.nc own/climate.nc
	quern inspect --homes --site site -d t2m own/climate.nc
	prints "the longest path counts" '  local disk '
fi
want=$(quern run moments -d t2m --json climate.nc; sed -n '/"result"/,/^  }/p' out)
answers "a run with a site file" run moments -d t2m --json --site site climate.nc
is "... same bytes" "$want" "$(sed -n '/"result"/,/^  }/p' out)"
refuses 3 "no such site file" "--site none: No such file" run count -d t2m --site none climate.nc
printf 'bandwidth disk 1G\n\nbandwith memory 3G\n' >site
for command in "run count" "plan count" "inspect --homes"; do
	refuses 3 "$command: a wrong line" "--site site: line 3: 'bandwith'" $command -d t2m --site site \
		climate.nc
done
echo "shared relative" >site
refuses 3 "a wrong path" "line 1: 'relative' is no absolute path" run count -d t2m --site site climate.nc
finish
