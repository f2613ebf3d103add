#!/usr/bin/env bash
# Datasets that are not in one plain file: virtual ones, families, files that a writer has open.

. "$SRCDIR/tests/cli/lib.sh"
make=$BUILDDIR/tests/tools/layouts

# --- virtual ---
"$make" virtual 1024 || exit 1
quern run moments --json plain.h5
result >want
check "there is a result" test -s want
for file in joined turns; do
	quern run moments --json --stats "$file.h5"
	is "$file: as the plain file" "$(cat want)" "$(result)"
	is "$file: by address" 0 "$(field run.chunks_library)"
	for n in 1 2 3; do
		timeout "$hang" $MPIRUN -n $n "$QUERN" run moments --json "$file.h5" >out 2>err
		is "$file: the same on $n ranks" "$(cat want)" "$(result)"
	done
done
quern run minmax --json plain.h5
result >want
quern run minmax --json turns.h5
is "turns: places are those of the whole" "$(cat want)" "$(result)"
quern run minmax --json -s '3:900:7,5' plain.h5
result >want
for file in joined turns; do
	quern run minmax --json -s '3:900:7,5' "$file.h5"
	is "$file: a selection" "$(cat want)" "$(result)"
done
quern run covariance --json --stats --samples 1 -s '::128,:100' joined.h5
is "what must be seen whole and is divided goes through the library" "0 true" \
	"$status $([ "$(field run.chunks_library)" -gt 0 ] && echo true)"
quern run minmax --json --stats gaps.h5
is "gaps: a warning" 1 "$(grep -c '^quern: warning: sources of .* are not there, .*: 1; its fill value' err)"
is "gaps: the fill value" "-1.0" "$(field result.min)"
is "gaps: all are counted" $((1024 * 512)) "$(field result.count)"
is "gaps: one is missing" 1 "$(field run.sources_missing)"
is "... by name" '[{"dataset":"/x","file":"g2.h5"}]' "$(field run.missing_sources)"
is "... on standard error, too" 1 "$(grep -c '^quern: warning: missing source: g2.h5, dataset /x$' err)"
incomplete='1 source missing, for which the fill value \(of raw files zeros\) stands: g2.h5, dataset /x$'
quern run minmax gaps.h5
prints "gaps: the table says it" "^  incomplete   $incomplete"
quern plan minmax gaps.h5
prints "... the plan" "^  $incomplete"
quern plan minmax --json gaps.h5
is "... its document" 'g2.h5' "$(jq -r '.plan.missing_sources[0].file' out)"
quern run minmax -o gaps.csv gaps.h5
is "... a table in a file" "# quern_sources_missing: 1" "$(grep sources_missing gaps.csv)"
quern run minmax -o gaps.nc gaps.h5
is "... netCDF" 1 "$("$BUILDDIR/tests/tools/globals" gaps.nc | sed -n 's/^quern_sources_missing //p')"
quern inspect gaps.h5
is "inspect names it" "0 missing 1 source missing, for which the fill value (of raw files zeros) stands: g2.h5, dataset /x" \
	"$status $(sed -n '/^  missing/,$p' out | xargs)"
quern inspect --json gaps.h5 odd.h5
is "... and its document" '1 g2.h5 2 2' "$(jq -rs '[.[].datasets[0]] | "\(.[0].sources_missing) \(
	.[0].missing_sources[0].file) \(.[1].sources_missing) \(.[1].missing_sources | length)"' out)"
quern verify gaps.h5
is "verify warns, and passes" "0 1" \
	"$status $(grep -Ec "^quern: warning: gaps.h5: dataset /x: $incomplete" err)"
prints "... and its table" '^  /x .*nothing stored, 1 of its sources missing$'
quern verify --json gaps.h5
is "... and its document" '1 g2.h5 null' "$(jq -r '.files[0].datasets[0] | "\(.sources_missing) \(
	.missing_sources[0].file) \(.sources_error)"' out)"
quern run covariance --json --samples 1 -s '::128,:100' gaps.h5
is "gaps: one is missing, through the library too" 1 "$(field run.sources_missing)"
quern run count --json gaps.h5 -s 0:512
is "gaps: what is there" $((512 * 512)) "$(field result.count)"
quern run moments --json --stats odd.h5
is "irregular mappings: through the library" true "$([ "$(field run.chunks_library)" -gt 0 ] && echo true)"
is "irregular mappings: a dataset and a file are missing" 2 "$(field run.sources_missing)"
is "irregular mappings: the fill value" "-1.0 0.0" \
	"$(field result.min) $(quern run minmax --json -s 0:1 odd.h5; field result.min)"
quern run moments --json odd.h5
result >want
mkdir elsewhere && mv s1.h5 elsewhere
export HDF5_VDS_PREFIX=$PWD/elsewhere
quern run moments --json --stats joined.h5
is "a prefix of sources" 0 "$(field run.sources_missing)"
quern run moments --json odd.h5
is "a prefix of sources, through the library" "$(cat want)" "$(result)"
"$BUILDDIR/tests/tools/layouts" lacking || exit 1
for d in x b; do
	quern run count --json -d $d lacking.h5
	is "no extent for want of the source, and it is told: $d" "0 0 1 1" \
		"$status $(field result.count) $(field run.sources_missing) $(grep -c 'warning: sources of' err)"
done
unset HDF5_VDS_PREFIX
printf 'not HDF5, but here' >s1.h5
refuses 3 "a source that is no HDF5 file" "s1.h5" run moments joined.h5
rm s1.h5 && mkfifo s1.h5
refuses 3 "a source that is a pipe" "s1.h5, which cannot be read: it is a device, a pipe or a socket" run moments joined.h5

# --- sources that are virtual and occur again and again: 16 million of them, 96 that differ ---
"$make" deep || exit 1
answers "virtual datasets of six levels" run sum --json -d l6_3 deep.h5
is "... their elements" "16 176" "$(field result.count) $(field result.sum)"
answers "... and of one level" run sum --json -d l1_3 deep.h5
is "... its elements" "16 120" "$(field result.count) $(field result.sum)"

# --- sources of sources, which the library finds: each file of them is granted by itself ---
"$make" chain 20 || exit 1
quern run sum --json --column a -d x c0.h5
is "a chain of 20 files" "0 144" "$status $(field result.sum)"
rm c*.h5

# --- very many sources, described by several processes ---
"$make" many 300 || exit 1
quern run sum --json -d x many.h5
is "300 sources: those that are there, and the fill value" \
	"1500 $((5 * (300 * 299 / 2 - 30 * 29 / 2 * 10) - 150))" \
	"$(field result.count) $(field result.sum)"
is "300 sources: every tenth is missing" "30 0" \
	"$(field run.sources_missing) $(field run.chunks_library)"

# --- elements that are not stored as they are computed with ---
"$make" unusual || exit 1
extremes() { quern run minmax --json -d "$1" unusual.h5; echo "$(field result.min) $(field result.max)"; }
is "numbers of 12 bits in an external file" "-5 9" "$(extremes external)"
is "numbers of 12 bits that are mapped, and their fill value" "-9 0" "$(extremes half)"
is "a fill value that is a text" '"no" "no"' "$(extremes texts)"

quern verify -d external_texts unusual.h5
prints "what is not verified, and why" "not decoded: it is in external files, and elements of type .S4"

# --- raw files that whoever made the file has named ---
mkdir outside inside
printf '\1\2\3\4\5\6' | tee outside/far >inside/near
ln -s ../outside/far inside/link
mkfifo inside/pipe
(cd inside && "$make" external "$PWD/near" "$PWD/../outside/far" "$PWD/link" "$PWD/pipe" /dev/zero \
	/proc/version /proc/self/status) || exit 1
ext=inside/external.h5
sums() { for d in "$1" "bits_$1"; do quern run sum --json -d "$d" "${@:2}" $ext; echo "$status $(field result.sum)"; done | xargs; }
is "beside the file" "0 21 0 21" "$(sums near)"
for d in far link; do
	for way in $d bits_$d; do
		for command in "run sum" "run sum --on-bad-chunk skip"; do
			refuses 5 "outside of its directory: $command, $way" "/$d.*say --allow-external" \
				$command -d $way $ext
		done
		quern verify -d $way $ext
		is "... verify, $way" "5 1" \
			"$status $(grep -c "^  not verified: .*/$d.*say --allow-external" out)"
	done
	is "... unless told: $d" "0 21 0 21" "$(sums $d --allow-external)"
done
refuses 5 "... in a plan" "outside/far.*--allow-external" plan sum -d far $ext
answers "... which inspect does not read" inspect -d far $ext
is "... unless told by the environment" "0 21 0 21" "$(QUERN_ALLOW_EXTERNAL=1 sums far)"
is "... or by the prefix" "0 21 0 21" "$(HDF5_EXTFILE_PREFIX=$PWD/outside sums far)"
for d in pipe zero version status; do
	for way in $d bits_$d; do
		refuses 3 "$d is none: $way" "/$d.*(device|a pipe|size is not the number of its bytes)" \
			run sum --allow-external -d $way $ext
	done
done
rm inside/pipe
mkdir lent
(cd lent && "$make" chain 0) || exit 1
printf '%032d' 0 >lent/raw
(cd inside && "$make" borrowed "$PWD/../lent/c0.h5" "$PWD/../lent/raw") || exit 1
quern info --json
if [ -n "$SAN" ] || [ "$(field sandbox.files_restricted)" != true ]; then
	skip "beside another file that it names" "files of processes that read are not restricted here"
else
	refuses 5 "beside another file that it names" "lent/raw.*say --allow-external" \
		run sum --column a -d x inside/borrowed.h5
fi
quern run sum --json --column a -d x --allow-external inside/borrowed.h5
is "... unless told" $((16 * 9 + 16 * 48)) "$(field result.sum)"

# --- families ---
"$make" family || exit 1
answers "a family" run sum --json f-00000.h5
is "a family: its sum" 12497500 "$(field result.sum)"
refuses 3 "the pattern of a family" "give the first one" run sum f-%05d.h5
mv f-00001.h5 elsewhere
ln -s elsewhere/f-00001.h5 .
answers "a family with a link to below its directory" run sum f-00000.h5
rm f-00001.h5
mkdir first && mv f-0* first && ln -s ../elsewhere/f-00001.h5 first
quern run sum --json first/f-00000.h5
if [ $status != 0 ]; then	# this machine has Landlock
	refuses 5 "a family with a link to elsewhere" "elsewhere/f-00001.h5.*say --allow-external" \
		run sum first/f-00000.h5
fi
quern run sum --json --allow-external first/f-00000.h5
is "... unless told" "0 12497500" "$status $(field result.sum)"
rm first/f-00001.h5 && mv first/f-0* .
refuses 3 "a family with a member missing" "family of files" run sum f-00000.h5

# --- writers ---
coproc "$make" swmr
say()
{
	echo "$1" >&"${COPROC[1]}"
	read -r _ <&"${COPROC[0]}"
}
say grow
quern run sum --json w.h5
is "SWMR: what is flushed" "250 31125" "$(field result.count) $(field result.sum)"
say grow
quern run sum --json w.h5
is "SWMR: more" "500 124750" "$(field result.count) $(field result.sum)"
echo crash >&"${COPROC[1]}"
wait
quern run sum --json w.h5
is "SWMR: after a crash" "500 124750" "$(field result.count) $(field result.sum)"

# While it grows all the time, what was there at some instant is computed: numbers from 0 on.
streamed()
{
	local count=0 before

	for _ in 1 2 3 4 5 6 7 8 9 10; do
		before=$count
		quern run sum --json --threads 2 "$@" w.h5
		count=$(field result.count)
		if [ "$status" -ne 0 ] || [ "$count" -lt "$before" ] || [ "$count" -eq 0 ] ||
			[ "$(field result.sum)" -ne $((count * (count - 1) / 2)) ]; then
			outcome
			return 1
		fi
	done
}
coproc "$make" swmr
say stream
check "SWMR: a file that grows all the time" streamed
check "SWMR: ... and a selection of it" streamed -s :-1
# What is added meanwhile is no damage.
verified()
{
	for _ in 1 2 3 4 5; do
		quern verify --json w.h5
		[ "$status $(field files.0.growing) $(field summary.damages)" = "0 true 0" ] || return 1
	done
	grep -q 'warning: w.h5: a writer is adding to it' err
}
check "SWMR: verify" verified
quern verify --json --write-sums w.sums w.h5
is "SWMR: ... has no sums" '5 "held" no' \
	"$status $(field files.0.unverified.0.reason) $([ -e w.sums ] && echo yes || echo no)"
say stop
"$make" left
refuses 5 "left open" "left.h5: is marked as open for writing.*h5clear -s" run sum left.h5
finish
