# src/api: sources of libquern.
LIB_SRCS += src/api/calibrate.c
LIB_SRCS += src/api/catalogue.c
LIB_SRCS += src/api/datasets.c
LIB_SRCS += src/api/document.c
LIB_SRCS += src/api/homes.c
LIB_SRCS += src/api/inspect.c
LIB_SRCS += src/api/labels.c
LIB_SRCS += src/api/options.c
LIB_SRCS += src/api/plan.c
LIB_SRCS += src/api/result.c
LIB_SRCS += src/api/result_file.c
LIB_SRCS += src/api/run.c
LIB_SRCS += src/api/session.c
LIB_SRCS += src/api/settings.c
LIB_SRCS += src/api/stage.c
LIB_SRCS += src/api/verify.c
LIB_SRCS += src/api/write.c
