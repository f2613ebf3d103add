/*
 * listing.c - what a file has, as a list that grows, is sorted, and goes through a pipe.
 */
#include "data/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void qn_target_fini(struct qn_target *t)
{
	free(t->file);
	free(t->path);
	free(t->why);
	memset(t, 0, sizeof(*t));
}

const char *const qn_object_names[QN_NOBJECTS] = {
	[QN_NOTHING] = "nothing",	 [QN_GROUP] = "group",
	[QN_DATASET] = "dataset",	 [QN_DATATYPE] = "datatype",
	[QN_DAMAGED_OBJECT] = "damaged", [QN_OTHER_FILE] = "other_file",
};

const char *const qn_role_names[QN_NROLES] = {
	[QN_VARIABLE] = "variable",	    [QN_COORDINATE] = "coordinate", [QN_BOUNDS] = "bounds",
	[QN_GRID_MAPPING] = "grid_mapping", [QN_DIMENSION] = "dimension",
};

static void link_fini(struct qn_link *l)
{
	free(l->path);
	free(l->file);
	free(l->target);
}

void qn_listing_fini(struct qn_listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->path[i]);
	for (size_t i = 0; i < l->nlinks; i++)
		link_fini(&l->link[i]);
	for (size_t i = 0; i < l->nflaws; i++) {
		free(l->flaw[i].path);
		free(l->flaw[i].why);
	}
	free(l->path);
	free(l->about);
	free(l->link);
	free(l->flaw);
	memset(l, 0, sizeof(*l));
}

bool qn_listing_add(struct qn_listing *l, const char *path)
{
	char *copy = qn_strdup(path);

	if (!copy || !qn_grow_by_one(&l->path, l->n, sizeof(*l->path))) {
		free(copy);
		return false;
	}
	l->path[l->n++] = copy;
	return true;
}

bool qn_listing_add_link(struct qn_listing *l, const struct qn_link *new)
{
	struct qn_link copy = *new;

	copy.path = qn_strdup(new->path);
	copy.file = qn_strdup(new->file);
	copy.target = qn_strdup(new->target);
	if (!copy.path || !copy.file || !copy.target ||
	    !qn_grow_by_one(&l->link, l->nlinks, sizeof(*l->link))) {
		link_fini(&copy);
		return false;
	}
	l->link[l->nlinks++] = copy;
	return true;
}

bool qn_listing_add_flaw(struct qn_listing *l, const char *path, const char *why)
{
	struct qn_flaw copy = { qn_strdup(path), qn_strdup(why) };

	if (!copy.path || !copy.why || !qn_grow_by_one(&l->flaw, l->nflaws, sizeof(*l->flaw))) {
		free(copy.path);
		free(copy.why);
		return false;
	}
	l->flaw[l->nflaws++] = copy;
	return true;
}

/* --- order --- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int link_by_path(const void *a, const void *b)
{
	return strcmp(((const struct qn_link *)a)->path, ((const struct qn_link *)b)->path);
}

static int flaw_by_path(const void *a, const void *b)
{
	return strcmp(((const struct qn_flaw *)a)->path, ((const struct qn_flaw *)b)->path);
}

void qn_listing_sort(struct qn_listing *l)
{
	if (l->n)
		qsort(l->path, l->n, sizeof(*l->path), by_name);
	if (l->nlinks)
		qsort(l->link, l->nlinks, sizeof(*l->link), link_by_path);
	if (l->nflaws)
		qsort(l->flaw, l->nflaws, sizeof(*l->flaw), flaw_by_path);
}

bool qn_listing_has(const struct qn_listing *l, const char *path)
{
	return l->n && bsearch(&path, l->path, l->n, sizeof(*l->path), by_name);
}

bool qn_path_is_below(const char *path, const char *group)
{
	size_t n = strlen(group);

	while (n && group[n - 1] == '/')
		n--;
	return !strncmp(path, group, n) && (path[n] == '/' || !path[n]);
}

/* --- the flat form: a head, kinds of the links, what is known of the datasets, texts --- */

struct head {
	uint64_t n, nabout, nlinks, nflaws;
};

struct kind {
	uint32_t kind, leads_to;
};

/* Text i of a listing: paths, three of each link, two of each flaw. */
static char **text_slot(const struct qn_listing *l, size_t i)
{
	if (i < l->n)
		return &l->path[i];
	i -= l->n;
	if (i < 3 * l->nlinks) {
		struct qn_link *x = &l->link[i / 3];

		return i % 3 == 0 ? &x->path : i % 3 == 1 ? &x->file : &x->target;
	}
	i -= 3 * l->nlinks;
	return i % 2 ? &l->flaw[i / 2].why : &l->flaw[i / 2].path;
}

static size_t ntexts(const struct qn_listing *l)
{
	return l->n + 3 * l->nlinks + 2 * l->nflaws;
}

static size_t fixed_nbytes(const struct head *h)
{
	return sizeof(*h) + h->nlinks * sizeof(struct kind) + h->nabout * sizeof(struct qn_about);
}

void *qn_listing_pack(const struct qn_listing *l, size_t *nbytes)
{
	const struct head h = { l->n, l->about ? l->n : 0, l->nlinks, l->nflaws };
	size_t n = fixed_nbytes(&h);
	char *out, *p;

	for (size_t i = 0; i < ntexts(l); i++)
		n += strlen(*text_slot(l, i)) + 1;
	out = p = qn_malloc(n);
	if (!out)
		return NULL;
	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	for (size_t i = 0; i < l->nlinks; i++, p += sizeof(struct kind)) {
		const struct kind k = { l->link[i].kind, l->link[i].leads_to };

		memcpy(p, &k, sizeof(k));
	}
	if (h.nabout)
		memcpy(p, l->about, h.nabout * sizeof(*l->about));
	p += h.nabout * sizeof(*l->about);
	for (size_t i = 0; i < ntexts(l); i++)
		p = stpcpy(p, *text_slot(l, i)) + 1;
	*nbytes = n;
	return out;
}

static const char *bad_about(const struct qn_about *a)
{
	if ((unsigned)a->role >= QN_NROLES || a->ndim < 0 || a->ndim > QUERN_MAX_DIMS ||
	    !memchr(a->dtype, '\0', sizeof(a->dtype)))
		return "what is said of a dataset in a list is impossible";
	return NULL;
}

/* Arrays of the sizes that the head says, which is checked; false without memory. */
static bool make_room(struct qn_listing *l, const struct head *h)
{
	l->path = qn_calloc(h->n, sizeof(*l->path));
	l->link = qn_calloc(h->nlinks, sizeof(*l->link));
	l->flaw = qn_calloc(h->nflaws, sizeof(*l->flaw));
	l->about = h->nabout ? qn_calloc(h->nabout, sizeof(*l->about)) : NULL;
	if (!l->path || !l->link || !l->flaw || (h->nabout && !l->about))
		return false;
	l->n = h->n;
	l->nlinks = h->nlinks;
	l->nflaws = h->nflaws;
	return true;
}

/* Kinds and what is known, from p. */
static const char *take_fixed(struct qn_listing *l, const char *p)
{
	const char *why = NULL;

	for (size_t i = 0; i < l->nlinks; i++, p += sizeof(struct kind)) {
		struct kind k;

		memcpy(&k, p, sizeof(k));
		if (k.kind >= QN_NLINK_KINDS || k.leads_to >= QN_NOBJECTS)
			return "a link in a list is of no known kind";
		l->link[i].kind = (enum qn_link_kind)k.kind;
		l->link[i].leads_to = (enum qn_object)k.leads_to;
	}
	if (l->about)
		memcpy(l->about, p, l->n * sizeof(*l->about));
	for (size_t i = 0; l->about && !why && i < l->n; i++)
		why = bad_about(&l->about[i]);
	return why;
}

static const char *take_texts(struct qn_listing *l, const char *p, const char *end, bool *nomem)
{
	for (size_t i = 0; i < ntexts(l); i++) {
		const char *stop = memchr(p, '\0', (size_t)(end - p));

		if (!stop)
			return "a name in a list does not end";
		*text_slot(l, i) = qn_strdup(p);
		*nomem = !*text_slot(l, i);
		if (*nomem)
			return NULL;
		p = stop + 1;
	}
	for (size_t i = 0; i < l->n; i++)
		if (l->path[i][0] != '/' || (i && strcmp(l->path[i - 1], l->path[i]) >= 0))
			return "a list of datasets that is none";
	for (size_t i = 0; i < l->nlinks; i++)
		if (l->link[i].path[0] != '/')
			return "a list of links that is none";
	return p == end ? NULL : "there are bytes after a list";
}

bool qn_listing_unpack(const void *data, size_t nbytes, struct qn_listing *out, const char **why)
{
	struct qn_listing l = { .n = 0 };
	struct head h = { .n = 0 };
	bool nomem = false;

	*why = NULL;
	if (nbytes >= sizeof(h))
		memcpy(&h, data, sizeof(h));
	/* Each entry has at least one byte. */
	if (nbytes < sizeof(h) || h.n > nbytes || h.nlinks > nbytes || h.nflaws > nbytes ||
	    (h.nabout && (h.nabout != h.n || h.n > QN_MOST_ABOUT)) || fixed_nbytes(&h) > nbytes)
		*why = "a list of datasets without end";
	else if (!make_room(&l, &h))
		nomem = true;
	if (!*why && !nomem)
		*why = take_fixed(&l, (const char *)data + sizeof(h));
	if (!*why && !nomem)
		*why = take_texts(&l, (const char *)data + fixed_nbytes(&h),
				  (const char *)data + nbytes, &nomem);
	if (!*why && !nomem) {
		*out = l;
		return true;
	}
	/* Texts may be lacking: free() takes NULL. */
	qn_listing_fini(&l);
	return false;
}
