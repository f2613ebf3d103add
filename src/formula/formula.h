/*
 * formula.h - what --expr, --where, --with and --weights make of the elements of a subject, before a kernel sees them.
 *
 *	tile of the data -> --expr: other values -> --where: which of them are there
 *		-> --with: other values beside them -> --weights: their weights -> kernel
 *
 * What is missing in one of these is missing.
 *
 * Of a selection that is a union along a dimension a tile has what lies between, too: that is not there.
 *
 * A name is the dataset itself, by its name or path, a coordinate, or a dataset of the same file or another
 * one on some of the dimensions of the subject (operand.h); index(NAME) is the index along a dimension. In
 * --weights coslat is the cosine of the latitude (latitude.h).
 */
#ifndef QN_FORMULA_FORMULA_H
#define QN_FORMULA_FORMULA_H

#include "formula/against.h"
#include "formula/operand.h"
#include "keys/keys.h"
#include "program/program.h"

struct qn_formula {
	int n;			    /* of operands; number 0 is the data */
	struct qn_operand *operand; /* owned */
	bool nan_missing;
	/* Owned; NULL: there is none. What makes the variables of a tile: --expr, --with, --weights. */
	struct qn_program *made[QUERN_NROLES], *where;
	char *name;		   /* owned: of --expr NAME=EXPR, or "expr"; NULL: without --expr */
	struct qn_against against; /* dim < 0: there is none */
	bool lacks_coordinate;	   /* along that: its index is taken */
	/* Borrows, with the box that they are of: what is not picked is not there either; NULL: all is picked. */
	const struct qn_picks *picks;
	const struct quern_box *selection;
	/* Owned: weights by the indexes of the selection, `row_stride` from index to index of each dimension, where all
	   elements of a row have one; NULL: each comes with its element. */
	double *row_weight;
	uint64_t nrow_weights, row_stride[QUERN_MAX_DIMS];
};

/* Borrowed; NULL: there is none. */
struct qn_formula_texts {
	const char *made[QUERN_NROLES], *where;
	const char *against; /* the dimension of --against, in the place of --with; NULL: none */
	/* That the values are of, without a name: it is the only one; NULL: --expr. */
	const char *option;
	const struct qn_named_list *named; /* of -d */
	const struct qn_keys *keys;	   /* of --by, whose names are none here */
	bool *used; /* in and out: of each of these, whether an expression has it; NULL: none before has */
};

/* Compiles the texts for a subject that is found. QUERN_ERR_USAGE: a text is wrong. Every rank returns the same
   status. The caller frees with qn_formula_fini, whatever is returned. Collective. */
enum quern_status qn_formula_find(const struct qn_subject *subject, const struct qn_team *team,
				  const struct qn_formula_texts *texts, bool nan_missing,
				  struct qn_formula *out, struct quern_message *err);
void qn_formula_fini(struct qn_formula *f);

bool qn_formula_is_any(const struct qn_formula *f);
/* Something else than what is picked? */
bool qn_formula_has_program(const struct qn_formula *f);

/* Weights that depend on kept dimensions alone become those of rows, if all of them are right. False: no memory. */
bool qn_formula_weigh_rows(struct qn_formula *f, const bool *reduced);

/* The type of the values that a kernel gets, where the data has `data`. */
enum quern_dtype qn_formula_dtype(const struct qn_formula *f, enum quern_dtype data);

/* A set: what a kernel gets besides. */
unsigned qn_formula_roles(const struct qn_formula *f);

/* The units of what is but a name; "": they are not known, or there are none. Borrowed. */
const char *qn_formula_units(const struct qn_formula *f, enum quern_role role);

/* Bytes of what stands beside the data, and of what each worker holds for tiles and for items of at most so
   many elements. */
uint64_t qn_formula_nbytes(const struct qn_formula *f);
uint64_t qn_formula_worker_nbytes(const struct qn_formula *f, uint64_t tile_nelems,
				  uint64_t item_nelems);
/* Keeps what workers hold of decoded chunks within a number of bytes each. */
void qn_formula_limit(struct qn_formula *f, uint64_t nbytes);

/* What a worker computes with. */
struct qn_formula_worker;

/* For tiles of at most so many elements. host: the name of this one, for messages. Keeps both. NULL: there is no
   memory. */
struct qn_formula_worker *qn_formula_worker_new(const struct qn_formula *f, uint64_t tile_nelems,
						const char *host);
/* Turns to an item: has what it takes of the operands in its box, which is in the whole dataset and is kept.
   QUERN_ERR_DATA: *operand, its number, cannot be read; else 0. */
enum quern_status qn_formula_worker_turn(struct qn_formula_worker *w, const struct quern_box *box,
					 uint32_t *operand, struct quern_message *err);
/* Bytes that were read for operands. */
uint64_t qn_formula_worker_read_nbytes(const struct qn_formula_worker *w);
/* QUERN_ERR_DATA: a file has changed meanwhile. */
enum quern_status qn_formula_worker_free(struct qn_formula_worker *w, struct quern_message *err);

/* A tile as the kernel is to see it: borrows from the scratch and from the tile it was made of. */
struct qn_formula_tile {
	struct quern_var var[QUERN_NROLES];
	struct quern_tile tile;
	uint64_t nthere;  /* elements that --where holds for */
	uint64_t nbeyond; /* that are missing because a result was beyond 64 bits */
	/* A weight is negative or infinite, or NaN where that is a value: number `bad` of the tile. */
	bool has_bad;
	uint64_t bad;
	double bad_weight;
};

/* in: of the item; what is not there in it is not counted in out->nbeyond. What --where does not hold for is marked in
   out->tile.there, and is not valid either. */
void qn_formula_apply(struct qn_formula_worker *w, const struct quern_tile *in,
		      struct qn_formula_tile *out);

/* Clears the bits of `holds` of the n elements of a box of the whole, in C order, for which a condition does not
   hold: one that does not use the data. */
enum quern_status qn_formula_hold(const struct qn_formula *f, const struct qn_program *condition,
				  const struct quern_box *box, uint64_t n, uint64_t *holds,
				  struct quern_message *err);

#endif
