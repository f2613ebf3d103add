#include "exec/resolve.h"

enum quern_status qn_resolve(struct qn_dataset *d, const uint64_t *origin, struct qn_mosaic *m,
			     struct quern_message *err)
{
	return qn_mosaic_place(m, d, origin, err);
}
