/*
 * values.h - a dataset read whole into memory, with what is missing in it: coordinates, labels.
 */
#ifndef QN_DESCRIBE_VALUES_H
#define QN_DESCRIBE_VALUES_H

#include "feed/feed.h"

/* Elements in C order of the extents that the dimensions have (qn_dataset_length): those that are not
   stored because the dataset ends earlier are missing. One of the three is there. */
struct qn_values {
	uint64_t n;
	int64_t *integers; /* owned */
	bool is_unsigned;  /* integers are the bits of uint64 */
	double *reals;	   /* owned */
	char *texts;	   /* owned: text_nbytes each, filled up with zeros */
	size_t text_nbytes;
	uint8_t *missing; /* owned: 1 where an element is; NULL: none is */
};

/* More elements than this are not read, and not more bytes of text. */
#define QN_MOST_VALUES (UINT64_C(1) << 31)

/* Reads all elements of a description with its chunks, through the feed, on this host. view: of d.
   Missing is what the view says; NaN is not, here. The caller frees with qn_values_fini, whatever is
   returned. Not collective. */
enum quern_status qn_values_read(const struct qn_dataset *d, const struct qn_view *view,
				 struct qn_values *out, struct quern_message *err);
/* The same of element `at` of a dataset of one dimension, alone. */
enum quern_status qn_values_read_one(const struct qn_dataset *d, const struct qn_view *view,
				     uint64_t at, struct qn_values *out, struct quern_message *err);
void qn_values_fini(struct qn_values *v);

/* Room for n elements, zeroed; which of the three: by the view of d. */
enum quern_status qn_values_room(const struct qn_dataset *d, const struct qn_view *view, uint64_t n,
				 struct qn_values *out, struct quern_message *err);

#endif
