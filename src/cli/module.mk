# src/cli: sources of the command, one file a subcommand.
CLI_SRCS += src/cli/args.c src/cli/catalogue.c src/cli/main.c src/cli/output.c src/cli/run.c
