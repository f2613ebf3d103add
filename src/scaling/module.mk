# src/scaling: sources of the command.
CLI_SRCS += src/scaling/bench.c
CLI_SRCS += src/scaling/limits.c
CLI_SRCS += src/scaling/report.c
