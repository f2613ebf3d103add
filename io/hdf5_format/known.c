#include "io/hdf5_format/known.h"

#include <string.h>

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(&a->st_mtim, &b->st_mtim) && is_same_time(&a->st_ctim, &b->st_ctim);
}

void qn_h5_known_begin(struct qn_h5_known *known, const struct stat *file)
{
	if (is_same_file(&known->file, file))
		return;
	memset(known, 0, sizeof(*known));
	known->file = *file;
}

void qn_h5_known_add(struct qn_h5_facts *facts, uint64_t group, uint64_t value)
{
	facts->fact[facts->next] = (struct qn_h5_fact){ group, value };
	facts->next = (facts->next + 1) % QN_H5_MOST_KNOWN;
	facts->n += facts->n < QN_H5_MOST_KNOWN;
}

bool qn_h5_known_is_absent(const struct qn_h5_known *known, uint64_t group, uint64_t name)
{
	const struct qn_h5_facts *f = &known->absent;

	for (size_t i = 0; i < f->n; i++)
		if (f->fact[i].group == group && f->fact[i].value == name)
			return true;
	return false;
}

bool qn_h5_known_is_within(const struct qn_h5_known *known, uint64_t group, uint64_t length)
{
	const struct qn_h5_facts *f = &known->within;

	for (size_t i = 0; i < f->n; i++)
		if (f->fact[i].group == group && f->fact[i].value <= length)
			return true;
	return false;
}
