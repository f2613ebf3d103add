# src/cli: sources of the command.
CLI_SRCS += src/cli/args.c
CLI_SRCS += src/cli/bench.c
CLI_SRCS += src/cli/bench_limits.c
CLI_SRCS += src/cli/bench_report.c
CLI_SRCS += src/cli/catalogue.c
CLI_SRCS += src/cli/document.c
CLI_SRCS += src/cli/help.c
CLI_SRCS += src/cli/homes.c
CLI_SRCS += src/cli/inspect.c
CLI_SRCS += src/cli/known.c
CLI_SRCS += src/cli/main.c
CLI_SRCS += src/cli/output.c
CLI_SRCS += src/cli/plan.c
CLI_SRCS += src/cli/run.c
CLI_SRCS += src/cli/stage.c
CLI_SRCS += src/cli/terminal.c
CLI_SRCS += src/cli/verify.c
