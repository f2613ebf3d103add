# src/cli: sources of the command, one file a subcommand.
CLI_SRCS += src/cli/args.c src/cli/catalogue.c src/cli/main.c src/cli/output.c src/cli/run.c
CLI_SRCS += src/cli/bench.c src/cli/bench_limits.c src/cli/bench_report.c
