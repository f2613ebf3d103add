/*
 * sum.h - XXH3-128 sums: of stored chunks, of what a dataset is, of any bytes.
 *
 * They find damage, not forgery. Without libxxhash nothing can be summed: qn_sum_check says so, and
 * the other functions must not be called.
 */
#ifndef QN_DATA_SUM_H
#define QN_DATA_SUM_H

#include "data/dataset.h"

/* The canonical form of XXH3_128bits: big-endian. */
struct qn_sum {
	uint8_t byte[16];
};

#define QN_SUM_DIGITS 32

/* QUERN_ERR_USAGE when this quern was built without sums, naming what to install. */
enum quern_status qn_sum_check(struct quern_message *err);
/* "libxxhash 0.8.1", or NULL without it. Writes into out. */
const char *qn_sum_library(char *out, size_t nbytes);

void qn_sum_of(const void *data, size_t nbytes, struct qn_sum *out);
bool qn_sum_equal(const struct qn_sum *a, const struct qn_sum *b);

/* The sum as QN_SUM_DIGITS hexadecimal digits and '\0'; reading takes exactly these digits, in lower
   case, and looks at no more of the text. */
void qn_sum_write(const struct qn_sum *s, char *out);
bool qn_sum_read(const char *text, struct qn_sum *out);

/* A sum in pieces. new: NULL when there is no memory. get may be called at any time. */
struct qn_summer;
struct qn_summer *qn_summer_new(void);
void qn_summer_free(struct qn_summer *s);
void qn_summer_reset(struct qn_summer *s);
void qn_summer_add(struct qn_summer *s, const void *data, size_t nbytes);
void qn_summer_get(const struct qn_summer *s, struct qn_sum *out);

/*
 * The sum of all that says what the stored bytes of a dataset mean: type, shape, chunks, filters,
 * fill value, CF attributes, units, names of dimensions. Where the chunks are is not part of it, nor
 * is the name of the file: a copy with other addresses has the same sum.
 */
enum quern_status qn_sum_dataset(const struct qn_dataset *d, struct qn_sum *out,
				 struct quern_message *err);

#endif
