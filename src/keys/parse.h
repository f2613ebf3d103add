/*
 * parse.h - the text of --by, taken apart.
 */
#ifndef QN_KEYS_PARSE_H
#define QN_KEYS_PARSE_H

#include "base/error.h"
#include "select/parts.h"

/* More bins than this are not made. */
#define QN_MOST_BINS 10000000

enum qn_key_form { QN_FORM_VALUES, QN_FORM_PART, QN_FORM_BINS };

struct qn_subject;
struct qn_key_source;

/* A key as it is written. */
struct qn_key_spec {
	char *name; /* owned: of the result */
	char *text; /* owned: without NAME= */
	enum qn_key_form form;
	enum qn_part_kind part;
	int64_t window_ns;
	uint64_t nedges;
	double *edges;	    /* owned; rising */
	char *source;	    /* owned: NAME, or /PATH; NULL: an expression */
	char *expr;	    /* owned: it; NULL: a source */
	char *file;	    /* owned: where it is; NULL: in the file of the subject */
	size_t at;	    /* where the source begins in the whole text */
	const char *option; /* borrows: with which messages begin, "--by" */
	bool raw;	    /* values are taken as they are stored */
	bool is_operand;    /* no key: scalars will do, and who asked points at the text */
	/* Are the values not wanted of a source whose dimensions are known? NULL: they are. */
	bool (*leaves)(const struct qn_subject *subject, const struct qn_key_source *source);
};

struct qn_key_specs {
	int n;
	struct qn_key_spec *spec; /* owned */
};

/* QUERN_ERR_USAGE says what is wrong, and where. At most `most` keys. The caller frees with
   qn_key_specs_fini, whatever is returned. Not collective. */
enum quern_status qn_key_specs_parse(const char *by, int most, struct qn_key_specs *out,
				     struct quern_message *err);
void qn_key_specs_fini(struct qn_key_specs *s);

/* That the text is wrong at its byte `at`, which is pointed at (qn_error_point). by NULL: whoever asked says
   where. QUERN_ERR_USAGE. */
enum quern_status qn_key_wrong(struct quern_message *err, const char *by, size_t at,
			       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
