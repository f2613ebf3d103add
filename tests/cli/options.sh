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
QUERN_CPU=avx3 refuses 2 "a processor that there is not" \
	"variable QUERN_CPU: 'avx3' is not one of baseline.avx2.avx512; did you mean avx2\?" info
QUERN_CPU=avx512 answers "one that may be there" run count -d packed cf.nc
QUERN_ORDER=4 answers "an option of the kernel" run moments --json -d packed cf.nc
check "... is heeded" field result.skewness
is "an empty variable is none" "$(count_of -d packed cf.nc)" \
	"$(QUERN_SELECT= count_of -d packed cf.nc)"

# --- what is empty is refused: only an option that is not there means all, or the default ---
# Of each command, the options whose argument is a text.
for command in "run count" "plan count" inspect verify stage unstage "bench scaling"; do
	# shellcheck disable=SC2086 # words
	options=$(COLUMNS=96 "$QUERN" $command --help | sed -nE \
		's/^  (-.,|   ) --([a-z-]+) (PATHS?|NAME|DIM|SLICES|FILE|DIR|SPEC|HOST:.*|KERNEL|COMMAND)( .*)?$/\2/p')
	case $command in
	run* | plan* | stage | verify | bench*) [ -n "$options" ] || fail "$command: has options of text" ;;
	esac
	for option in $options; do
		# shellcheck disable=SC2086
		refuses 2 "$command: an empty --$option" \
			"--$option '': the text of [A-Z:]+ is empty; leave the option out" $command "--$option=" cf.nc
	done
done
refuses 2 "nothing but blanks" "--select ' ': the text" run count -s ' ' -d packed cf.nc
refuses 2 "an empty name of a file" "word 1 of the 2 that are no options is empty" verify "" cf.nc
refuses 2 "an empty name in a list" "--dataset 'packed,': a name before or after a comma is empty" \
	stage --to staged -d packed, cf.nc

# --- options before the kernel ---
want=$(count_of --raw -d packed -s 0:10 cf.nc)
for args in "--raw -d packed -s 0:10 count cf.nc" "-d packed count --raw -s 0:10 cf.nc" \
	"--raw --dataset=packed -s0:10 count cf.nc" "-d packed -s 0:10 count cf.nc --raw" \
	"--raw -d packed -s 0:10 -- count cf.nc" "--thr 1 --raw -d packed -s 0:10 count cf.nc"; do
	# shellcheck disable=SC2086 # words
	quern run --json $args
	is "run $args" "0 $want" "$status $(field result.count)+$(field result.missing)"
done
answers "an option of the kernel before it" run --json --bins 3 -d packed histogram cf.nc
is "... has so many bins" "[n,n,n]" "$(field result.counts | sed 's/[0-9][0-9]*/n/g')"
answers "plan, too" plan --json -d packed moments cf.nc
refuses 2 "an option of another kernel before it" "--bins is an option of kernel histogram, kernel histogram2d, not of" \
	run --bins 3 -d packed moments cf.nc
refuses 2 "an option without its value, and so without a kernel" "--dataset needs a value" run moments cf.nc -d
refuses 2 "one that takes the kernel for its value" "no kernel|no kernel given" run cf.nc -d moments

# --- variables that nothing reads ---
warned()
{
	local name=$1 want=$2

	shift 2
	env "$@" "$QUERN" kernels sum >out 2>err
	is "$name" "$want" "$(cat err)"
}
warned "a misspelt variable" "quern: warning: QUERN_THREDS is set, but nothing reads a variable of that \
name; did you mean QUERN_THREADS?" QUERN_THREDS=3
warned "one that is like none" "quern: warning: QUERN_ZZZZZZZZZZZZ is set, but nothing reads a variable of \
that name" QUERN_ZZZZZZZZZZZZ=3
warned "those of options, templates and the processor" "" QUERN_BINS=3 QUERN_ON_BAD_CHUNK=skip \
	QUERN_WRITE_SUMS=x QUERN_SCALING=weak QUERN_FILE=x QUERN_BIN=x \
	QUERN_RESULT=x QUERN_RANKS_PER_NODE=1 QUERN_CPU=baseline QUERN_LOG=warn QUERN_CORPUS=x
warned "those of tests, which are of the build for tests only" "quern: warning: QUERN_TEST_HOSTS is set, but \
nothing reads a variable of that name; did you mean QUERN_WAIT_HOSTS?" QUERN_TEST_HOSTS=2
is "nothing of the kind is in the command" "" "$(grep -ao 'QUERN_TEST[A-Z_]*' "$QUERN")"
warned "an empty one" "" QUERN_THREDS=
warned "others' variables" "" XQUERN_THREDS=1 QUERN=1 QUERNX=1
for name in $(cd "$SRCDIR" && grep -rhoE 'getenv\("QUERN_[A-Z_]+"' src io kernels | cut -d'"' -f2 | grep -v _CPU$ | sort -u); do
	warned "$name, which the source reads" "" "$name=1"
done

# --- processes that another launcher has started ---
quern info
if grep -q 'Open MPI' out; then
	started="PMI_RANK=0 PMI_SIZE=4" launcher="a launcher that speaks PMI"
else
	started="OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=4" launcher="mpirun of Open MPI"
fi
# alone NAME COUNT VARIABLES...: how many warnings a run gives.
alone()
{
	local name=$1 want=$2

	shift 2
	env "$@" "$QUERN" run count -d packed cf.nc >out 2>err
	is "$name" "$want" "$(grep -c 'each runs alone' err) $(grep -c '^count of' out)"
}
for variable in $(compgen -e | grep '^SLURM_'); do unset "$variable"; done
# shellcheck disable=SC2086 # words
alone "the launcher of another MPI" "1 1" $started
check "... is named, with the number" grep -q "^quern: warning: $launcher.* has started 4 processes, and" err
# shellcheck disable=SC2086 # words
alone "one process of it" "0 1" ${started//=4/=1}
alone "srun that speaks nothing" "1 1" SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=0
check "... says how" grep -q "srun --mpi=pmix" err
alone "... its other tasks" "0 1" SLURM_STEP_NUM_TASKS=3 SLURM_PROCID=1
alone "srun of one task" "0 1" SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0

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
for least in 10K 15M; do
	refuses 1 "--memory $least, less than a process takes" "^quern: rank 0 needs about [12][0-9] MiB, 16 of them for the process before it \
reads anything, more than --memory $least: raise it to as much at least\$" run moments --memory $least -d packed cf.nc
done
answers "--memory enough" run moments --memory 1G -d packed cf.nc
"$BUILDDIR/tests/tools/poor_layouts" layouts.h5
quern run count --json --threads 8 --memory 25M -d /good layouts.h5
is "--memory enough for some threads" "0 2 1" "$status $(field run.threads) \
$(grep -c 'warning: rank 0 works with 2 of 8 threads: .* would not fit into --memory 25M' err)"
refuses 1 "--memory too small for one" \
	"needs about 20 MiB with one thread, 4 of them .*more than --memory 18M: raise it to 20M at least, or make the chunks" \
	run count --memory 18M -d /good layouts.h5
quern run moments --stats --json -d packed cf.nc
is "--stats: exit code" 0 "$status"
check "... stdout is JSON" field result.mean
check "... stderr has the ranks" grep -q "rank 0 on" err
QUERN=$TEST_QUERN QUERN_TEST_READ_DELAY='*:30000000' quern run moments --threads 1 --progress always -d packed cf.nc
is "--progress always: exit code" 0 "$status"
check "... what is no terminal gets whole lines" grep -Eq '^\[#*\.*\] +[0-9]+%  pass 1' err
is "... and nothing else" 0 "$(tr -dc '\r\033' <err | wc -c)"
answers "--progress never" run moments --progress never -d packed cf.nc
answers "plan" plan moments -d packed cf.nc
answers "plan --json" plan moments --json -d packed cf.nc
is "... has items" "36" "$(field plan.items)"
refuses 2 "one of several does" "choose one with -d, as in .*: /bytes .*, /lower" run moments cf.nc
refuses 3 "NaN kept or not: no such word" "." run moments --nan keep -d nosuch cf.nc
quern run moments --on-bad-chunk skip --json -d deflate damaged.h5
is "--on-bad-chunk skip: exit code" 0 "$status"
is "... leaves out the chunk" "4680 1" "$(field result.count) $(field run.chunks_skipped)"
check "... and says so" grep -q "warning: 1 chunk could not be read" err
finish
