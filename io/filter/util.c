/*
 * util.c - what several filters need: scratch memory, integers of either byte order.
 */
#include "io/filter/filters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint8_t *qn_scratch_reserve(struct qn_scratch *s, size_t nbytes)
{
	const int before = errno;

	if (nbytes <= s->nbytes)
		return s->bytes;
	free(s->bytes);
	s->bytes = qn_alloc_aligned(nbytes);
	s->nbytes = s->bytes ? nbytes : 0;
	errno = s->bytes ? before : ENOMEM;
	return s->bytes;
}

void *qn_scratch_new(void)
{
	return qn_calloc(1, sizeof(struct qn_scratch));
}

void qn_scratch_free(void *scratch)
{
	struct qn_scratch *s = scratch;

	free(s->bytes);
	free(s);
}

uint32_t qn_load_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t qn_load_le64(const uint8_t *p)
{
	return qn_load_le32(p) | (uint64_t)qn_load_le32(p + 4) << 32;
}

uint32_t qn_load_be32(const uint8_t *p)
{
	return p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

uint64_t qn_load_be64(const uint8_t *p)
{
	return qn_load_be32(p + 4) | (uint64_t)qn_load_be32(p) << 32;
}
