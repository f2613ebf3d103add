/*
 * bins.c - dimensions of bins, from the edges that a result has.
 */
#include "io/hdf5_write/bins.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/hdf5_library/file.h"
#include "fields/fields.h"

/* A field of edges, and the dimension of bins. */
static const struct {
	const char *edges, *dimension;
	bool is_with; /* of the other values */
} kinds[QN_NC_NBINS] = {
	{ "edges", "bin", false },
	{ "x_edges", "x_bin", false },
	{ "y_edges", "y_bin", true },
};

const char *qn_h5_bins_name(const struct qn_nc *w, const char *dimension)
{
	for (int i = 0; dimension && i < QN_NC_NBINS; i++)
		if (!strcmp(kinds[i].dimension, dimension) && *w->bins[i])
			return w->bins[i];
	return dimension;
}

static bool has_bins(const struct quern_result *r)
{
	return qn_result_find(r, "counts") || qn_result_find(r, "weights") ||
	       qn_result_find(r, "density");
}

/* One that is there and has these edges. */
static const struct qn_nc_dim *find_bins(const struct qn_nc *w, const struct qn_field *edges)
{
	for (int i = 0; i < w->ndims; i++)
		if (w->dim[i].edges && w->dim[i].length == edges->n - 1 &&
		    !memcmp(w->dim[i].edges, edges->v.reals, edges->n * sizeof(double)))
			return &w->dim[i];
	return NULL;
}

static hid_t put_reals(struct qn_nc *w, const char *name, int ndims, const hsize_t *shape,
		       const double *v)
{
	hid_t space = H5Screate_simple(ndims, shape, NULL), id = -1;

	if (space >= 0)
		id = qn_nc_create(w, name, H5T_NATIVE_DOUBLE, space, -1);
	qn_h5_close(space);
	if (id >= 0 && H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) >= 0)
		return id;
	qn_h5_close(id);
	return -1;
}

/* The middle; of a bin that goes to infinity its other edge. */
static double middle(double lo, double hi)
{
	if (isinf(lo) || isinf(hi))
		return isinf(lo) && !isinf(hi) ? hi : isinf(lo) ? 0 : lo;
	return lo / 2 + hi / 2;
}

/* No two are at one place: two that both go to infinity stand beside the edge between them. */
static void place_bins(const double *edge, size_t n, double *at)
{
	const double beside =
		n == 2 && isinf(edge[0]) && isinf(edge[2]) ? fmax(fabs(edge[1]), 1) / 2 : 0;

	for (size_t i = 0; i < n; i++)
		at[i] = middle(edge[i], edge[i + 1]) + (i ? beside : -beside);
	for (size_t i = 1; i < n; i++)
		if (!(at[i] > at[i - 1]))
			at[i] = nextafter(at[i - 1], (double)INFINITY);
}

static bool put_texts(hid_t id, const struct qn_labels *l, int kind, const char *bounds)
{
	const struct qn_field_doc *doc = qn_field_doc(kinds[kind].edges);
	const char *name = kinds[kind].is_with ? l->with : l->name;
	char *units = qn_field_units(doc, l->units, l->with_units, l->weights);
	const bool ok = units && (!name || qn_nc_put_text(id, "long_name", name)) &&
			(!*units || qn_nc_put_text(id, "units", units)) &&
			(kinds[kind].is_with || !*l->calendar || !strstr(units, " since ") ||
			 qn_nc_put_text(id, "calendar", l->calendar)) &&
			qn_nc_put_text(id, "bounds", bounds);

	free(units);
	return ok;
}

static bool write_bounds(struct qn_nc *w, const char *name, hid_t scale, const double *v, hsize_t n)
{
	const hsize_t shape[2] = { n, 2 };
	const hid_t scales[2] = { scale, qn_nc_dimension(w, "bnds", 'n', 2) };
	hid_t id = scales[1] < 0 ? -1 : put_reals(w, name, 2, shape, v);
	const bool ok = id >= 0 && qn_nc_attach(id, 2, scales);

	qn_h5_close(id);
	return ok;
}

/* room: of three values a bin. Takes kept, the edges, if it succeeds. */
static bool write_new(struct qn_nc *w, const struct qn_labels *l, int kind,
		      const struct qn_field *edges, double *room, double *kept)
{
	const hsize_t n = edges->n - 1;
	char bounds[QN_NC_NAME + sizeof("_bnds")], *name = w->bins[kind];
	double *pair = room + n;
	hid_t id;

	for (size_t i = 0; i < n; i++) {
		pair[2 * i] = edges->v.reals[i];
		pair[2 * i + 1] = edges->v.reals[i + 1];
	}
	place_bins(edges->v.reals, (size_t)n, room);
	qn_nc_new_name(w, kinds[kind].dimension, name);
	snprintf(bounds, sizeof(bounds), "%s_bnds", name);
	id = put_reals(w, name, 1, &n, room);
	if (id < 0 || !put_texts(id, l, kind, bounds) ||
	    !qn_nc_make_scale(w, name, (size_t)n, false, id)) {
		qn_h5_close(id);
		return false;
	}
	w->dim[w->ndims - 1].edges = memcpy(kept, edges->v.reals, edges->n * sizeof(*kept));
	return write_bounds(w, bounds, id, pair, n);
}

static bool write_kind(struct qn_nc *w, const struct qn_labels *l, int kind,
		       const struct qn_field *edges)
{
	const struct qn_nc_dim *known = find_bins(w, edges);
	double *room, *kept;
	bool ok;

	if (known) {
		memcpy(w->bins[kind], known->name, sizeof(known->name));
		return true;
	}
	room = qn_calloc(edges->n, 3 * sizeof(*room));
	kept = qn_calloc(edges->n, sizeof(*kept));
	ok = room && kept && write_new(w, l, kind, edges, room, kept);
	if (!ok && !(w->ndims && w->dim[w->ndims - 1].edges == kept))
		free(kept);
	free(room);
	return ok;
}

bool qn_h5_write_bins(struct qn_nc *w, const struct qn_labels *l, const struct quern_result *r)
{
	bool ok = true;

	for (int i = 0; i < QN_NC_NBINS; i++) {
		const struct qn_field *edges = qn_result_find(r, kinds[i].edges);

		w->bins[i][0] = '\0';
		if (ok && edges && edges->type == QN_FIELD_REAL && edges->array && has_bins(r))
			ok = write_kind(w, l, i, edges);
	}
	return ok;
}
