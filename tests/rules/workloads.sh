#!/usr/bin/env bash
# The jobs of examples/workloads.sh on little data, without those that they are compared with.

. "$SRCDIR/tests/lib.sh"
look=$BUILDDIR/tests/tools/look

DIR=$PWD TIMES=40 MORE=2 PYTHON=false bash "$SRCDIR/examples/workloads.sh" >out 2>err
check "all are done" [ "$? $(wc -c <err) $(grep -c '^  quern .* MiB$' out)" = "0 0 3" ]
check "each in two commands at most" [ "$(grep -c '^  \$ quern run ' out)" -eq 4 ]
check "and on more data" [ "$(grep -c '^  quern .* MiB, of 2 times the data$' out)" -eq 3 ]
check "fluxes of days" grep -q '^u10_cov f8(date 10, lat 37)' <("$look" fluxes.nc)
check "an index by months" grep -q '^index f8(time 2, lat 37, lon 72)' <("$look" index.nc)
check "means of counties" grep -q '^t2m f8(county 50, time 40)' <("$look" means.nc)
finish
