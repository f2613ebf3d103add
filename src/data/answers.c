#include "data/answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
	char *bytes; /* owned: the key, then the answer; NULL: none */
	size_t key_nbytes, nbytes;
};

struct qn_answers {
	pthread_mutex_t lock;
	size_t next; /* that a new answer takes the place of */
	struct entry entry[QN_ANSWERS_MOST];
};

struct qn_answers *qn_answers_new(void)
{
	struct qn_answers *a = qn_calloc(1, sizeof(*a));

	if (a)
		pthread_mutex_init(&a->lock, NULL);
	return a;
}

void qn_answers_free(struct qn_answers *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < QN_ANSWERS_MOST; i++)
		free(a->entry[i].bytes);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static const struct entry *find(const struct qn_answers *a, const void *key, size_t key_nbytes)
{
	for (size_t i = 0; i < QN_ANSWERS_MOST; i++) {
		const struct entry *e = &a->entry[i];

		if (e->bytes && e->key_nbytes == key_nbytes && !memcmp(e->bytes, key, key_nbytes))
			return e;
	}
	return NULL;
}

void *qn_answers_find(struct qn_answers *a, const void *key, size_t key_nbytes, size_t *nbytes)
{
	const struct entry *e;
	char *copy = NULL;

	pthread_mutex_lock(&a->lock);
	e = find(a, key, key_nbytes);
	if (e)
		copy = qn_malloc(e->nbytes + 1);
	if (copy) {
		memcpy(copy, e->bytes + e->key_nbytes, e->nbytes);
		*nbytes = e->nbytes;
	}
	pthread_mutex_unlock(&a->lock);
	return copy;
}

void qn_answers_keep(struct qn_answers *a, const void *key, size_t key_nbytes, const void *answer,
		     size_t nbytes)
{
	char *bytes = nbytes <= QN_ANSWERS_MOST_NBYTES ? qn_malloc(key_nbytes + nbytes) : NULL;
	struct entry *e;

	if (!bytes)
		return;
	memcpy(bytes, key, key_nbytes);
	memcpy(bytes + key_nbytes, answer, nbytes);
	pthread_mutex_lock(&a->lock);
	e = &a->entry[a->next++ % QN_ANSWERS_MOST];
	free(e->bytes);
	*e = (struct entry){ bytes, key_nbytes, nbytes };
	pthread_mutex_unlock(&a->lock);
}
