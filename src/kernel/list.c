#include "kernel/list.h"

#include <string.h>

#include "base/mem.h"
#include "kernel/tile.h"

size_t qn_list_key_nbytes(enum quern_dtype t)
{
	return qn_dtype_size(t) > sizeof(uint32_t) ? sizeof(uint64_t) : sizeof(uint32_t);
}

size_t qn_list_nwords(enum quern_dtype t, uint64_t n)
{
	const uint64_t of_word = sizeof(int64_t) / qn_list_key_nbytes(t);
	const uint64_t nwords = qn_ceil_div(n, of_word);

	return nwords < PTRDIFF_MAX / sizeof(int64_t) ? (size_t)nwords + 1 : SIZE_MAX;
}

uint64_t qn_list_most(enum quern_dtype t, size_t nwords)
{
	return (uint64_t)(nwords - 1) * (sizeof(int64_t) / qn_list_key_nbytes(t));
}

size_t qn_list_nwords_used(enum quern_dtype t, const int64_t *list)
{
	return qn_list_nwords(t, (uint64_t)list[0]);
}

void qn_list_merge(enum quern_dtype t, int64_t *into, const int64_t *from)
{
	const size_t size = qn_list_key_nbytes(t);

	memcpy((char *)(into + 1) + (size_t)into[0] * size, from + 1, (size_t)from[0] * size);
	into[0] += from[0];
}
