#!/usr/bin/env bash
# Datatypes: members of compounds, arrays. The values are in tests/cli/corpus.sh.

. "$SRCDIR/tests/cli/lib.sh"
generate compound.h5 arrays.h5 types.h5 other.h5

# --- members ---
answers "a member" run moments -d both --column x compound.h5
prints "... is named in the document" "x"
answers "a member of a member" run moments -d both --column inner.im --json compound.h5
is "... its type and shape" '">i2" 37 23' \
	"$(field input.dtype) $(field input.shape.0) $(field input.shape.1)"
is "... and its name" '"inner.im"'  "$(field input.column)"
export QUERN_COLUMN=id
answers "by the environment" run sum -d both --json compound.h5
is "... the same" '"id"' "$(field input.column)"
unset QUERN_COLUMN
answers "a plan" plan moments -d both --column grid.b compound.h5
refuses 2 "no member" "compound.h5: dataset /both .*compound .*--column: .*id, .*grid.b" \
	run moments -d both compound.h5
refuses 2 "no member: plan" "choose a member with --column" plan moments -d both compound.h5
refuses 2 "a misspelt member" "no member 'flga'.*did you mean 'flag'" \
	run moments -d both --column flga compound.h5
refuses 2 "an unknown member" "no member 'something'.*Its members: .*wide" \
	run moments -d both --column something compound.h5
refuses 2 "a compound in a compound" "choose one of its members, such as inner" \
	run moments -d both --column inner compound.h5
refuses 2 "a member of a number" "no member 'x.y'" run moments -d both --column x.y compound.h5
refuses 2 "a member of numbers" "type <f4, not a compound" \
	run moments -d f4/raw --column x types.h5
refuses 2 "a member of arrays" "not a compound" run moments -d both --column x arrays.h5

# --- arrays ---
answers "dimensions of arrays" run minmax -d both --json arrays.h5
is "... join the shape" "37 23 3 2" "$(for d in 0 1 2 3; do field input.shape.$d; done | xargs)"
is "... and the coordinates" 4 "$("$BUILDDIR/tests/tools/pick" result.argmin <out | tr -cd , | wc -c |
	awk '{ print $1 + 1 }')"
answers "... and the selection" run count -d both -s ':,:,:,1' --json arrays.h5
refuses 2 "... which has no more" "more slices than the 4 dimensions" \
	run count -d both -s ':,:,:,:,0' arrays.h5
refuses 2 "... nor longer ones" "length is 3" run count -d both -s ':,:,3' arrays.h5
answers "arrays of compounds" run sum -d both_nested --column k --json arrays.h5
is "... have both dimensions" "5 3" "$(field input.shape.2) $(field input.shape.3)"
answers "covariance takes them" run covariance --samples 0 -d both -s ':,:5' arrays.h5

# --- inspect ---
answers "inspect shows members" inspect -d both compound.h5
prints "... with their types and offsets" " +inner\.im +>i2 at 29$"
prints "... and shapes" "^ +grid\.b +<i2 at 34, 2 x 2$"
prints "... and what to do" "records of 196 bytes \(choose one with --column\)"
answers "inspect of one member" inspect -d both --column wide --json compound.h5
is "... its shape" 70 "$(field datasets.0.shape.2)"
is "... and that of a chunk" 70 "$(field datasets.0.chunk_shape.2)"
answers "JSON of members" inspect -d text_both --json compound.h5
is "... offsets are those in the file" "16" "$(field datasets.0.members.1.offset)"
refuses 2 "inspect: which dataset" "name it with -d" inspect --column x compound.h5
refuses 2 "inspect: no such member" "did you mean" inspect -d both --column ix compound.h5

# --- several threads find the same ---
for column in x pos grid.b wide; do
	quern run moments --threads 1 -d both --column $column --json compound.h5
	field result.sum >one
	quern run moments --threads 3 -d both --column $column --json compound.h5
	is "$column: three threads" "$(cat one)" "$(field result.sum)"
done

# --- what netCDF puts where nothing was written ---
"$BUILDDIR/tests/tools/layouts" unwritten || exit 1
for name in f4 f8 f4be i2 i2be i4 u2 u4; do
	quern run moments --json -d $name unwritten.h5
	is "unwritten $name is missing" "3 3 6" \
		"$(field result.count) $(field result.missing) $(field result.sum | sed 's/\.0$//')"
done
for name in i1 other no_netcdf; do
	quern run count --json -d $name unwritten.h5
	is "unwritten, but data: $name" "6 0" "$(field result.count) $(field result.missing)"
done
quern run count --json --raw -d f4 unwritten.h5
is "unwritten, with --raw" "6 0" "$(field result.count) $(field result.missing)"
quern run count --json -d attribute unwritten.h5
is "unwritten, beside a missing_value" "2 4" \
	"$(field result.count) $(field result.missing)"

quern run minmax --json -d single unwritten.h5
is "a scale in float32 gives float32" "25.5" "$(field result.max)"

# --- more chunks than a rank can number ---
refuses 3 "2^40 chunks for one rank" \
	"unwritten.h5: dataset /vast: 1099511627776 pieces of work for one rank, and the limit is" \
	run count -d vast unwritten.h5
quern run minmax --json -d vast -s 4:10000004 unwritten.h5
is "... but a part of them" "0 10000000 0 [4]" \
	"$status $(field result.count) $(field result.max) $(field result.argmax)"

# --- attributes that cannot be used ---
quern run sum --json -d text_scale unwritten.h5
is "a scale that is a text: values as they are" "0 6 3" \
	"$status $(field result.count) $(field result.sum)"
check "... and a warning, once" grep -c '^quern: warning: unwritten.h5: dataset /text_scale: its attribute scale_factor is text where a number belongs: it is ignored' err
answers "... but not with --raw" run sum --raw --json -d text_scale unwritten.h5
finish
