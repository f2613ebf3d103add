# src/manual: sources of what the command has of the manual, and the texts: PAGE.md gives the man page PAGE.
# The order of pages is that of `quern help`.
CLI_SRCS += src/manual/completion.c
CLI_SRCS += src/manual/manual.c
CLI_SRCS += src/manual/roff.c
CLI_SRCS += src/manual/rows.c
CLI_SRCS += src/manual/text.c
MANUAL_PAGES += quern.1
MANUAL_PAGES += quern-run.1
MANUAL_PAGES += quern-plan.1
MANUAL_PAGES += quern-inspect.1
MANUAL_PAGES += quern-verify.1
MANUAL_PAGES += quern-stage.1
MANUAL_PAGES += quern-unstage.1
MANUAL_PAGES += quern-kernels.1
MANUAL_PAGES += quern-bench.1
MANUAL_PAGES += quern-info.1
MANUAL_PAGES += quern-help.1
MANUAL_PAGES += quern.7
MANUAL_PAGES += quern-data.7
MANUAL_PAGES += quern-select.7
MANUAL_PAGES += quern-placement.7
MANUAL_PAGES += quern-kernel.7
MANUAL_PAGES += quern-json.5
MANUAL_PAGES += quern-site.5
MANUAL_PAGES += quern-python.7
MANUAL_PAGES += quern.3
MANUAL_PAGES += quern-fortran.3
