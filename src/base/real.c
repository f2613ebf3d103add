#include "base/real.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A decimal of up to 15 digits comes back from a double as it was, so that no shorter one than the
   first that is tried means the same; but below the normal numbers a double has fewer. */
void qn_real_print(double x, char out[QN_REAL_NBYTES])
{
	int digits = fabs(x) < DBL_MIN ? 1 : DBL_DIG;

	do
		snprintf(out, QN_REAL_NBYTES, "%.*g", digits, x);
	while (isfinite(x) && digits++ < DBL_DECIMAL_DIG && strtod(out, NULL) != x);
}
