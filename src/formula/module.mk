# src/formula: sources of libquern.
LIB_SRCS += src/formula/against.c
LIB_SRCS += src/formula/apply.c
LIB_SRCS += src/formula/bad_weight.c
LIB_SRCS += src/formula/formula.c
LIB_SRCS += src/formula/known.c
LIB_SRCS += src/formula/known_values.c
LIB_SRCS += src/formula/latitude.c
LIB_SRCS += src/formula/operand.c
LIB_SRCS += src/formula/picked.c
LIB_SRCS += src/formula/piece.c
LIB_SRCS += src/formula/stored.c
LIB_SRCS += src/formula/stored_find.c
