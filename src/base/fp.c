#include "base/fp.h"

#include "base/cpu.h"

fenv_t qn_fp_own(void)
{
	fenv_t of_caller;

	fegetenv(&of_caller);
	fesetenv(FE_DFL_ENV);
	/* Some C libraries leave flush-to-zero as it is. */
	qn_cpu_reset_fp();
	return of_caller;
}

void qn_fp_give_back(const fenv_t *of_caller)
{
	fesetenv(of_caller);
}
