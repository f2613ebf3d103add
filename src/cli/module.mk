# src/cli: sources of the command, one file a subcommand.
CLI_SRCS +=
