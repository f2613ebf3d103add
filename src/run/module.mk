# src/run: sources of libquern.
LIB_SRCS += src/run/balance.c
LIB_SRCS += src/run/crew.c
LIB_SRCS += src/run/expected_sums.c
LIB_SRCS += src/run/failover.c
LIB_SRCS += src/run/forecast.c
LIB_SRCS += src/run/holes.c
LIB_SRCS += src/run/lease.c
LIB_SRCS += src/run/numa_watch.c
LIB_SRCS += src/run/passes.c
LIB_SRCS += src/run/queue.c
LIB_SRCS += src/run/refusals.c
LIB_SRCS += src/run/report.c
LIB_SRCS += src/run/run.c
LIB_SRCS += src/run/scatter.c
LIB_SRCS += src/run/schedule.c
LIB_SRCS += src/run/synthetic.c
LIB_SRCS += src/run/workers.c
