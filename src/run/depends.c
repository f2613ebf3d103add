#include "run/depends.h"

#include <inttypes.h>
#include <string.h>

#include "formula/stored.h"

void qn_depends_put_text(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(*text == '\n' ? ' ' : *text, f);
}

void qn_depends_put_file(FILE *f, const char *file, uint64_t nbytes, int64_t mtime_ns)
{
	fputs("file ", f);
	qn_depends_put_text(f, file);
	fprintf(f, ", %" PRIu64 " bytes, changed at %" PRId64 ".%09d\n", nbytes,
		mtime_ns / 1000000000, (int)(mtime_ns % 1000000000));
}

/* A dataset, and the files of all of its members. */
static void put_subject(FILE *f, const struct qn_subject *s)
{
	const struct qn_dataset *d = &s->dataset;
	const struct qn_mosaic *m = &s->mosaic;

	fputs("dataset ", f);
	qn_depends_put_text(f, d->path);
	fprintf(f, ", %s", d->type.name);
	for (int i = 0; i < d->ndim; i++)
		fprintf(f, " %" PRIu64, d->shape[i]);
	fputc('\n', f);
	for (uint32_t i = 0; i < m->nmembers; i++)
		if (!i || strcmp(m->member[i].file, m->member[i - 1].file))
			qn_depends_put_file(f, m->member[i].file, m->member[i].file_nbytes,
					    m->member[i].file_mtime_ns);
}

static void put_operands(FILE *f, const struct qn_formula *formula)
{
	for (int i = 0; i < formula->n; i++)
		if (formula->operand[i].stored)
			put_subject(f, &formula->operand[i].stored->subject);
}

void qn_depends_put(FILE *f, const struct qn_run *engine)
{
	put_subject(f, engine->subject);
	put_operands(f, &engine->formula);
	for (int i = 0; i < engine->computed.n; i++)
		put_operands(f, &engine->computed.given[i].formula);
}
