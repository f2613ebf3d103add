#include "extract/extract.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/reading.h"

void qn_extract_init(struct qn_extract *e)
{
	*e = (struct qn_extract){ .stands = false };
	pthread_mutex_init(&e->lock, NULL);
}

static void free_answer(struct qn_answer *a)
{
	free(a->file);
	free(a->question);
	free(a->bytes);
}

void qn_extract_fini(struct qn_extract *e)
{
	for (size_t i = 0; i < e->n; i++)
		free_answer(&e->answer[i]);
	free(e->answer);
	pthread_mutex_destroy(&e->lock);
	*e = (struct qn_extract){ .stands = false };
}

struct qn_extract *qn_extract_noting(void)
{
	struct qn_extract *e = qn_reading()->extract;

	return e && !e->stands ? e : NULL;
}

const struct qn_extract *qn_extract_standing(void)
{
	const struct qn_extract *e = qn_reading()->extract;

	return e && e->stands ? e : NULL;
}

static bool copy(struct qn_answer *to, const char *file, const char *question, const void *bytes,
		 size_t nbytes)
{
	*to = (struct qn_answer){ .file = qn_strdup(file),
				  .question = qn_strdup(question),
				  .bytes = qn_malloc(nbytes + 1),
				  .nbytes = nbytes };
	if (to->file && to->question && to->bytes) {
		memcpy(to->bytes, bytes, nbytes);
		return true;
	}
	free_answer(to);
	return false;
}

void qn_extract_note(struct qn_extract *e, const char *file, const char *question,
		     const void *bytes, size_t nbytes)
{
	pthread_mutex_lock(&e->lock);
	if (bytes && qn_grow(&e->answer, &e->room, e->n + 1, sizeof(*e->answer)) &&
	    copy(&e->answer[e->n], file, question, bytes, nbytes))
		e->n++;
	else
		e->lacks_memory = true;
	pthread_mutex_unlock(&e->lock);
}

static int compare(const struct qn_answer *a, const struct qn_answer *b)
{
	const int by_file = strcmp(a->file, b->file);

	return by_file ? by_file : strcmp(a->question, b->question);
}

/* Of the same question what was noted first has the lower address, which says so while it is sorted. */
struct place {
	struct qn_answer answer;
	size_t at;
};

static int compare_places(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;
	const int order = compare(&a->answer, &b->answer);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

/* Values, which begin with V, are of files that may be others by now; descriptions say how these were stored. */
static bool differ(const struct qn_answer *a, const struct qn_answer *b)
{
	return *a->question == 'V' &&
	       (a->nbytes != b->nbytes || memcmp(a->bytes, b->bytes, a->nbytes) != 0);
}

void qn_extract_settle(struct qn_extract *e)
{
	struct place *place = qn_calloc(e->n, sizeof(*place));
	size_t n = 0;

	e->lacks_memory |= !place;
	if (!place)
		return;
	for (size_t i = 0; i < e->n; i++)
		place[i] = (struct place){ e->answer[i], i };
	qsort(place, e->n, sizeof(*place), compare_places);
	for (size_t i = 0; i < e->n; i++) {
		if (!n || compare(&e->answer[n - 1], &place[i].answer)) {
			e->answer[n++] = place[i].answer;
			continue;
		}
		if (differ(&e->answer[n - 1], &place[i].answer))
			e->differs = e->answer[n - 1];
		free_answer(&place[i].answer);
	}
	e->n = n;
	free(place);
}

const struct qn_answer *qn_extract_find(const struct qn_extract *e, const char *file,
					const char *question)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct qn_answer *a = &e->answer[middle];
		int order = strcmp(file, a->file);

		order = order ? order : strcmp(question, a->question);
		if (!order)
			return a;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool qn_extract_add(struct qn_extract *e, const struct qn_extract *other, size_t n,
		    const char *const *from, const char *const *to)
{
	for (size_t i = 0; i < other->n; i++) {
		const struct qn_answer *a = &other->answer[i];
		const char *file = a->file;

		for (size_t k = 0; k < n; k++)
			if (!strcmp(a->file, from[k]))
				file = to[k];
		qn_extract_note(e, file, a->question, a->bytes, a->nbytes);
	}
	return !e->lacks_memory;
}

/* --- flat form: of each answer three lengths, then file and question with their '\0', and the bytes --- */

void *qn_extract_pack(const struct qn_extract *e, size_t *nbytes)
{
	char *out = NULL;
	FILE *f = e->lacks_memory ? NULL : qn_open_memstream(&out, nbytes);

	for (size_t i = 0; f && i < e->n; i++) {
		const struct qn_answer *a = &e->answer[i];
		const uint64_t head[3] = { strlen(a->file) + 1, strlen(a->question) + 1,
					   a->nbytes };

		fwrite(head, sizeof(head), 1, f);
		fwrite(a->file, 1, head[0], f);
		fwrite(a->question, 1, head[1], f);
		fwrite(a->bytes, 1, head[2], f);
	}
	if (f && !fclose(f))
		return out;
	free(out);
	return NULL;
}

static bool is_text(const char *at, uint64_t nbytes)
{
	return nbytes && memchr(at, '\0', nbytes) == at + nbytes - 1;
}

/* The answer at *at, which is moved behind it. False: it is none. */
static bool take(struct qn_extract *e, const char **at, const char *end)
{
	uint64_t head[3];
	uint64_t left = (uint64_t)(end - *at);
	const char *file = *at + sizeof(head), *question, *bytes;

	if (left < sizeof(head))
		return false;
	memcpy(head, *at, sizeof(head));
	left -= sizeof(head);
	if (head[0] > left || head[1] > left - head[0] || head[2] > left - head[0] - head[1])
		return false;
	question = file + head[0];
	bytes = question + head[1];
	if (!is_text(file, head[0]) || !is_text(question, head[1]))
		return false;
	qn_extract_note(e, file, question, bytes, head[2]);
	*at = bytes + head[2];
	return true;
}

enum quern_status qn_extract_unpack(struct qn_extract *e, const void *data, size_t nbytes,
				    struct quern_message *err)
{
	const char *at = data, *end = at + nbytes;

	while (at < end)
		if (!take(e, &at, end))
			return qn_error_set(err, QUERN_ERR_DATA,
					    "what is known of its files is damaged");
	return e->lacks_memory ? qn_error_nomem(err, nbytes, "what is known of files") : QUERN_OK;
}
