#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/system.h"

void qn_check_failed(const char *what, const char *why, const char *file, int line)
{
	char text[512];
	const int n = snprintf(text, sizeof(text), "quern: a %s is broken, noticed at %s:%d: %s\n",
			       what, file, line, why);

	if (n <= 0 || qn_sys_write(STDERR_FILENO, text, (size_t)n) != n)
		_exit(134);
	abort();
}
