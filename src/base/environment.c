#include "base/environment.h"

#include "base/cpu.h"
#include "base/log.h"
#include "base/options.h"

enum quern_status qn_environment_begin(struct quern_message *err)
{
	int which = -1;
	enum quern_status st = qn_cpu_check(err);

	if (!st)
		st = qn_variable_word("QUERN_LOG", qn_log_names, &which, err);
	if (!st)
		atomic_store(&qn_log_most, which < 0 ? QN_LOG_NONE : QN_LOG_ERROR + which);
	return st;
}
