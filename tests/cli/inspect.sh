#!/usr/bin/env bash
# What inspect says of datasets: to people, and in JSON.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc library.h5
"$BUILDDIR/tests/tools/poor_layouts" layouts.h5 || exit 1
"$BUILDDIR/examples/mkclimate" -q --time 100 --lat 37 --lon 72 --chunk 20000 climate.nc
pick=$BUILDDIR/tests/tools/pick

# row FIELD: of the only dataset of the document.
row()
{
	field "datasets.0.$1"
}

# --- the document ---
answers "inspect --json" inspect --json climate.nc
fields="bytes_logical bytes_resident bytes_stored chunk_bytes chunk_shape chunks chunks_allocated \
dataset dims dtype error filters index layout library_reason native ratio resident_sampled \
selection shape units warnings"
for field in $fields; do
	check "a dataset has $field" "$pick" "datasets.3.$field" <out
done
is "five datasets" '"/time"' "$(field datasets.4.dataset)"
quern inspect --json -d t2m climate.nc
is "name, type, shape" '"/t2m" "<f4" [100,37,72] ["time","lat","lon"] "K"' \
	"$(row dataset) $(row dtype) $(row shape) $(row dims) $(row units)"
is "layout" '"chunked" "v1 B-tree" null null []' \
	"$(row layout) $(row index) $(row error) $(row selection) $(row warnings)"
is "filters" '"shuffle" "deflate" [1]' \
	"$(row filters.0.name) $(row filters.1.name) $(row filters.1.parameters)"
is "logical bytes" $((100 * 37 * 72 * 4)) "$(row bytes_logical)"
is "chunks" "$(row chunks)" "$(row chunks_allocated)"
stored=$(row bytes_stored)
quern run count --json -d t2m climate.nc
is "stored bytes are those that a run reads" "$(field run.bytes_stored)" "$stored"
quern inspect --json -d lat climate.nc
is "contiguous" '"contiguous" null null null 0 1.0' \
	"$(row layout) $(row index) $(row chunk_shape) $(row chunk_bytes) $(row chunks) $(row ratio)"

# --- what is resident ---
cat layouts.h5 >/dev/null
for dataset in stored whole; do
	quern inspect --json -d $dataset layouts.h5
	resident=$(row bytes_resident)
	if [ "$resident" = "$(row bytes_stored)" ]; then
		pass "$dataset: all of it is resident after it was read"
	elif [ "$resident" = null ]; then
		skip "$dataset: resident" "the system does not tell"
	else
		# Others may need the memory.
		skip "$dataset: resident" "only $resident bytes were kept"
	fi
	is "$dataset: counted, not sampled" false "$(row resident_sampled)"
done
sync layouts.h5
if dd of=layouts.h5 oflag=nocache conv=notrunc,fdatasync count=0 2>/dev/null; then
	quern inspect --json -d stored layouts.h5
	if [ "$(row bytes_resident)" -lt 8388608 ]; then
		pass "less of it when the cache was dropped"
	else
		skip "less of it when the cache was dropped" "the file system keeps it"
	fi
else
	skip "less of it when the cache was dropped" "dd has no nocache"
fi
quern inspect --json -d good layouts.h5
is "nothing is stored" "null null null 0" \
	"$(row bytes_resident) $(row resident_sampled) $(row ratio) $(row bytes_stored)"

# --- warnings ---
while read -r dataset codes; do
	quern inspect --json -d "$dataset" layouts.h5
	got=
	for i in 0 1 2; do
		code=$(row "warnings.$i.code" 2>/dev/null | tr -d '"') && got="$got $code"
	done
	is "warnings of $dataset" "$codes" "${got# }"
done <<'END'
good
large large_chunks
just_large_enough
small small_chunks
just_small_enough
small_all_over
one one_chunk
strange filter
raw
whole
END
answers "a large chunk, in words" inspect -d large layouts.h5
prints "... how large" "^  warning   chunks of 65 MiB are large"
quern inspect -d strange layouts.h5
prints "a filter that is not known has its name" "^  filters   zfp$"
prints "... and advice" "filter 32013 \(zfp\): install"
quern inspect -d external library.h5
prints "elements in other files" "^  stored    external, 3.12 KiB of data, in other files"
quern inspect --json -d external library.h5
is "... which is nothing to warn of" '[]' "$(row warnings)"

# --- selections ---
answers "a selection" inspect --json -s 1=0:1 -d good layouts.h5
is "... touches" '"1=0:1" [64,1] 64 64' "$(row selection.select) $(row selection.shape) \
$(row selection.bytes_logical) $(row selection.chunks)"
is "... little of its chunks" '"selection_straddles"' "$(row warnings.0.code)"
quern inspect --json -s 1=0:1 -d raw layouts.h5
is "what is not decoded need not be whole" "[]" "$(row warnings)"
quern inspect --json -s 0=0:2 -d good layouts.h5
is "whole chunks" "2 1.0 []" \
	"$(row selection.chunks) $(row selection.part_of_chunks) $(row warnings)"
refuses 2 "nothing" "nothing is selected" inspect --json -s 5:5 -d good layouts.h5
quern inspect --json -s lat=-30.0:30.0 -d t2m climate.nc
is "by value" "[100,13,72]" "$(row selection.shape)"
chunks=$(row selection.chunks)
quern run count --json -s lat=-30.0:30.0 -d t2m climate.nc
is "... as many chunks as a run takes" "$(field run.chunks)" "$chunks"
quern inspect --json -s 0:1 -d lat climate.nc
is "of a contiguous dataset" "null" "$(row selection.chunks)"
refuses 2 "a selection of several datasets" "--select is of one dataset" inspect -s 0 climate.nc
refuses 2 "a wrong selection" "no dimension 'depth'" inspect -s depth=0 -d t2m climate.nc
refuses 2 "... nearly right" "no dimension 'tme'; did you mean 'time'" inspect -s tme=0 -d t2m climate.nc

# --- what cannot be described ---
head -c $(($(stat -c %s climate.nc) / 2)) climate.nc >cut.nc
quern inspect --json -d t2m cut.nc
is "a damaged file" 3 "$status"
quern inspect --json cf.nc
is "fields are the same of every dataset" 1 "$(
	n=0
	while names=$("$pick" -k "datasets.$n" <out 2>/dev/null); do
		echo "$names"
		n=$((n + 1))
	done | sort -u | wc -l)"

# --- for people ---
answers "several files" inspect climate.nc layouts.h5
prints "... have headings" "^layouts.h5:$"
is "... fit 100 columns" 0 "$(grep -c '.\{101,\}' out)"
prints "... with dimensions and units" \
	'^/t2m  <f4  100 x 37 x 72  \(time, lat, lon\)  \[K\]$'
prints "... chunks" '^  chunks    [0-9]+ of [0-9]+ x [0-9]+ x [0-9]+, [0-9.]+ KiB each; index: v1'
prints "... filters" '^  filters   shuffle \+ deflate 1$'
quern inspect climate.nc none.h5 cf.nc
is "a missing file does not hide others" "3 1 2" \
	"$status $(grep -c 'none.h5: ' err) $(grep -c '^c.*nc:$' out)"
finish
