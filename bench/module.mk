# bench: programs of one file each; NAME.c gives NAME. They may use internals.
BENCH_PROGS += bench/limits bench/mkchunks bench/mkfiles
BENCH_PROGS += bench/maps
BENCH_PROGS += bench/feed
BENCH_PROGS += bench/codecs
BENCH_PROGS += bench/column
BENCH_PROGS += bench/exact
BENCH_PROGS += bench/covariance
BENCH_PROGS += bench/plan
BENCH_PROGS += bench/session
BENCH_PROGS += bench/insitu
