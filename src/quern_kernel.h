/*
 * quern_kernel.h - what a kernel is, and what it sees of the data.
 *
 * A kernel is an exact commutative monoid over chunks. Its state is an array of int64 words, laid
 * out in segments; each segment names the operation that merges two of its words (sum, minimum,
 * maximum, the lexicographic extreme of a (key, index) pair, the best entries of an ordered
 * list, or values with their counts). From the segments follow the
 * identity, the merge, the canonical serialisation and the MPI reduction, so a kernel writes none
 * of these, and no kernel can get them wrong:
 *
 *	state   | count | missing | limb 0 ... limb n-1 | min key | max key, index |
 *	segment |      SUM, 2     |      SUM, n         | MIN, 1  | MAXLOC, 2      |
 *
 * The engine calls the slots of a kernel in this order (one pass; the loop repeats for more):
 *
 *	open -> [layout -> (absorb)* by many threads and ranks -> normalize -> merge -> normalize
 *	     -> advance]* -> emit -> close
 *
 * This header has no MPI in it: kernels never communicate. It compiles alone, in C and C++.
 */
#ifndef QUERN_KERNEL_H
#define QUERN_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUERN_KERNEL_ABI 8u
#define QUERN_MAX_DIMS	 32
/* The most elements in a tile of an elementwise kernel: 16 KiB of float32, half of an L1 cache. */
#define QUERN_TILE_NELEMS  4096
#define QUERN_MAX_SEGMENTS 32

/* What went wrong, and so what must be redone. The command's exit code follows from it. */
enum quern_status {
	QUERN_OK = 0,
	QUERN_ERR_RUN,	 /* the run failed: memory, I/O, MPI, a limit of the system */
	QUERN_ERR_USAGE, /* an option or argument is wrong: nothing was done */
	QUERN_ERR_DATA,	 /* the input is bad, unreadable, or of a kind the kernel cannot take */
	QUERN_ERR_INTERRUPTED, /* stopped on request */
	QUERN_ERR_DENIED,      /* not permitted */
};

/* Element types that reach a kernel, always in the byte order of the machine. */
enum quern_dtype {
	QUERN_I8,
	QUERN_U8,
	QUERN_I16,
	QUERN_U16,
	QUERN_I32,
	QUERN_U32,
	QUERN_I64,
	QUERN_U64,
	QUERN_F32,
	QUERN_F64,
	QUERN_NDTYPES, /* of numbers */
	/* Only for kernels that take it: texts of `text_nbytes` bytes each, shorter ones filled up
	   with zeros, compared as bytes. */
	QUERN_TEXT = QUERN_NDTYPES
};

/* A box of elements: in each dimension `count` elements from `start`, every `step`-th one. */
struct quern_box {
	int ndim;
	uint64_t start[QUERN_MAX_DIMS];
	uint64_t count[QUERN_MAX_DIMS];
	uint64_t step[QUERN_MAX_DIMS];
};

/* What a variable of a tile is: its place there. */
enum quern_role {
	QUERN_VALUE, /* what is reduced */
	QUERN_WITH,  /* another value of each element, that it goes with */
	QUERN_WEIGHT, /* its weight: where it has a value a finite number of 0 or more, elsewhere anything */
	QUERN_NROLES
};
/* In a set of roles. */
#define QUERN_ROLE(role) (1u << (role))

/* One variable of a tile. */
struct quern_var {
	enum quern_dtype dtype;
	const void *values;    /* borrows: nelems values, contiguous; 1-byte aligned at the least */
	const uint64_t *valid; /* borrows: bit i % 64 of word i / 64 is set if element i is valid;
				   NULL: all are. The bits past nelems are clear. */
	size_t nmissing;       /* number of clear bits among the first nelems */
	size_t text_nbytes;    /* of QUERN_TEXT: bytes of a value */
};

/*
 * A run of consecutive elements, in C order, of the box `box` of the dataset, starting with the
 * element `first` of the box. For an elementwise kernel nelems <= QUERN_TILE_NELEMS, and of text
 * the values take no more bytes than of as many doubles. For a kernel
 * that demands whole dimensions the tile is the entire box: first = 0, nelems = its size.
 * Floating-point values may be NaN: see quern_input.nan_missing.
 */
struct quern_tile {
	const struct quern_box *box;
	uint64_t first;
	size_t nelems;
	/* By role: those that quern_input.roles has, all below nvars. What is missing in one of them is missing: the
	   bitmap of var[QUERN_VALUE] says it of all, and the others have none. */
	int nvars;
	const struct quern_var *var;
	/* Borrows: bit i % 64 of word i / 64 is set if element i is there; one that is not, because a
	   condition of the user does not hold for it, is not valid, and is not missing either. NULL: all
	   are, as always in absorb(). */
	const uint64_t *there;
	uint64_t row; /* of the result, that all elements belong to in absorb() */
};

enum quern_op {
	QUERN_SUM,    /* int64 sums; the kernel leaves headroom (see normalize) */
	QUERN_MIN,    /* smallest int64 */
	QUERN_MAX,    /* largest int64 */
	QUERN_MINLOC, /* pairs (int64 key, uint64 index): smallest key, then smallest index */
	QUERN_MAXLOC, /* pairs: largest key, then smallest index */
	/*
	 * The nwords / width least of all entries, each `width` words: the words of a key, compared
	 * one after the other, and a uint64 index, which no two entries share and which is not
	 * UINT64_MAX. An entry that is not there is INT64_MAX ..., UINT64_MAX. Normalized, the
	 * entries descend: the best one is last. Then the list is a heap with the worst entry as
	 * its root, into which absorb() may put a better one; normalize() sorts it again.
	 */
	QUERN_LEAST,
	/* As SUM: the limbs of the exact sum of a power of the elements. Of many rows at once the engine keeps them
	   in less room (absorb_rows). */
	QUERN_EXACT,
	/* All elements, in any order: a word with their number, then the keys of a kernel's own, 4 bytes each where
	   the elements have at most as many, else 8. The order is no part of the canonical form, nor is what lies
	   behind them. */
	QUERN_LIST,
	/*
	 * The least of all values, each once, and how often it is there: a word with their number, a word that is
	 * 0, then the entries, each `width` words: those of a key, compared one after the other, and a count.
	 * Normalized, keys rise, and what lies behind the entries is zero. A third of the words or a little more
	 * is of entries that are kept (base/tally.h), so that the merge of two finds room.
	 */
	QUERN_TALLY,
};

/* `nwords` consecutive words of the state; even for MINLOC and MAXLOC, a multiple of `width` for
   LEAST; which has one of at least 2, and so has TALLY. */
struct quern_segment {
	enum quern_op op;
	size_t nwords;
	size_t width;
	int power; /* of EXACT: 1 to 4; of LEAST 1: an entry ends with no index, and its key is made of one */
	int nfactors; /* of EXACT: 1 to 3: the sum of products of so many float64, power is 1; 0: of elements */
	/* Of EXACT and SUM: how many of the factors are the weight of the element; of MAX 1: it is that of the row. */
	int nweights;
	enum quern_dtype dtype; /* of EXACT and LIST: of the elements */
};

/* Of the engine: the cells of many rows, and which of them elements of a tile belong to. */
struct qn_cells;
struct qn_row_run;

/* An option, of the command or of a kernel: one row gives parser, environment, help and manual. */
enum quern_opt_type {
	QUERN_OPT_FLAG,
	QUERN_OPT_INT,	/* value: decimal integer within [min, max] */
	QUERN_OPT_SIZE, /* value: bytes, with an optional suffix K, M, G, T (powers of 1024) */
	QUERN_OPT_STRING,
	QUERN_OPT_CHOICE, /* value: one of the words of `arg`, separated by | */
	QUERN_OPT_REALS,  /* value: comma-separated floating-point numbers; min..max of them */
	QUERN_OPT_LIST,	  /* value: texts with commas between; a command line may give it again */
};

struct quern_option {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter;	  /* one-letter name, or 0 */
	enum quern_opt_type type;
	const char *arg;      /* what stands for the value in the help, e.g. "N" */
	const char *fallback; /* default as written by a user; NULL: none */
	int64_t min, max;     /* for INT; for REALS the number of values */
	const char *doc;      /* one sentence */
};

/* Results: named fields, added in the order in which they are shown. */
struct quern_result;
void quern_result_int(struct quern_result *r, const char *name, int64_t v);
void quern_result_uint(struct quern_result *r, const char *name, uint64_t v);
void quern_result_real(struct quern_result *r, const char *name, double v);
/* Bytes up to their last zeros. What is not UTF-8 or is a zero becomes \xNN. */
void quern_result_text(struct quern_result *r, const char *name, const void *bytes, size_t nbytes);
/* A field without a value: null in JSON. */
void quern_result_null(struct quern_result *r, const char *name);
/* An integer of any size in decimal; a JSON integer with all its digits. */
void quern_result_decimal(struct quern_result *r, const char *name, const char *digits);
/* Arrays of shape [n] (ncols = 0) or [n, ncols], C order; copies the values. */
void quern_result_ints(struct quern_result *r, const char *name, size_t n, size_t ncols,
		       const int64_t *v);
void quern_result_uints(struct quern_result *r, const char *name, size_t n, size_t ncols,
			const uint64_t *v);
void quern_result_reals(struct quern_result *r, const char *name, size_t n, size_t ncols,
			const double *v);
/* n texts of nbytes bytes each. */
void quern_result_texts(struct quern_result *r, const char *name, size_t n, const void *bytes,
			size_t nbytes);
/* There was no memory to make the result, which is then an error. */
void quern_result_lost(struct quern_result *r);

/* What a kernel is opened on. Borrowed for the duration of open(). */
struct quern_input {
	int ndim;
	const uint64_t *shape; /* of the dataset */
	const struct quern_box *selection;
	enum quern_dtype dtype;	 /* of the values that will be absorbed, after CF decoding */
	bool nan_missing;	 /* NaN counts as missing; otherwise it is a value */
	const char *const *dims; /* names of the dimensions; entries may be NULL */
	const bool *reduced;	 /* those that are not kept in the result; NULL: all */
	const struct quern_options *options;
	struct quern_message
		*message;   /* where open() explains a failure; or, under QUERN_OK, what a
					  user is to be warned of */
	size_t text_nbytes; /* of QUERN_TEXT: bytes of a value */
	const struct quern_kernel *kernel; /* that is opened */
	unsigned roles;			   /* a set: what elements have besides QUERN_VALUE, */
	enum quern_dtype role_dtype[QUERN_NROLES]; /* and of which types */
	/* For a kernel that has takes_row_weights: all elements of a row have one weight. Tiles do not have it, but the
	   state that emit() gets: in a segment of MAX of one word with nweights 1 the bits of the weight, as a double. */
	bool has_row_weights;
	uint64_t nrows;	      /* of the result: 1, or more with --over or --by */
	uint64_t most_in_row; /* elements that any row may have, at most */
};

/* Values of the kernel's options by name; the defaults are filled in. NULL or false: not given. */
const char *quern_option_string(const struct quern_options *o, const char *name);
bool quern_option_flag(const struct quern_options *o, const char *name);
int64_t quern_option_int(const struct quern_options *o, const char *name);
/* Returns the number of values, at most nmax, stored in v. */
size_t quern_option_reals(const struct quern_options *o, const char *name, size_t nmax, double *v);
/* Records why and what to do about it; returns status. */
enum quern_status quern_message_set(struct quern_message *m, enum quern_status status,
				    const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 3, 4)))
#endif
	;

/*
 * Exact sums of float64, for the states of kernels: QUERN_EXACT_NWORDS words of a segment of QUERN_SUM. Whatever is
 * added in whatever order, and however states are merged, the words are the same, and what they come to is the true
 * sum rounded once; infinities and NaN count as with +. normalize() of the kernel calls quern_exact_normalize on them.
 */
#define QUERN_EXACT_NWORDS 80
void quern_exact_add(int64_t *sum, const double *x, size_t n);
void quern_exact_normalize(int64_t *sum);
double quern_exact_value(const int64_t *sum); /* of a normalized one; 0 of nothing */

/*
 * What a kernel needs to see at once. An item of work is a box of whole chunks; dimensions marked
 * whole are never cut, the others are cut along chunk boundaries so that an item has at least
 * min_nelems elements where the dataset has them; items at the edges of the selection may have
 * fewer. The cut depends on the dataset, the selection and these numbers only, never on ranks or
 * threads.
 */
struct quern_demand {
	bool whole[QUERN_MAX_DIMS];
	uint64_t min_nelems;
};

/*
 * A kernel. Slots marked (opt) may be NULL. `self` is what open() made; it is read-only while
 * absorb() runs on many threads.
 */
struct quern_kernel {
	uint32_t abi; /* QUERN_KERNEL_ABI */
	const char *name;
	const char *doc;		    /* one sentence, shown by `quern kernels` */
	const struct quern_option *options; /* ends with a NULL name; NULL: none (opt) */
	bool takes_text;		    /* QUERN_TEXT too; otherwise only numbers */
	bool has_row_states;	/* absorb_rows() adds to states, not to columns of words */
	bool takes_row_weights; /* as quern_input.has_row_weights says */
	bool follows; /* its result is of which elements follow each other: all have the step of the selection */
	/* Sets of roles: those that its result is of, or that make no difference to it, and those among them that
	   it cannot do without. */
	unsigned takes, needs;
	/* Its option that names a dimension: QUERN_WITH is the coordinate along that. NULL: what the user says. (opt) */
	const char *against;

	/* What absorb() adds for a tile does not depend on where the tile is, but for indices in
	   MINLOC and MAXLOC segments. Then of tiles that are alike, as long and all of one value or
	   missing, as of chunks that nobody has written, only the first in C order may be absorbed,
	   into a state of its own. That is added as often as there are such tiles: its sums are
	   doubled, normalize() is called, and so on. Without effect if there are LEAST segments. */
	bool repeats;

	/* Checks the options and types; *self is set on success only. Not collective: runs on
	   every rank with the same input and must decide the same. */
	enum quern_status (*open)(const struct quern_input *in, void **self);
	void (*close)(void *self);

	/* Fills *d, which comes zeroed. NULL: the kernel is elementwise. (opt) */
	void (*demand)(const void *self, struct quern_demand *d);

	/* The state of the current pass is one of all rows of the result together, not one for each of
	   them. NULL: of no pass. (opt) */
	bool (*is_pooled)(const void *self);

	/* How many items, well spread, do for the current pass; 0: it needs all. The engine may then
	   leave others out, by their numbers alone. NULL: every pass needs all. (opt) */
	uint64_t (*sample)(const void *self);

	/* Segments of the state in the current pass; returns how many (<= QUERN_MAX_SEGMENTS). */
	int (*layout)(const void *self, struct quern_segment *segments);

	/* Words of the largest state of any pass, for refusing up front what does not fit in memory.
	   NULL: no pass has a larger one than the first. (opt) */
	size_t (*most_words)(const void *self);

	/* The most values of a list that it emits of a state. NULL: as many as the largest state has words. (opt) */
	size_t (*most_values)(const void *self);

	/* Bytes of scratch a worker needs, 64-byte aligned, contents undefined before each absorb.
	   NULL: none. (opt) */
	size_t (*scratch)(const void *self);

	/* Adds a tile to the state. Called with any tiles in any order. Cannot fail. */
	void (*absorb)(const void *self, int64_t *state, void *scratch,
		       const struct quern_tile *tile);

	/*
	 * Adds the elements of a run (kernel/rows.h) of a tile, which is the whole of its box, to their
	 * cells. Its kind is CONSECUTIVE or, of columns, INDEXED. NULL: the engine splits tiles so that absorb() sees
	 * one row at a time; a kernel that has this has no LEAST segments of numbers, unless it has row states. False:
	 * there is no memory. (opt)
	 */
	bool (*absorb_rows)(const void *self, struct qn_cells *cells, void *scratch,
			    const struct quern_tile *tile, const struct qn_row_run *run);

	/* Brings the state to its one canonical form (carries of limbs), so that equal values
	   have equal bits and 2^24 states can be merged before the next call. (opt) */
	void (*normalize)(const void *self, int64_t *state);

	/* Rank 0, with the merged and normalized state of a row of a finished pass, for every row,
	   before advance(). Of many rows there is another pass only where is_reviewed() says that
	   advance() is to be asked; then they are all together on rank 0. (both opt) */
	void (*review)(void *self, uint64_t row, const int64_t *state);
	bool (*is_reviewed)(const void *self);

	/* Rank 0, with the merged and normalized state of a finished pass, that of the first row: true if there is
	   another pass, for which self is now set up. NULL: one pass. (opt) */
	bool (*advance)(void *self, const int64_t *state);

	/* Memory in self that advance() may have changed: the engine broadcasts it in place from
	   rank 0 before the next pass. Same size on all ranks. Needed if advance is there. */
	void *(*shared)(void *self, size_t *nbytes);

	/* All ranks, when the shared memory is that of rank 0: takes over from it what it has elsewhere. (opt) */
	enum quern_status (*adopt)(void *self, struct quern_message *message);

	/* Makes the states of two kernels that have this same slot one: that of `self`, from which both emit() as
	   they would from their own. Both were opened on the same input and are of one pass; self may have
	   taken up others before, which are then given to it again. What is written to `other` is what
	   its emit() needs to read the state. (opt) */
	void (*share)(void *self, void *other);

	/* The names of the fields that emit() will add, in their order; ends with NULL. */
	const char *const *(*fields)(const void *self);

	/* Rank 0, with the merged and normalized state of the last pass. */
	void (*emit)(const void *self, const int64_t *state, struct quern_result *r);

	/* The fields that emit() would add of n rows that follow each other, of columns, from `row` on and of one block
	   (kernel/rows.h), to the result of these rows. False: emit() is to do it. (opt) */
	bool (*emit_rows)(const void *self, const struct qn_cells *cells, uint64_t row, size_t n,
			  struct quern_result *rows);
};

/*
 * A kernel of a user is a shared object, or one C file of which quern makes one, that defines this. It is
 *
 *	const struct quern_kernel quern_kernel = { .abi = QUERN_KERNEL_ABI, .name = "mine", ... };
 *
 * and calls nothing of quern but what this header declares. Slots whose arguments are of the engine (absorb_rows,
 * emit_rows, share) stay NULL. quern-kernel(7) says where such files are looked for, and what is asked of them.
 */
extern const struct quern_kernel quern_kernel;

#ifdef __cplusplus
}
#endif
#endif
