# src/authoring: sources of the command.
CLI_SRCS += src/authoring/kernel_check.c
CLI_SRCS += src/authoring/kernel_new.c
CLI_SRCS += src/authoring/kernels.c
