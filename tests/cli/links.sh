#!/usr/bin/env bash
# Links of all kinds, files of which a part cannot be read, and the dataset that is meant where none is
# named.

. "$SRCDIR/tests/cli/lib.sh"
make=$BUILDDIR/tests/tools/links

# reports PATTERN: the last call has failed with 3 and a message like that.
reports()
{
	if [ "$status" -eq 3 ] && grep -Eq -- "$2" err; then
		pass "$1"
	else
		fail "$1" "$(outcome)"
	fi
}

# --- a detector's master file ---
"$make" detector || exit 1
quern run moments --json --stats -d data/1 run/master.h5
is "an external link is followed, natively" "288 41328 0 \"/data/1\"" \
	"$(field result.count) $(field result.sum) $(field run.chunks_library) $(field input.dataset)"
quern run sum --json --stats -d /soft run/master.h5
is "by a soft link, behind a user block" "329328 0" \
	"$(field result.sum) $(field run.chunks_library)"
for path in entry/data/data chain; do
	quern run sum --json -d $path run/master.h5
	is "$path: through a group, from file to file" 41328 "$(field result.sum)"
done
quern run sum --json -d data/1 -s y=2:4 run/master.h5
is "a selection by index" 9684 "$(field result.sum)"
quern run sum --json -d data/1 -s y=12.0:13.0 run/master.h5
is "... by the coordinate of that file" 9684 "$(field result.sum)"
refuses 3 "a file that is gone" "data/11: its external link is to data_11.h5, which is not there" \
	run sum -d data/11 run/master.h5
refuses 3 "a dataset that is gone" "data_1.h5: no such dataset /entry/data/nothing" \
	run sum -d data/no run/master.h5
refuses 3 "a circle" "more than 16 times, or in a circle" run sum -d circle run/master.h5
quern run sum -d pipe run/master.h5
reports "a pipe is not opened" "external link of it leads to run/pipe, which cannot be read"
mkdir elsewhere
mv run/data_2.h5 elsewhere
refuses 3 "a file that was moved" "data_2.h5, which is not there" run sum -d data/2 run/master.h5
export HDF5_EXT_PREFIX=/none:elsewhere
quern run sum --json -d data/2 run/master.h5
is "... is found by HDF5_EXT_PREFIX" 329328 "$(field result.sum)"
unset HDF5_EXT_PREFIX
mv elsewhere/data_2.h5 .
quern run sum --json -d data/2 run/master.h5
is "... in the working directory" 329328 "$(field result.sum)"
mv data_2.h5 run
ln -s run/master.h5 here.h5
quern run sum --json -d data/2 here.h5
is "... beside what a symbolic link leads to" 329328 "$(field result.sum)"
cp run/master.h5 run/master2.h5
quern run sum --json -d data/1 run/master.h5 run/master2.h5
is "two masters are joined" 82656 "$(field result.sum)"
timeout 60 $MPIRUN -n 2 "$QUERN" run sum --json -d data/1 run/master.h5 >out 2>err
is "two ranks" 41328 "$(field result.sum)"
quern plan sum -d data/1 run/master.h5
is "plan" 0 "$status"
refuses 3 "stage" "in another file, by an external link: stage run/data_1.h5" \
	stage --to st -d data/1 run/master.h5

quern inspect --json run/master.h5
is "links are listed" 11 "$("$BUILDDIR/tests/tools/pick" links <out | grep -o '"link"' | wc -l)"
is "... as of a dataset" '"/chain" "external" "chain.h5" "/on" "dataset" "run/data_1.h5" null' \
	"$(field links.0.link) $(field links.0.kind) $(field links.0.file) $(field links.0.target) \
$(field links.0.leads_to) $(field links.0.found.file) $(field links.0.error)"
is "... and its row" '"/data/mask2" "/chain" "run/data_1.h5" "/entry/data/data" [4,8,9]' \
	"$(field datasets.0.dataset) $(field datasets.1.dataset) $(field datasets.1.linked.file) \
$(field datasets.1.linked.dataset) $(field datasets.1.shape)"
is "nothing is damaged" "0 []" "$status $(field damaged)"
answers "in words" inspect run/master.h5
prints "... where it is" '^  is        /entry/data/data of run/data_1.h5, by an external link'
prints "... which is broken" 'link to /entry/data/data of data_11.h5: its external link is to'
prints "... a second name" '^  link      another name of /data/mask2$'
prints "... a soft link to nowhere" '^  link      soft link to /nowhere: there is no /nowhere'
prints "... a group" 'external link to /entry of data_1.h5, a group \(-d /entry shows it\)'
quern inspect --json -d entry run/master.h5
is "what is in a group of another file" '"/entry/data/data" "/entry/data/y"' \
	"$(field datasets.0.dataset) $(field datasets.1.dataset)"
quern verify run/master.h5
is "verify" 3 "$status"
for path in /data/11 /data/no /dangling /circle /pipe; do
	prints "... reports $path" "damage: run/master.h5: link $path leads nowhere: "
done
is "... and nothing else" 5 "$(grep -c damage: out)"

# --- what is damaged, and what is not ---
"$make" damaged || exit 1
quern inspect --json damaged.h5
is "what is whole is listed" '3 "/good/x" "/bad"' \
	"$status $(field datasets.0.dataset) $(field damaged.0.path)"
reports "... and what is not is named" "damaged.h5: 1 object of it cannot be read.*/bad: "
quern verify damaged.h5
is "verify" 3 "$status"
prints "... what is whole" "^  /good/x  "
prints "... and what is not" "damage: damaged.h5: /bad cannot be read, nor what may be below it: "
quern run sum --json -d good/x damaged.h5
is "what is whole is read" 6 "$(field result.sum)"
refuses 3 "what is not known to be all" "/bad cannot be read, so it is not known what else" \
	run sum damaged.h5
quern run sum -d bad/y damaged.h5
reports "below it" "dataset /bad/y: a group on the way to it cannot be opened"
quern run sum joined.h5
reports "what is below a damaged group is not missing" "damaged.h5: dataset /bad/y: a group on the way"

# --- many ---
"$make" deep || exit 1
quern inspect --json deep.h5
is "3000 groups in each other" "[4] 6004" "$(field datasets.0.shape) \
$(field datasets.0.dataset | tr -d '\n' | wc -c)"
quern run sum --json deep.h5
is "... of which the last has the data" 10 "$(field result.sum)"
"$make" wide || exit 1
quern inspect --json wide.h5
is "3000 datasets in a group" 3000 "$(grep -c '"layout": "contiguous"' out)"

# --- which dataset is meant ---
"$make" cf || exit 1
quern run sum --json cf1.nc
is "coordinates and bounds are not meant" '"/t2m" 78' "$(field input.dataset) $(field result.sum)"
refuses 2 "several variables" "cf2.nc has 3 variables: choose one with -d, as in \`-d /ocean/sst \
cf2.nc\`: /ocean/sst \(3 x 4\), /t2m \(3 x 4\), '/u 10' \(3 x 4\)$" run sum cf2.nc
refuses 2 "a group" "cf2.nc: group ocean has 1 variable: choose one with -d, as in \`-d /ocean/sst \
cf2.nc\`: /ocean/sst \(3 x 4\)$" run sum -d ocean cf2.nc
quern inspect --json cf1.nc
is "roles" '"grid_mapping" "coordinate" "coordinate" "dimension" "variable" "coordinate" "bounds"' \
	"$(for i in 0 1 2 3 4 5 6; do field datasets.$i.role; done | tr '\n' ' ' | sed 's/ $//')"
quern inspect cf1.nc
is "in words, variables come first" "/t2m coordinates" \
	"$(grep -oE '^(/[a-z0-9]+|coordinates)' out | tr '\n' ' ' | sed 's/ $//')"
prints "... a dimension" "^  /nv  .* a dimension without a variable$"
prints "... bounds" "^  /time_bnds  .*\(time, nv\)  bounds$"
quern inspect -d lat cf1.nc
prints "a coordinate by its name" "^/lat  <i4  4  \(lat\)$"
finish
