# kernels/spells: sources of libquern.
LIB_SRCS += kernels/spells/spells.c
