/*
 * fp.h - the floating-point environment of a program that calls the library: rounding, traps, flags,
 * and what becomes of denormals. The library computes in the default one and gives back the caller's
 * as it was, without the flags that its own work raises.
 */
#ifndef QN_BASE_FP_H
#define QN_BASE_FP_H

#include <fenv.h>

/* What the calling thread has, which from then on has the default. */
fenv_t qn_fp_own(void);
void qn_fp_give_back(const fenv_t *of_caller);

/* What the environment of the calling thread is, without the flags that computing raises: equal numbers are equal
   environments. */
unsigned long qn_fp_mode(void);

/* At the head of every public function that computes: until it returns, wherever that is. */
#define QN_OWN_FP \
	__attribute__((cleanup(qn_fp_give_back), unused)) const fenv_t of_caller = qn_fp_own()

#endif
