# src/plan: sources of libquern.
LIB_SRCS += src/plan/cut.c
LIB_SRCS += src/plan/divide.c
LIB_SRCS += src/plan/holes.c
LIB_SRCS += src/plan/improve.c
LIB_SRCS += src/plan/items.c
LIB_SRCS += src/plan/mask.c
LIB_SRCS += src/plan/plan.c
LIB_SRCS += src/plan/seating.c
LIB_SRCS += src/plan/simulate.c
LIB_SRCS += src/plan/simulate_lease.c
LIB_SRCS += src/plan/spread.c
LIB_SRCS += src/plan/spread_order.c
LIB_SRCS += src/plan/synthetic.c
LIB_SRCS += src/plan/weigh.c
