#include "keys/flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/storage.h"
#include "describe/describe.h"
#include "find/selection.h"

#define LONGEST_WORD \
	255 /* what is longer, or stands for several numbers, is no name: these keep their numbers */

static char *find_text(const struct qn_names *all, const char *name)
{
	for (size_t i = 0; i + 1 < all->n; i += 2)
		if (!strcmp(all->name[i], name))
			return all->name[i + 1];
	return NULL;
}

/* The next word of a list, which is cut there; NULL: there is none. */
static char *next_word(char **list)
{
	char *word;

	while ((word = strsep(list, " \t\n")) && !*word)
		;
	return word;
}

/* On the rank that has the file. What cannot be read is none. */
static enum quern_status read_flags(const struct qn_dataset *d, struct qn_names *out,
				    struct quern_message *err)
{
	struct quern_message ignored = { .status = QUERN_OK };
	const struct qn_format *format;
	struct qn_names all = { .n = 0 };
	char *values = NULL, *words = NULL, *value, *word;
	enum quern_status st = QUERN_OK;

	if (!qn_source_format(d->file, &format, &ignored) &&
	    !format->texts(d->file, d->path, &all, &ignored)) {
		values = find_text(&all, "flag_values");
		words = find_text(&all, "flag_meanings");
	}
	do {
		value = values ? next_word(&values) : NULL;
		word = words ? next_word(&words) : NULL;
		if (value && word) {
			st = qn_names_add(out, value, err);
			st = st ? st : qn_names_add(out, word, err);
		}
	} while (!st && value && word);
	if (value || word)
		qn_names_fini(out);
	qn_names_fini(&all);
	return st;
}

enum quern_status qn_key_flags_find(const struct qn_team *team, uint32_t reader,
				    const struct qn_dataset *d, struct qn_names *out,
				    struct quern_message *err)
{
	const uint32_t rank = (uint32_t)qn_comm_rank(team->comm);
	struct qn_names mine = { .n = 0 };
	void *flat = NULL, *round = NULL;
	size_t nbytes = 0;
	enum quern_status st = rank == reader ? read_flags(d, &mine, err) : QUERN_OK;

	*out = (struct qn_names){ .n = 0 };
	if (!st && mine.n && !(flat = qn_names_pack(&mine, &nbytes)))
		st = qn_error_nomem(err, 0, "words");
	qn_names_fini(&mine);
	st = qn_comm_agree(team->comm, st, err);
	if (st)
		free(flat);
	else
		st = qn_pass_round(team, reader, flat, nbytes, &round, &nbytes, err);
	if (!st && nbytes && !rank)
		st = qn_names_unpack(out, round, nbytes, err);
	free(round);
	return qn_comm_agree(team->comm, st, err);
}

/* Of one number alone. */
static bool is_name(const struct qn_names *flags, const char *word)
{
	int n = 0;

	for (size_t i = 0; i + 1 < flags->n; i += 2)
		n += !strcmp(flags->name[i + 1], word);
	return n == 1 && strlen(word) <= LONGEST_WORD;
}

static const char *word_of(const struct qn_names *flags, const char *number)
{
	for (size_t i = 0; i + 1 < flags->n; i += 2)
		if (!strcmp(flags->name[i], number))
			return is_name(flags, flags->name[i + 1]) ? flags->name[i + 1] : number;
	return number;
}

/* With the zero behind it, of words that are names and of numbers. */
static size_t longest(const struct qn_names *flags, size_t number)
{
	size_t most = number;

	for (size_t i = 0; i + 1 < flags->n; i += 2)
		if (is_name(flags, flags->name[i + 1]) && strlen(flags->name[i + 1]) >= most)
			most = strlen(flags->name[i + 1]) + 1;
	return most;
}

enum quern_status qn_key_flags_take(struct qn_key *key, const struct qn_names *flags,
				    struct quern_message *err)
{
	char number[32];

	if (!flags->n || key->kind != QN_KEY_INTEGERS || key->is_time)
		return QUERN_OK;
	key->text_nbytes = longest(flags, sizeof(number));
	key->texts = qn_calloc(key->ngroups, key->text_nbytes);
	if (!key->texts)
		return qn_error_nomem(err, (size_t)key->ngroups * key->text_nbytes, "words");
	for (uint32_t i = 0; i < key->ngroups; i++) {
		snprintf(number, sizeof(number), "%" PRId64, key->integers[i]);
		snprintf(key->texts + (size_t)i * key->text_nbytes, key->text_nbytes, "%s",
			 word_of(flags, number));
	}
	key->units[0] = '\0';
	return QUERN_OK;
}
