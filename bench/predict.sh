#!/usr/bin/env bash
# predict.sh - a scaling curve over threads as it is measured, and as the simulation predicts it from
# the runs with one thread.
#
#	predict.sh QUERN KERNEL DATASET FILE OUTPUT_DIRECTORY
#
# Writes predict.csv (threads, measured and predicted seconds of work) and, with gnuplot,
# predict.png. Medians of five runs in turn.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

if [ $# -ne 5 ]; then
	echo "usage: predict.sh QUERN KERNEL DATASET FILE OUTPUT_DIRECTORY" >&2
	exit 2
fi
quern=$1 kernel=$2 dataset=$3 file=$4 out=$5
mkdir -p "$out"
rm -f "$out"/predict.*.seconds

threads=$(for ((n = 1; n < $(nproc); n *= 2)); do echo "$n"; done; nproc)
for _ in 1 2 3 4 5; do
	for n in $threads; do
		"$quern" run "$kernel" -d "$dataset" --threads "$n" -o "$out/predict.run.json" "$file"
		jq .run.seconds.work "$out/predict.run.json" >>"$out/predict.$n.seconds"
		[ "$n" != 1 ] || cp "$out/predict.run.json" "$out/predict.one.json"
	done
done
jq --argjson s "$(median <"$out/predict.1.seconds")" '.run.seconds.work = $s' \
	"$out/predict.one.json" >"$out/predict.calibration.json"
echo "threads,measured,predicted" >"$out/predict.csv"
for n in $threads; do
	predicted=$("$quern" plan "$kernel" -d "$dataset" --threads "$n" --simulate --json \
		--calibrate "$out/predict.calibration.json" "$file" |
		jq '.simulation[0].seconds.work')
	echo "$n,$(median <"$out/predict.$n.seconds"),$predicted" >>"$out/predict.csv"
done
rm -f "$out"/predict.*.seconds "$out"/predict.*.json
cat "$out/predict.csv"
if command -v gnuplot >/dev/null; then
	gnuplot -e "input = '$out/predict.csv'; output = '$out/predict.png'" \
		"$(dirname "$0")/predict.gp"
fi
