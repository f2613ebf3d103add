#include "journal/journal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/system.h"

#define TEXT_NAME	 "journal"
#define LOCK_NAME	 "lock"
#define STATES_SUFFIX	 ".states"
#define MOST_TEXT_NBYTES ((size_t)1 << 28)
#define NTRIES		 8

static const struct qn_rights owners = { .mode = 0600, .group = QN_NO_GROUP };

static enum quern_status refuse(const struct qn_journal *j, const char *how, int why,
				struct quern_message *err)
{
	return qn_error_set(err, qn_error_status_of(why), "--journal %s: %s: %s", j->folder, how,
			    strerror(why));
}

/* "DIR/name"; owned. NULL: no memory. */
static char *path_of(const struct qn_journal *j, const char *name)
{
	char *out;

	return qn_asprintf(&out, "%s/%s", j->folder, name) < 0 ? NULL : out;
}

static enum quern_status make_folder(const struct qn_journal *j, struct quern_message *err)
{
	struct stat st;
	const int why = qn_rights_mkdir(j->folder, owners);

	if (why)
		return refuse(j, "cannot be made", why, err);
	if (qn_sys_stat(j->folder, &st))
		return refuse(j, "cannot be looked at", errno, err);
	if (!S_ISDIR(st.st_mode))
		return qn_error_set(err, QUERN_ERR_USAGE, "--journal %s: is no directory",
				    j->folder);
	return QUERN_OK;
}

/* --- one run at a time: rank 0 --- */

/* 0 or errno; EAGAIN: who had it before has removed it meanwhile. */
static int lock_once(struct qn_journal *j, const char *file)
{
	struct stat here, there;
	int why;

	j->lock = qn_sys_open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->lock < 0)
		return errno;
	why = qn_file_lock(j->lock, LOCK_EX);
	if (!why && (qn_sys_fstat(j->lock, &here) || qn_sys_stat(file, &there) ||
		     here.st_ino != there.st_ino))
		why = EAGAIN;
	if (!why)
		return 0;
	qn_sys_close(j->lock);
	j->lock = -1;
	return why;
}

static enum quern_status take_lock(struct qn_journal *j, struct quern_message *err)
{
	char *file = path_of(j, LOCK_NAME);
	int why = EAGAIN;

	if (!file)
		return qn_error_nomem(err, 0, "a name");
	for (int i = 0; why == EAGAIN && i < NTRIES; i++)
		why = lock_once(j, file);
	free(file);
	if (why == EWOULDBLOCK)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "--journal %s: another run is writing it: wait for its end, or "
				    "give this one a directory of its own",
				    j->folder);
	return why ? refuse(j, "cannot be locked", why, err) : QUERN_OK;
}

/* --- what it is of --- */

static size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* The value behind the name of a line. */
static int value_of(const char *line, const char **value)
{
	const size_t n = line_length(line), name = strcspn(line, " \n");

	*value = line + (name < n ? name + 1 : n);
	return (int)(line + n - *value);
}

/* Of two texts that differ, the first line that does. */
static enum quern_status name_difference(const struct qn_journal *j, const char *there,
					 struct quern_message *err)
{
	const char *here = j->text, *is, *was;
	size_t n;
	int nis, nwas;

	while ((n = line_length(here)) == line_length(there) && !strncmp(here, there, n) &&
	       here[n] && there[n]) {
		here += n + 1;
		there += n + 1;
	}
	nis = value_of(here, &is);
	nwas = value_of(there, &was);
	n = strcspn(*here ? here : there, " \n");
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "--journal %s: it is of another command, or of data that has changed: "
			    "%.*s is '%.*s' now, and was '%.*s': give the same command, or another "
			    "directory, or remove this one",
			    j->folder, (int)n, *here ? here : there, nis, is, nwas, was);
}

/* What is in the directory of a host already. */
static enum quern_status compare_text(struct qn_journal *j, struct quern_message *err)
{
	char *file = path_of(j, TEXT_NAME), *there;
	size_t nbytes = 0;
	enum quern_status st = QUERN_OK;

	if (!file)
		return qn_error_nomem(err, 0, "a name");
	there = qn_file_load(file, MOST_TEXT_NBYTES, &nbytes);
	if (there && (nbytes != j->text_nbytes || memcmp(there, j->text, nbytes)))
		st = name_difference(j, there, err);
	else if (!there && !qn_file_is_none(errno))
		st = refuse(j, "what it is of cannot be read", errno, err);
	j->has_text = there;
	free(there);
	free(file);
	return st;
}

/* Before the first record of this host. */
static enum quern_status write_text(struct qn_journal *j, struct quern_message *err)
{
	char *file = path_of(j, TEXT_NAME);
	enum quern_status st = file ? qn_publish_write(file, QN_REPLACE_LINK, owners, j->text,
						       j->text_nbytes, QN_PUBLISH_NOW, err)
				    : qn_error_nomem(err, 0, "a name");

	free(file);
	j->has_text = !st;
	return st;
}

/* --- what runs before have left --- */

/* The number of the run of a file of records, by its name; -1: it is none. */
static int64_t run_of(const char *name)
{
	const char *at = name;
	char *end;
	unsigned long long run;

	for (int i = 0; i < 3; i++) {
		const size_t n = strspn(at, "0123456789");

		if (!n || n > 12 || (i < 2 && at[n] != '-'))
			return -1;
		at += n + (i < 2);
	}
	/* The temporary name of one has more behind it (publish.h). */
	if (strncmp(at, STATES_SUFFIX, strlen(STATES_SUFFIX)))
		return -1;
	run = strtoull(name, &end, 10);
	return (int64_t)run;
}

static bool is_whole_name(const char *name)
{
	const size_t n = strlen(name), suffix = strlen(STATES_SUFFIX);

	return n > suffix && !strcmp(name + n - suffix, STATES_SUFFIX);
}

static enum quern_status take_record(struct qn_journal *j, const char *name,
				     struct quern_message *err)
{
	char *file = path_of(j, name);
	struct qn_states record;
	bool found = false;
	enum quern_status st = file ? qn_states_find(file, &j->identity, &record, &found, err)
				    : qn_error_nomem(err, 0, "a name");

	free(file);
	if (st || !found)
		return st;
	if (!qn_grow_by_one(&j->record, j->nrecords, sizeof(*j->record))) {
		qn_states_fini(&record);
		return qn_error_nomem(err, 0, "records of the journal");
	}
	j->record[j->nrecords++] = record;
	return QUERN_OK;
}

/* Which of the files in its directory a host reads: those of one of so many parts. */
struct part {
	uint64_t index, n;
};

static bool is_of_part(const struct part *part, const char *name)
{
	return qn_digest(QN_DIGEST_OF_NONE, name, strlen(name)) % part->n == part->index;
}

/* Notes the highest number of a run. */
static enum quern_status list_records(struct qn_journal *j, const struct part *part, int64_t *last,
				      struct quern_message *err)
{
	DIR *d = qn_sys_opendir(j->folder);
	enum quern_status st = d ? QUERN_OK : refuse(j, "cannot be listed", errno, err);
	struct dirent *e;

	while (!st && (e = qn_sys_readdir(d))) {
		const int64_t run = run_of(e->d_name);

		*last = run > *last ? run : *last;
		if (run >= 0 && is_whole_name(e->d_name) && is_of_part(part, e->d_name))
			st = take_record(j, e->d_name, err);
	}
	if (d)
		qn_sys_closedir(d);
	return st;
}

/* The hosts whose directory is that of rank 0, where its lock is, share what is in it. */
static enum quern_status find_part(const struct qn_journal *j, struct part *part,
				   struct quern_message *err)
{
	const size_t nranks = (size_t)qn_comm_size(j->comm);
	const int rank = qn_comm_rank(j->comm);
	char *file = path_of(j, LOCK_NAME);
	uint8_t *all = qn_calloc(nranks, 1), mine;
	enum quern_status st = file && all ? QUERN_OK : qn_error_nomem(err, nranks, "a journal");

	*part = (struct part){ .n = 1 };
	st = qn_comm_agree(j->comm, st, err);
	mine = !st && qn_comm_host_rank(j->comm) == 0 && !qn_sys_access(file, F_OK);
	if (!st)
		st = qn_comm_gather(j->comm, &mine, sizeof(mine), all, err);
	if (!st)
		st = qn_comm_bcast(j->comm, all, nranks, err);
	if (!st && mine)
		part->n = 0;
	for (size_t r = 0; !st && mine && r < nranks; r++) {
		part->index += all[r] && (int)r < rank;
		part->n += all[r];
	}
	free(all);
	free(file);
	return st;
}

/* The first rank of a host. */
static enum quern_status prepare_host(struct qn_journal *j, struct quern_message *err)
{
	enum quern_status st = make_folder(j, err);

	return st ? st : compare_text(j, err);
}

/* --- the whole --- */

/* Takes text. */
static enum quern_status share_text(struct qn_journal *j, char *text, struct quern_message *err)
{
	enum quern_status st;

	j->text = text;
	j->text_nbytes = text ? strlen(text) + 1 : 0;
	st = qn_comm_bcast_block(j->comm, &j->text, &j->text_nbytes, err);
	if (st)
		return st;
	j->text_nbytes--;
	qn_sum_of(j->text, j->text_nbytes, &j->identity);
	return QUERN_OK;
}

static enum quern_status prepare(struct qn_journal *j, struct quern_message *err)
{
	enum quern_status st = qn_sum_check(err);

	if (!st && qn_comm_rank(j->comm) == 0)
		st = make_folder(j, err);
	if (!st && qn_comm_rank(j->comm) == 0)
		st = take_lock(j, err);
	return st;
}

static struct qn_journal *new_journal(struct qn_comm *c, const char *folder)
{
	struct qn_journal *j = qn_calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->comm = c;
	j->lock = -1;
	j->folder = qn_strdup(folder);
	if (j->folder)
		return j;
	free(j);
	return NULL;
}

enum quern_status qn_journal_open(struct qn_comm *c, const char *folder, char *text,
				  struct qn_journal **out, struct quern_message *err)
{
	struct qn_journal *j = *out = new_journal(c, folder);
	enum quern_status st = j && (text || qn_comm_rank(c)) ? QUERN_OK
							      : qn_error_nomem(err, 0, "a journal");
	const bool is_first = qn_comm_host_rank(c) == 0;
	struct part part;
	int64_t last = 0;

	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_agree(c, prepare(j, err), err);
	if (st) {
		free(text);
		return st;
	}
	st = share_text(j, text, err);
	if (!st)
		st = qn_comm_agree(c, is_first ? prepare_host(j, err) : QUERN_OK, err);
	if (!st)
		st = find_part(j, &part, err);
	if (!st)
		st = qn_comm_agree(c, is_first ? list_records(j, &part, &last, err) : QUERN_OK,
				   err);
	if (!st)
		st = qn_comm_reduce(c, &last, 1, QUERN_MAX, err);
	if (!st)
		st = qn_comm_bcast(c, &last, sizeof(last), err);
	j->run = last + 1;
	return st;
}

static bool is_ours(const char *name)
{
	static const char partial[] = TEXT_NAME ".quern-"; /* publish.h */

	return run_of(name) >= 0 || !strcmp(name, TEXT_NAME) || !strcmp(name, LOCK_NAME) ||
	       !strncmp(name, partial, sizeof(partial) - 1);
}

/* On storage that hosts share rank 0 does it for all: there its lock is. */
static void remove_all(const struct qn_journal *j)
{
	DIR *d = qn_sys_opendir(j->folder);
	struct dirent *e;

	if (!d)
		return;
	if (j->lock >= 0 || qn_sys_faccessat(dirfd(d), LOCK_NAME, F_OK, 0))
		while ((e = qn_sys_readdir(d)))
			if (is_ours(e->d_name))
				qn_sys_unlinkat(dirfd(d), e->d_name, 0);
	qn_sys_closedir(d);
}

void qn_journal_close(struct qn_journal *j, bool is_done)
{
	if (!j)
		return;
	if (is_done)
		remove_all(j);
	if (j->lock >= 0)
		qn_sys_close(j->lock);
	for (size_t i = 0; i < j->nrecords; i++)
		qn_states_fini(&j->record[i]);
	free(j->record);
	free(j->folder);
	free(j->text);
	free(j);
}

/* --- a pass: what is done --- */

/* A record as rank 0 hears of it, before its runs. */
struct candidate {
	uint64_t rank, index, nruns, ncovered;
};

/* Records of the pass that this rank knows: owned. */
static enum quern_status pack_candidates(const struct qn_journal_pass *p, char **out,
					 size_t *nbytes, struct quern_message *err)
{
	const struct qn_journal *j = p->journal;
	FILE *f = qn_open_memstream(out, nbytes);

	for (size_t i = 0; f && i < j->nrecords; i++) {
		const struct qn_states *r = &j->record[i];
		const struct candidate c = { (uint64_t)qn_comm_rank(j->comm), i, r->head.nruns,
					     r->head.ncovered };

		if (!qn_sum_equal(&r->head.pass, &p->key) || r->head.nitems != p->nitems)
			continue;
		fwrite(&c, sizeof(c), 1, f);
		fwrite(r->run, sizeof(*r->run), (size_t)c.nruns, f);
	}
	return f && !fclose(f) ? QUERN_OK : qn_error_nomem(err, 0, "records of the journal");
}

/* Rank 0: candidates as they were gathered, those with the most items first. */
struct choice {
	uint64_t nitems;
	uint64_t *map;		       /* owned */
	const struct candidate **list; /* owned */
	size_t n;
	uint64_t *chosen; /* owned: rank, index, rank, index ... */
	size_t nchosen;
};

static int by_covered(const void *a, const void *b)
{
	const struct candidate *x = *(const struct candidate *const *)a;
	const struct candidate *y = *(const struct candidate *const *)b;

	if (x->ncovered != y->ncovered)
		return x->ncovered > y->ncovered ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool list_candidates(struct choice *c, const char *all, uint64_t nbytes)
{
	const struct candidate *one;

	for (const char *at = all; at < all + nbytes;
	     at += sizeof(*one) + one->nruns * sizeof(struct qn_item_run)) {
		one = (const void *)at;
		if (!qn_grow_by_one(&c->list, c->n, sizeof(*c->list)))
			return false;
		c->list[c->n++] = one;
	}
	if (c->n)
		qsort(c->list, c->n, sizeof(*c->list), by_covered);
	return true;
}

/* Sets the bits of its items, unless one of them is set. */
static bool mark(struct choice *c, const struct candidate *one)
{
	const struct qn_item_run *run = (const void *)(one + 1);

	for (uint64_t i = 0; i < one->nruns; i++)
		for (uint64_t k = run[i].first; k < run[i].first + run[i].n; k++)
			if (c->map[k / 64] >> k % 64 & 1)
				return false;
	for (uint64_t i = 0; i < one->nruns; i++)
		for (uint64_t k = run[i].first; k < run[i].first + run[i].n; k++)
			c->map[k / 64] |= UINT64_C(1) << k % 64;
	return true;
}

static bool choose(struct choice *c, const char *all, uint64_t nbytes)
{
	if (!list_candidates(c, all, nbytes))
		return false;
	c->map = qn_calloc((size_t)qn_ceil_div(c->nitems, 64) + 1, sizeof(*c->map));
	c->chosen = qn_calloc(c->n + 1, 2 * sizeof(*c->chosen));
	if (!c->map || !c->chosen)
		return false;
	for (size_t i = 0; i < c->n; i++) {
		if (!mark(c, c->list[i]))
			continue;
		c->chosen[2 * c->nchosen] = c->list[i]->rank;
		c->chosen[2 * c->nchosen++ + 1] = c->list[i]->index;
	}
	return true;
}

/* All candidates to rank 0, which chooses. */
static enum quern_status gather(const struct qn_journal_pass *p, struct choice *choice,
				struct quern_message *err)
{
	struct qn_comm *c = p->journal->comm;
	uint64_t *nbytes_of = qn_calloc((size_t)qn_comm_size(c), sizeof(*nbytes_of)), sum = 0;
	char *mine = NULL;
	void *all = NULL;
	size_t nbytes = 0;
	enum quern_status st = nbytes_of ? pack_candidates(p, &mine, &nbytes, err)
					 : qn_error_nomem(err, 0, "records of the journal");

	st = qn_comm_agree(c, st, err);
	if (!st)
		st = qn_comm_gather_blocks(c, mine, nbytes, &all, nbytes_of, err);
	for (int r = 0; !st && qn_comm_rank(c) == 0 && r < qn_comm_size(c); r++)
		sum += nbytes_of[r];
	if (!st && qn_comm_rank(c) == 0 && !choose(choice, all, sum))
		st = qn_error_nomem(err, 0, "records of the journal");
	free(choice->list);
	free(nbytes_of);
	free(mine);
	free(all);
	return qn_comm_agree(c, st, err);
}

/* Which of them this rank is to add. */
static enum quern_status keep_mine(struct qn_journal_pass *p, const uint64_t *pairs, size_t n,
				   struct quern_message *err)
{
	const uint64_t rank = (uint64_t)qn_comm_rank(p->journal->comm);

	p->chosen = qn_calloc(n + 1, sizeof(*p->chosen));
	if (!p->chosen)
		return qn_error_nomem(err, 0, "records of the journal");
	for (size_t i = 0; i < n; i++)
		if (pairs[2 * i] == rank)
			p->chosen[p->nchosen++] = pairs[2 * i + 1];
	return QUERN_OK;
}

/* What rank 0 has chosen, to all. Takes the choice. */
static enum quern_status tell(struct qn_journal_pass *p, struct choice *choice,
			      struct quern_message *err)
{
	struct qn_comm *c = p->journal->comm;
	size_t nbytes = choice->nchosen * 2 * sizeof(*choice->chosen);
	size_t map_nbytes = qn_ceil_div(p->nitems, 64) * sizeof(*choice->map);
	enum quern_status st = qn_comm_bcast_block(c, &choice->chosen, &nbytes, err);
	const size_t n = nbytes / (2 * sizeof(*choice->chosen));

	if (!st && n)
		st = qn_comm_bcast_block(c, &choice->map, &map_nbytes, err);
	if (!st)
		st = qn_comm_agree(c, keep_mine(p, choice->chosen, n, err), err);
	if (!st && n) {
		p->before = choice->map;
		choice->map = NULL;
	}
	free(choice->chosen);
	free(choice->map);
	return st;
}

enum quern_status qn_journal_pass_init(struct qn_journal_pass *p, struct qn_journal *j,
				       const struct qn_sum *key, uint64_t nitems,
				       struct quern_message *err)
{
	struct choice choice = { .nitems = nitems };
	enum quern_status st;

	*p = (struct qn_journal_pass){ .journal = j,
				       .key = *key,
				       .nitems = nitems,
				       .number = j->npasses++,
				       .fd = -1,
				       .new = QN_PUBLISHING_NONE };
	st = gather(p, &choice, err);
	if (!st)
		return tell(p, &choice, err);
	free(choice.map);
	free(choice.chosen);
	return st;
}

enum quern_status qn_journal_pass_add(const struct qn_journal_pass *p, struct qn_cells *cells,
				      uint64_t *nheld, uint64_t *nbeyond, struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	if (p->nchosen)
		qn_cells_normalize(cells);
	for (size_t i = 0; !st && i < p->nchosen; i++) {
		const struct qn_states *r = &p->journal->record[p->chosen[i]];

		st = qn_states_add(r, cells, err);
		*nheld += r->head.nheld;
		*nbeyond += r->head.nbeyond;
	}
	return st;
}

/* --- a pass: what is written --- */

/* A record that would make a file longer takes its place instead. */
#define APPENDED_NBYTES (UINT64_C(1) << 20)

static enum quern_status begin_file(struct qn_journal_pass *p, struct quern_message *err)
{
	const struct qn_journal *j = p->journal;

	if (!p->journal->has_text && write_text(p->journal, err))
		return err->status;
	if (p->file)
		return QUERN_OK;
	if (qn_asprintf(&p->file, "%s/%04lld-%05d-%04u" STATES_SUFFIX, j->folder, (long long)j->run,
			qn_comm_rank(j->comm), p->number) < 0)
		p->file = NULL;
	return p->file ? QUERN_OK : qn_error_nomem(err, 0, "a name");
}

/* The first record, and any where the file has become long: the file is there with it, or as it was. */
static enum quern_status write_new(struct qn_journal_pass *p, struct qn_states_head *head,
				   const uint64_t *done, struct qn_cells *cells,
				   struct quern_message *err)
{
	char begin[QN_STATES_HEAD_NBYTES];
	enum quern_status st = qn_publish_open(p->file, QN_REPLACE_LINK, owners, &p->new, err);
	int why;

	if (st)
		return st;
	qn_states_file_head(&p->journal->identity, begin);
	st = qn_publish_put(&p->new, begin, sizeof(begin), err);
	if (st)
		return st;
	why = qn_states_write(p->new.fd, sizeof(begin), head, done, cells);
	p->nbytes = sizeof(begin) + head->nbytes;
	return why ? refuse(p->journal, "cannot be written", why, err) : QUERN_OK;
}

static enum quern_status append(struct qn_journal_pass *p, struct qn_states_head *head,
				const uint64_t *done, struct qn_cells *cells,
				struct quern_message *err)
{
	const int why = qn_states_write(p->fd, p->nbytes, head, done, cells);

	p->nbytes += head->nbytes;
	return why ? refuse(p->journal, "cannot be written", why, err) : QUERN_OK;
}

static void close_file(struct qn_journal_pass *p)
{
	if (p->fd >= 0)
		qn_sys_close(p->fd);
	p->fd = -1;
}

enum quern_status qn_journal_pass_write(struct qn_journal_pass *p, struct qn_states_head *head,
					const uint64_t *done, struct qn_cells *cells,
					struct quern_message *err)
{
	enum quern_status st = begin_file(p, err);

	head->pass = p->key;
	head->nitems = p->nitems;
	if (st)
		return st;
	if (p->nbytes > APPENDED_NBYTES)
		close_file(p);
	return p->fd < 0 ? write_new(p, head, done, cells, err) : append(p, head, done, cells, err);
}

enum quern_status qn_journal_pass_sync(struct qn_journal_pass *p, struct quern_message *err)
{
	enum quern_status st;

	if (p->fd >= 0)
		return qn_sys_fsync(p->fd) ? refuse(p->journal, "cannot be synced", errno, err)
					   : QUERN_OK;
	st = qn_publish_commit(&p->new, QN_PUBLISH_NOW, err);
	if (st || p->nbytes > APPENDED_NBYTES)
		return st;
	p->fd = qn_sys_open(p->file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0);
	return p->fd < 0 ? refuse(p->journal, "cannot be opened again", errno, err) : QUERN_OK;
}

void qn_journal_pass_fini(struct qn_journal_pass *p)
{
	if (!p->journal)
		return;
	close_file(p);
	qn_publish_discard(&p->new);
	free(p->file);
	free(p->before);
	free(p->chosen);
	*p = (struct qn_journal_pass){ .fd = -1, .new = QN_PUBLISHING_NONE };
}
