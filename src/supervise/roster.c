#include "supervise/roster.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define MOST_HOSTS    100000
#define MOST_SLOTS    100000
#define NUMBER_NBYTES 32

void qn_roster_fini(struct qn_roster *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->host[i].name);
	free(h->host);
	*h = (struct qn_roster){ .n = 0 };
}

static struct qn_roster_host *find(const struct qn_roster *h, const char *name, size_t nbytes)
{
	for (size_t i = 0; i < h->n; i++)
		if (!strncmp(h->host[i].name, name, nbytes) && !h->host[i].name[nbytes])
			return &h->host[i];
	return NULL;
}

static enum quern_status add(struct qn_roster *h, const char *name, size_t nbytes, int slots,
			     struct quern_message *err)
{
	struct qn_roster_host *known = find(h, name, nbytes);
	char *copy;

	if (known) {
		known->slots = known->slots && slots ? known->slots + slots : QN_ALL_CORES;
		return QUERN_OK;
	}
	if (h->n >= MOST_HOSTS)
		return qn_error_set(err, QUERN_ERR_USAGE, "more than %d hosts", MOST_HOSTS);
	if (!qn_grow(&h->host, &h->room, h->n + 1, sizeof(*h->host)) ||
	    !(copy = qn_strndup(name, nbytes)))
		return qn_error_nomem(err, nbytes, "a list of hosts");
	h->host[h->n++] = (struct qn_roster_host){ copy, slots };
	return QUERN_OK;
}

/* Number of slots at text, up to `end`: false when it is none. "*" and "auto" are all cores. */
static bool read_slots(const char *text, const char *end, int *slots)
{
	char *after;
	const long n = strtol(text, &after, 10);

	if (!strncmp(text, "*", (size_t)(end - text)) ||
	    !strncmp(text, "auto", (size_t)(end - text))) {
		*slots = QN_ALL_CORES;
		return true;
	}
	*slots = (int)n;
	return isdigit((unsigned char)*text) && after == end && n > 0 && n <= MOST_SLOTS;
}

/* NAME or NAME:SLOTS. */
static enum quern_status add_word(struct qn_roster *h, const char *word, size_t nbytes, int slots,
				  struct quern_message *err)
{
	const char *colon = memchr(word, ':', nbytes);
	const size_t name = colon ? (size_t)(colon - word) : nbytes;

	if (!name || *word == '+' || *word == '-' ||
	    (colon && !read_slots(colon + 1, word + nbytes, &slots)))
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "'%.*s' is no host: the hosts of a run that is supervised are "
				    "given as NAME or NAME:SLOTS",
				    (int)nbytes, word);
	return add(h, word, name, slots, err);
}

enum quern_status qn_roster_of_list(struct qn_roster *h, const char *text,
				    struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	while (!st && *(text += strspn(text, ","))) {
		const size_t n = strcspn(text, ",");

		st = add_word(h, text, n, 1, err);
		text += n;
	}
	return st;
}

/* The slots that a line says behind the name of its host. */
static int slots_of_line(const char *line, const char *end)
{
	static const char key[] = "slots=";
	int slots = QN_ALL_CORES;

	for (; line + strlen(key) < end; line++)
		if (isspace((unsigned char)line[-1]) && !strncmp(line, key, strlen(key))) {
			line += strlen(key);
			if (!read_slots(line, line + strspn(line, "0123456789"), &slots))
				slots = QN_ALL_CORES;
			break;
		}
	return slots;
}

enum quern_status qn_roster_of_file(struct qn_roster *h, const char *text,
				    struct quern_message *err)
{
	enum quern_status st = QUERN_OK;

	while (!st && *text) {
		const char *const end = text + strcspn(text, "#\n");

		text += strspn(text, " \t\r");
		if (text < end) {
			const size_t n = strcspn(text, " \t\r\n#");

			st = add_word(h, text, n, slots_of_line(text + n, end), err);
		}
		text = end + strcspn(end, "\n");
		text += *text == '\n';
	}
	return st;
}

/* --- Slurm --- */

/* The tasks of one node after another: "2(x3),1" is 2, 2, 2, 1. */
struct tasks {
	const char *at; /* NULL: not known */
	int n, left;
};

static int next_tasks(struct tasks *t)
{
	char *after;

	if (!t->left) {
		if (!t->at || !isdigit((unsigned char)*t->at))
			return QN_ALL_CORES;
		t->n = (int)strtol(t->at, &after, 10);
		t->left = strncmp(after, "(x", 2) ? 1 : (int)strtol(after + 2, &after, 10);
		after += *after == ')';
		t->at = after + (*after == ',');
	}
	t->left--;
	return t->n > 0 && t->n <= MOST_SLOTS ? t->n : QN_ALL_CORES;
}

/* "3" or "1-4", or "01-16" with leading zeros, from `text` to `end`. */
static enum quern_status add_range(struct qn_roster *h, const char *prefix, size_t nprefix,
				   const char *text, const char *end, struct tasks *tasks,
				   struct quern_message *err)
{
	const int width = (int)strspn(text, "0123456789");
	enum quern_status st = QUERN_OK;
	long first, last;
	char *after, *name = NULL;

	first = last = strtol(text, &after, 10);
	if (*after == '-')
		last = strtol(after + 1, &after, 10);
	if (!width || width >= NUMBER_NBYTES || after != end || last < first ||
	    last - first >= MOST_HOSTS)
		return qn_error_set(err, QUERN_ERR_USAGE,
				    "SLURM_JOB_NODELIST: '%.*s' is no range of nodes",
				    (int)(end - text), text);
	for (; !st && first <= last; first++) {
		if (qn_asprintf(&name, "%.*s%0*ld", (int)nprefix, prefix, width, first) < 0)
			return qn_error_nomem(err, nprefix, "a list of hosts");
		st = add(h, name, strlen(name), next_tasks(tasks), err);
		free(name);
	}
	return st;
}

enum quern_status qn_roster_of_slurm(struct qn_roster *h, const char *nodes, const char *tasks,
				     struct quern_message *err)
{
	struct tasks t = { .at = tasks };
	enum quern_status st = QUERN_OK;

	while (!st && *(nodes += strspn(nodes, ","))) {
		const size_t n = strcspn(nodes, "[,");
		const char *at = nodes + n;

		if (*at != '[') {
			st = add(h, nodes, n, next_tasks(&t), err);
			nodes = at;
			continue;
		}
		while (!st && *at && *at != ']') {
			const char *const end = at + 1 + strcspn(at + 1, ",]");

			st = add_range(h, nodes, n, at + 1, end, &t, err);
			at = end;
		}
		nodes = at + (*at == ']');
		if (!st && *nodes && *nodes != ',')
			st = qn_error_set(err, QUERN_ERR_USAGE,
					  "SLURM_JOB_NODELIST: names of nodes that go on behind "
					  "their numbers are not understood: %s",
					  nodes);
	}
	return st;
}

/* --- of some of them --- */

static void print_host(FILE *out, const struct qn_roster_host *host, bool with_slots)
{
	fputs(host->name, out);
	if (with_slots && host->slots)
		fprintf(out, ":%d", host->slots);
	else if (with_slots)
		fputs(":*", out);
}

char *qn_roster_list(const struct qn_roster *h, const bool *kept, bool with_slots)
{
	char *text = NULL;
	size_t nbytes;
	FILE *out = qn_open_memstream(&text, &nbytes);
	const char *comma = "";

	for (size_t i = 0; out && i < h->n; i++) {
		if (!kept[i])
			continue;
		fputs(comma, out);
		print_host(out, &h->host[i], with_slots);
		comma = ",";
	}
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

int qn_roster_ranks(const struct qn_roster *h, const bool *kept, int n)
{
	int64_t all = 0, some = 0;

	for (size_t i = 0; i < h->n; i++) {
		const int slots = h->host[i].slots ? h->host[i].slots : 1;

		all += slots;
		some += kept[i] ? slots : 0;
	}
	if (!all || n * some / all < 1)
		return 1;
	return (int)(n * some / all);
}

bool qn_roster_is_self(const char *name, const char *self)
{
	static const char *const own[] = { "localhost", "127.0.0.1", "::1" };
	const size_t n = strcspn(name, "."), nself = strcspn(self, ".");

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strcmp(name, own[i]))
			return true;
	/* One of the two may have a domain behind it. */
	return !strcasecmp(name, self) ||
	       ((!name[n] || !self[nself]) && n == nself && !strncasecmp(name, self, n));
}
