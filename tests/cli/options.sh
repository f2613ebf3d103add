#!/usr/bin/env bash
# What the options of `run` and `plan` do, on the command line and in the environment.

. "$SRCDIR/tests/cli/lib.sh"
generate cf.nc early.h5 damaged.h5

# count_of ARG...: elements that a run of count sees.
count_of()
{
	quern run count --json "$@"
	[ "$status" -eq 0 ] && echo "$(field result.count)+$(field result.missing)"
}

# --- the environment ---
is "-d" "$(count_of -d packed cf.nc)" "$(QUERN_DATASET=packed count_of cf.nc)"
is "the command line wins" "$(count_of -d ranged cf.nc)" \
	"$(QUERN_DATASET=packed count_of -d ranged cf.nc)"
is "a flag in the environment" "$(count_of --raw -d packed cf.nc)" \
	"$(QUERN_RAW=1 count_of -d packed cf.nc)"
is "a flag that is 0" "$(count_of -d packed cf.nc)" "$(QUERN_RAW=0 count_of -d packed cf.nc)"
QUERN_JSON=1 answers "QUERN_JSON" run moments -d packed cf.nc
check "... gives JSON" field result
QUERN_THREADS=none refuses 2 "a bad value in the environment" \
	"environment variable QUERN_THREADS" run moments -d packed cf.nc
QUERN_ORDER=4 answers "an option of the kernel" run moments --json -d packed cf.nc
check "... is heeded" field result.skewness
is "an empty variable is none" "$(count_of -d packed cf.nc)" \
	"$(QUERN_SELECT= count_of -d packed cf.nc)"

# --- an option twice ---
refuses 2 "two selections" "--select is given twice; put both into one, separated by commas" \
	run count -d packed -s 0=3:5 --select 2=7 cf.nc
refuses 2 "an option with two values" "--threads is given twice" \
	run count -d packed --threads 1 --threads=2 cf.nc
refuses 2 "two datasets of inspect" "--dataset is given twice" inspect -d packed -d ranged cf.nc
is "the same value twice" "60+0" "$(count_of --raw -d packed -s 0=3:5,2=7 -s 0=3:5,2=7 cf.nc)"
is "a flag twice" "24000+0" "$(count_of --raw --raw -d packed cf.nc)"
is "the command line wins over a selection of the environment" "1200+0" \
	"$(QUERN_SELECT=0:10 count_of --raw -d packed -s 5 cf.nc)"

# --- selections of /packed, 20 x 30 x 40 ---
is "no selection" "24000+0" "$(count_of --raw -d packed cf.nc)"
while read -r slices want; do
	is "--select '$slices'" "$want+0" "$(count_of --raw -d packed -s "$slices" cf.nc)"
done <<'END'
: 24000
0:10 12000
5 1200
-1 1200
-3:,::7 600
:,:,::3 8400
2:18:5,1:2,39 4
0=3:5,2=7 60
2=::13,0=19 120
:,:,:1000 24000
END
refuses 2 "a dimension too many" "more slices than the 3" run count -d packed -s :,:,:,: cf.nc
refuses 2 "an index out of range" "out of range; its length is 20" \
	run count -d packed -s 20 cf.nc
refuses 2 "an unknown dimension" "no dimension 'depth'" run count -d packed -s depth=3 cf.nc
refuses 2 "a dimension twice" "given twice" run count -d packed -s 0=1,0=2 cf.nc
refuses 2 "a step of 0" "the step must be 1" run count -d packed -s ::0 cf.nc
refuses 2 "no slice at all" "not START:STOP:STEP" run count -d packed -s a:b cf.nc
refuses 2 "a dimension that is not there" "no dimension '3'" run count -d packed -s 3=1 cf.nc
is "a blank after a comma" "60+0" "$(count_of --raw -d packed -s '0=3:5, 2=7' cf.nc)"
refuses 2 "nothing selected" "nothing is selected" run moments --json -d packed -s 5:5 cf.nc
quern run moments --json -d empty early.h5
is "a dataset without elements: done" 0 "$status"
is "... has no mean" "null" "$(field result.mean)"
is "... and no sum" "0" "$(field result.sum | sed 's/\.0$//')"
answers "a scalar" run moments --json -d scalar early.h5
is "... has a shape" "[]" "$(field input.shape)"
answers "a dataset without elements" run minmax --json -d empty early.h5
is "... has no place" "null" "$(field result.argmin)"

# --- the rest ---
answers "--threads 3" run moments --json --threads 3 -d packed cf.nc
is "... are as many" 3 "$(field run.threads)"
for bind in none core numa; do
	answers "--bind $bind" run moments --bind $bind -d packed cf.nc
done
refuses 1 "--memory too small" "rank 0 needs about .* more than --memory" \
	run moments --memory 10K -d packed cf.nc
answers "--memory enough" run moments --memory 1G -d packed cf.nc
quern run moments --stats --json -d packed cf.nc
is "--stats: exit code" 0 "$status"
check "... stdout is JSON" field result.mean
check "... stderr has the ranks" grep -q "rank 0 on" err
quern run moments --progress always -d packed cf.nc
is "--progress always: exit code" 0 "$status"
answers "--progress never" run moments --progress never -d packed cf.nc
answers "plan" plan moments -d packed cf.nc
answers "plan --json" plan moments --json -d packed cf.nc
is "... has items" "36" "$(field plan.items)"
refuses 2 "one of several does" "choose one with -d: /bytes /lower" run moments cf.nc
refuses 3 "NaN kept or not: no such word" "." run moments --nan keep -d nosuch cf.nc
quern run moments --on-bad-chunk skip --json -d deflate damaged.h5
is "--on-bad-chunk skip: exit code" 0 "$status"
is "... leaves out the chunk" "4680 1" "$(field result.count) $(field run.chunks_skipped)"
check "... and says so" grep -q "warning: 1 chunks could not be read" err
finish
