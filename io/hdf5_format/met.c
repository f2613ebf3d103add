#include "io/hdf5_format/met.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LEAST_NBITS 6

/* Of a product the highest bits depend on all of the address. */
static size_t slot_of(const struct qn_h5_met *m, uint64_t addr)
{
	const size_t mask = ((size_t)1 << m->nbits) - 1;
	size_t i = (size_t)(addr * UINT64_C(0x9e3779b97f4a7c15) >> (64 - m->nbits));

	while (m->slot[i] != QN_H5_NOT_MET && m->addr[m->slot[i]] != addr)
		i = (i + 1) & mask;
	return i;
}

/* Room for one more: at most every second slot is taken. */
static bool grow(struct qn_h5_met *m)
{
	const unsigned nbits = m->nbits ? m->nbits + 1 : LEAST_NBITS;
	const size_t n = (size_t)1 << nbits;
	uint64_t *addr;
	size_t *slot;

	if (m->n < m->room)
		return true;
	addr = qn_realloc(m->addr, n / 2 * sizeof(*addr));
	if (!addr)
		return false;
	m->addr = addr;
	slot = qn_malloc(n * sizeof(*slot));
	if (!slot)
		return false;
	free(m->slot);
	m->slot = slot;
	m->nbits = nbits;
	m->room = n / 2;
	for (size_t i = 0; i < n; i++)
		slot[i] = QN_H5_NOT_MET;
	for (size_t i = 0; i < m->n; i++)
		slot[slot_of(m, addr[i])] = i;
	return true;
}

size_t qn_h5_met_add(struct qn_h5_met *m, uint64_t addr, bool *is_new)
{
	size_t i;

	*is_new = false;
	if (!grow(m))
		return QN_H5_NOT_MET;
	i = slot_of(m, addr);
	*is_new = m->slot[i] == QN_H5_NOT_MET;
	if (*is_new) {
		m->addr[m->n] = addr;
		m->slot[i] = m->n++;
	}
	return m->slot[i];
}

size_t qn_h5_met_find(const struct qn_h5_met *m, uint64_t addr)
{
	return m->n ? m->slot[slot_of(m, addr)] : QN_H5_NOT_MET;
}

void qn_h5_met_fini(struct qn_h5_met *m)
{
	free(m->addr);
	free(m->slot);
	memset(m, 0, sizeof(*m));
}
