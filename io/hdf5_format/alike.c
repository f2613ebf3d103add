#include "io/hdf5_format/alike.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "io/hdf5_format/contiguous.h"
#include "io/hdf5_format/header.h"
#include "io/hdf5_format/index.h"
#include "io/hdf5_format/known.h"
#include "io/hdf5_format/layout.h"
#include "io/hdf5_format/links.h"
#include "io/hdf5_format/met.h"
#include "io/hdf5_format/space.h"

#define PRINT_NBYTES	 16384
#define MOST_HEAP_NBYTES (1u << 20)
#define MOST_IN_HEAP	 (1u << 16)
#define MOST_DEPTH	 32
#define VARIABLE_LENGTH	 9 /* class of a datatype */

/* Other messages that a description is made of, byte by byte. */
static const unsigned plain[] = { QN_H5_DATATYPE, QN_H5_OLD_FILL, QN_H5_FILL, QN_H5_PIPELINE };
#define NPLAIN (sizeof(plain) / sizeof(plain[0]))

/* Messages that say nothing about the data. */
static const unsigned idle[] = { QN_H5_NIL, QN_H5_COMMENT, QN_H5_OLD_TIME, QN_H5_TIME,
				 QN_H5_REFERENCES };

/* What a header comes to: pieces in an order of their own, in one array. */
enum { NPIECES = NPLAIN + QN_NATTRIBUTES };
struct print {
	size_t at[NPIECES], n[NPIECES]; /* n 0: not there */
	size_t nbytes;
	uint8_t bytes[PRINT_NBYTES];
};

struct qn_h5_alike {
	const struct qn_dataset *like;
	struct print first;
	struct qn_h5_known known;
};

/* The file at hand. */
struct look {
	const struct qn_dataset *like;
	struct qn_h5_known *known; /* borrows */
	struct qn_h5_raw raw;
	struct qn_h5_window window;
	struct quern_message err; /* of which nobody hears */
	struct stat st;
	/* Headers of the datasets that dimensions are named after, and of the groups of these. */
	uint64_t scale[QUERN_MAX_DIMS], group[QUERN_MAX_DIMS];
	struct print print;
	bool has_space, has_layout;
	struct qn_h5_space space;
	struct qn_h5_layout layout;
};

/* --- prints --- */

static bool begin_piece(struct print *p, size_t piece)
{
	if (p->n[piece])
		return false; /* twice */
	p->at[piece] = p->nbytes;
	return true;
}

static bool add_bytes(struct print *p, size_t piece, const void *data, size_t nbytes)
{
	if (nbytes > PRINT_NBYTES - p->nbytes)
		return false;
	memcpy(p->bytes + p->nbytes, data, nbytes);
	p->nbytes += nbytes;
	p->n[piece] += nbytes;
	return true;
}

static bool same_print(const struct print *a, const struct print *b)
{
	for (size_t i = 0; i < NPIECES; i++)
		if (a->n[i] != b->n[i] ||
		    (a->n[i] && memcmp(a->bytes + a->at[i], b->bytes + b->at[i], a->n[i])))
			return false;
	return true;
}

/* --- values of variable length --- */

/* Index, references (2), padding (4), size, the bytes, padded to 8. */
static bool find_in_heap(const struct qn_h5_raw *r, struct qn_h5_cursor c, uint64_t index,
			 const uint8_t **out, uint64_t *nbytes)
{
	for (;;) {
		uint64_t number = qn_h5_take(&c, 2);

		qn_h5_skip(&c, 6);
		*nbytes = qn_h5_take(&c, r->length_nbytes);
		*out = c.at;
		if (c.overrun || number == 0 || *nbytes > qn_h5_left(&c))
			return false;
		if (number == index)
			return true;
		qn_h5_skip(&c, qn_ceil_div(*nbytes, 8) * 8);
	}
}

/* An object of a global heap, "GCOL", version, 3 bytes, size: owned. */
static bool read_heap(struct qn_h5_raw *r, uint64_t addr, uint64_t index, uint8_t **out,
		      uint64_t *nbytes)
{
	uint8_t head[16], *p;
	const uint8_t *found;
	unsigned skip = 8 + r->length_nbytes;
	uint64_t budget = r->budget, total;
	bool ok;

	if (qn_h5_read(r, addr, skip, head) != QUERN_OK || memcmp(head, "GCOL", 4) || head[4] != 1)
		return false;
	total = qn_h5_uint(head + 8, r->length_nbytes);
	if (total < skip || total > MOST_HEAP_NBYTES ||
	    qn_h5_read_new(r, addr, total, &p) != QUERN_OK)
		return false;
	r->budget = budget; /* other values are in the same heap */
	ok = find_in_heap(r, (struct qn_h5_cursor){ p + skip, p + total, false }, index, &found,
			  nbytes) &&
	     *nbytes <= MOST_IN_HEAP;
	*out = p;
	if (ok)
		memmove(p, found, *nbytes);
	else
		free(p);
	return ok;
}

/* A list of scales: the first must be the dataset after which the dimension is called. */
static bool is_scale(const struct look *l, size_t dim, const uint8_t *object, uint64_t nbytes)
{
	return dim < (size_t)l->like->ndim && nbytes >= l->raw.addr_nbytes &&
	       l->scale[dim] != QN_ADDR_NONE && qn_h5_addr(&l->raw, object) == l->scale[dim];
}

/* Elements: length (4), heap, index (4). What they lead to is added, not where it is. */
static bool add_variable(struct look *l, size_t attribute, struct qn_h5_cursor c)
{
	size_t piece = NPLAIN + attribute, size = 8u + l->raw.addr_nbytes, dim = 0;
	bool ok = qn_h5_left(&c) <= size * QUERN_MAX_DIMS;

	for (; ok && qn_h5_left(&c) >= size; dim++) {
		uint32_t length = (uint32_t)qn_h5_take(&c, 4);
		uint64_t addr = qn_h5_take_addr(&c, &l->raw), index = qn_h5_take(&c, 4), nbytes = 0;
		uint8_t *object = NULL;

		ok = add_bytes(&l->print, piece, &length, sizeof(length));
		if (!ok || length == 0)
			continue;
		ok = read_heap(&l->raw, addr, index, &object, &nbytes);
		if (!ok)
			continue;
		if (attribute == QN_DIMENSION_LIST)
			ok = is_scale(l, dim, object, nbytes);
		else
			ok = add_bytes(&l->print, piece, object, nbytes);
		free(object);
	}
	return ok;
}

/* --- messages --- */

static size_t pad(unsigned version, uint64_t n)
{
	return (size_t)(version == 1 ? qn_ceil_div(n, 8) * 8 : n);
}

/* Version, a byte, bytes of name, datatype and dataspace (2 each), in version 3 a byte; name, type,
   space, in version 1 each padded to 8; data. */
static bool take_attribute(struct look *l, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	unsigned version = (unsigned)qn_h5_take(&c, 1), flags = (unsigned)qn_h5_take(&c, 1);
	size_t name_nbytes = (size_t)qn_h5_take(&c, 2);
	size_t type_nbytes = pad(version, qn_h5_take(&c, 2));
	size_t space_nbytes = pad(version, qn_h5_take(&c, 2)), k = 0;
	const char *name;
	const uint8_t *type;

	qn_h5_skip(&c, version == 3 ? 1 : 0);
	name = (const char *)c.at;
	qn_h5_skip(&c, pad(version, name_nbytes));
	type = c.at;
	qn_h5_skip(&c, type_nbytes);
	qn_h5_skip(&c, space_nbytes);
	if (version < 1 || version > 3 || c.overrun || !memchr(name, '\0', name_nbytes) ||
	    type_nbytes == 0)
		return false;
	while (k < QN_NATTRIBUTES && strcmp(name, qn_attribute_names[k]))
		k++;
	if (k == QN_NATTRIBUTES)
		return true;
	if ((version > 1 && flags) || !begin_piece(&l->print, NPLAIN + k) ||
	    !add_bytes(&l->print, NPLAIN + k, type, type_nbytes + space_nbytes))
		return false;
	if ((type[0] & 15) == VARIABLE_LENGTH)
		return add_variable(l, k, c);
	return add_bytes(&l->print, NPLAIN + k, c.at, qn_h5_left(&c));
}

/* Attributes outside of the header are in a heap of another kind. */
static bool has_no_heap(const struct look *l, const struct qn_h5_message *m)
{
	struct qn_h5_cursor c = { m->data, m->data + m->nbytes, false };
	unsigned version = (unsigned)qn_h5_take(&c, 1), flags = (unsigned)qn_h5_take(&c, 1);

	qn_h5_skip(&c, flags & 1 ? 2 : 0);
	return version == 0 && qn_h5_take_addr(&c, &l->raw) == QN_ADDR_NONE && !c.overrun;
}

static bool take_space(struct look *l, const struct qn_h5_message *m)
{
	bool first = !l->has_space;

	l->has_space = true;
	return first && qn_h5_space_take(&l->raw, m, &l->space) && l->space.ndim > 0;
}

static bool take_layout(struct look *l, const struct qn_h5_message *m)
{
	bool first = !l->has_layout;

	l->has_layout = true;
	return first && qn_h5_layout_take(&l->raw, m, &l->layout) && l->layout.is_known;
}

static bool take_plain(struct look *l, const struct qn_h5_message *m)
{
	for (size_t i = 0; i < NPLAIN; i++)
		if (m->type == plain[i])
			return begin_piece(&l->print, i) &&
			       add_bytes(&l->print, i, m->data, m->nbytes);
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
		if (m->type == idle[i])
			return true;
	return false;
}

static enum quern_status visit(void *ctx, struct qn_h5_raw *r, const struct qn_h5_message *m,
			       bool *stop)
{
	struct look *l = ctx;
	bool ok;

	if (m->flags & QN_H5_SHARED)
		ok = false;
	else if (m->type == QN_H5_DATASPACE)
		ok = take_space(l, m);
	else if (m->type == QN_H5_LAYOUT)
		ok = take_layout(l, m);
	else if (m->type == QN_H5_ATTRIBUTE)
		ok = take_attribute(l, m);
	else if (m->type == QN_H5_ATTRIBUTE_INFO)
		ok = has_no_heap(l, m);
	else
		ok = take_plain(l, m);
	*stop = !ok;
	return ok ? QUERN_OK : qn_error_set(r->err, QUERN_ERR_DATA, "unusual");
}

/* --- a file --- */

/* What is looked for in a group: a part of the path, and the datasets that dimensions are named after,
   unless they are known not to be there. */
struct wanted {
	struct qn_h5_sought sought[1 + QUERN_MAX_DIMS];
	int dim[1 + QUERN_MAX_DIMS]; /* whose name it is */
	int n;
};

static void want(const struct look *l, uint64_t group, const char *part, size_t length,
		 struct wanted *w)
{
	w->sought[0] = (struct qn_h5_sought){ part, length, QN_ADDR_NONE };
	w->n = 1;
	for (int i = 0; i < l->like->ndim; i++) {
		const char *name = l->like->dim_name[i];

		if (!name || qn_h5_known_is_absent(l->known, group, (uint64_t)i))
			continue;
		w->sought[w->n] = (struct qn_h5_sought){ name, strlen(name), QN_ADDR_NONE };
		w->dim[w->n++] = i;
	}
}

static void take_scales(struct look *l, uint64_t group, const struct wanted *w)
{
	for (int k = 1; k < w->n; k++) {
		if (w->sought[k].addr == QN_ADDR_NONE) {
			qn_h5_known_add(&l->known->absent, group, (uint64_t)w->dim[k]);
		} else {
			l->scale[w->dim[k]] = w->sought[k].addr;
			l->group[w->dim[k]] = group;
		}
	}
}

/* Goes down the path. Names of dimensions are those of datasets of its groups, the nearest first. */
static bool find_dataset(struct look *l, uint64_t *header)
{
	const char *at = l->raw.path, *slash;
	struct wanted w;

	if (!qn_h5_find_root(&l->raw, header))
		return false;
	for (int i = 0; i < l->like->ndim; i++)
		l->scale[i] = QN_ADDR_NONE;
	do {
		at += *at == '/';
		slash = strchrnul(at, '/');
		want(l, *header, at, (size_t)(slash - at), &w);
		if (!qn_h5_links_find(&l->raw, *header, w.sought, w.n) ||
		    w.sought[0].addr == QN_ADDR_NONE)
			return false;
		take_scales(l, *header, &w);
		*header = w.sought[0].addr;
		at = slash;
	} while (*at);
	return true;
}

/* The search for a dataset that is longer than a dimension of this one. */
struct longer {
	struct qn_h5_raw *raw;
	uint64_t length;
	struct qn_h5_met groups; /* each is gone through once */
	int depth;
};

static bool is_longest_in(struct longer *s, uint64_t group);

/* False, which ends the search: it is longer, or nobody knows. */
static bool meet_link(void *ctx, const char *name, size_t length, uint64_t addr)
{
	struct longer *s = ctx;
	struct qn_h5_space space;

	(void)name;
	(void)length;
	if (addr == QN_ADDR_NONE)
		return true; /* what it leads to in this file has a hard link too */
	switch (qn_h5_look(s->raw, addr, &space)) {
	case QN_H5_IS_DATASET:
		return !qn_h5_space_exceeds(&space, s->length);
	case QN_H5_IS_GROUP:
		return is_longest_in(s, addr);
	case QN_H5_IS_ELSE:
		return true;
	default:
		return false;
	}
}

static bool is_longest_in(struct longer *s, uint64_t group)
{
	bool all = false, is_new;

	if (qn_h5_met_add(&s->groups, group, &is_new) == QN_H5_NOT_MET)
		return false;
	if (!is_new)
		return true; /* what is longer there would have ended the search */
	if (++s->depth <= MOST_DEPTH && !qn_h5_links_each(s->raw, group, meet_link, s, &all))
		all = false;
	s->depth--;
	return all;
}

static bool is_longest_from(struct look *l, uint64_t group, uint64_t length)
{
	struct longer s = { .raw = &l->raw, .length = length };
	const uint64_t budget = l->raw.budget;
	bool is;

	if (qn_h5_known_is_within(l->known, group, length))
		return true;
	is = is_longest_in(&s, group);
	if (is)
		qn_h5_known_add(&l->known->within, group, length);
	qn_h5_met_fini(&s.groups);
	l->raw.budget = budget;
	return is;
}

/* Is no dataset longer that may be on a dimension of this one? What is, and how far, the library finds
   out (extent.h). */
static bool is_longest(struct look *l)
{
	bool is = true;

	for (int i = 0; is && i < l->space.ndim; i++) {
		if (l->space.most[i] != UINT64_MAX || !l->like->dim_scale[i])
			continue;
		is = l->scale[i] != QN_ADDR_NONE &&
		     is_longest_from(l, l->group[i], l->space.shape[i]);
	}
	return is;
}

/* Looks at the header of the dataset in an open file. */
static bool look(struct look *l)
{
	uint64_t header;

	l->raw.window = &l->window;
	l->raw.err = &l->err;
	l->raw.nbytes = (uint64_t)l->st.st_size;
	qn_h5_known_begin(l->known, &l->st);
	return qn_h5_raw_open(&l->raw) == QUERN_OK && find_dataset(l, &header) &&
	       qn_h5_header_walk(&l->raw, header, visit, l) == QUERN_OK && l->has_space &&
	       l->has_layout && l->space.ndim == l->like->ndim &&
	       l->layout.class == l->like->layout;
}

/* By a writer, or it cannot be told. The library, which is asked instead, takes a lock in the same way. */
static bool is_locked(int fd)
{
	return qn_file_lock(fd, LOCK_SH) != 0;
}

static bool open_file(struct look *l, const struct qn_dataset *like, const char *file,
		      const char *path)
{
	l->like = like;
	l->raw.file = file;
	l->raw.path = path;
	l->raw.fd = qn_file_open(file, &l->st);
	return l->raw.fd >= 0 && !is_locked(l->raw.fd);
}

static void look_free(struct look *l)
{
	if (l && l->raw.fd >= 0)
		qn_sys_close(l->raw.fd);
	free(l);
}

struct qn_h5_alike *qn_h5_alike_new(const struct qn_dataset *d)
{
	struct qn_h5_alike *a = qn_calloc(1, sizeof(*a));
	struct look *l = qn_calloc(1, sizeof(*l));
	/* Of records and texts a header says more than is compared here. */
	bool ok = a && l && d->native && !d->scalar && d->record.nbytes == 0 &&
		  d->type.class != QN_TEXT && d->type.class != QN_OTHER;

	if (l) {
		l->raw.fd = -1;
		l->known = a ? &a->known : NULL;
	}
	ok = ok && open_file(l, d, d->file, d->path) && look(l);
	if (ok) {
		a->like = d;
		a->first = l->print;
	}
	look_free(l);
	if (ok)
		return a;
	free(a);
	return NULL;
}

void qn_h5_alike_free(struct qn_h5_alike *a)
{
	free(a);
}

/* The same as describe.c does with what the library says. */
static bool read_pieces(struct look *l, struct qn_dataset *d)
{
	uint64_t nbytes;

	if (d->layout == QN_CHUNKED)
		return qn_h5_index_read(&l->raw, &l->layout, l->space.most, l->layout.raw_edges,
					NULL, d) == QUERN_OK;
	if (l->layout.version < 3)
		return false;
	if (l->layout.data_addr == QN_ADDR_NONE || qn_dataset_nelems(d) == 0)
		return true;
	return qn_mul(qn_dataset_nelems(d), d->type.size, &nbytes) &&
	       nbytes <= l->layout.data_nbytes &&
	       qn_h5_runs_list(d, l->layout.data_addr, &l->err) == QUERN_OK;
}

static bool describe(struct look *l, struct qn_dataset *d)
{
	*d = *l->like;
	d->file = (char *)l->raw.file;
	d->path = (char *)l->raw.path;
	d->nchunks = 0;
	d->chunks = NULL;
	memcpy(d->shape, l->space.shape, sizeof(d->shape));
	memset(d->beyond, 0, sizeof(d->beyond));
	d->file_nbytes = (uint64_t)l->st.st_size;
	d->file_mtime_ns = (int64_t)l->st.st_mtim.tv_sec * 1000000000 + l->st.st_mtim.tv_nsec;
	d->user_block = l->raw.base;
	if (d->layout != QN_CHUNKED)
		qn_h5_runs_shape(d, d->layout == QN_COMPACT);
	return qn_dataset_check(d, &l->err) == QUERN_OK && read_pieces(l, d) &&
	       qn_dataset_check(d, &l->err) == QUERN_OK;
}

bool qn_h5_alike_describe(struct qn_h5_alike *a, const char *file, const char *path,
			  struct qn_dataset *out)
{
	struct look *l = qn_malloc(sizeof(*l));
	struct qn_dataset d = { .ndim = 0 };
	bool ok;

	if (!l)
		return false;
	memset(l, 0, offsetof(struct look, window));
	l->known = &a->known;
	l->window.at = l->window.n = 0;
	memset(&l->err, 0, sizeof(l->err));
	memset(l->print.n, 0, sizeof(l->print.n));
	l->print.nbytes = 0;
	l->has_space = l->has_layout = false;
	ok = open_file(l, a->like, file, path) && look(l) && same_print(&a->first, &l->print) &&
	     is_longest(l) && describe(l, &d);
	if (ok)
		*out = d;
	else
		free(d.chunks);
	look_free(l);
	return ok;
}
