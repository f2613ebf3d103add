/*
 * completion.c - scripts by which bash, zsh and fish complete command lines of quern: commands, options,
 * values of choices, names of kernels and of pages of the manual, all from their rows.
 */
#include <string.h>

#include "kernel/kernel.h"
#include "manual/manual.h"
#include "quern.h"

/* --- what there is --- */

typedef void row_fn(FILE *out, const char *of, const struct quern_option *row);

static void each_row(FILE *out, const char *of, const struct quern_option *row, row_fn *print)
{
	for (; row && row->name; row++)
		print(out, of, row);
}

static void each_option(FILE *out, const struct qn_command *c, row_fn *print)
{
	const struct quern_option *table[QN_MAX_OPTION_TABLES] = { NULL };

	c->tables(table);
	for (int i = 0; i < QN_MAX_OPTION_TABLES; i++)
		each_row(out, c->name, table[i], print);
}

/* Names with blanks between. */
static void print_commands(FILE *out, const struct qn_rows *rows)
{
	for (const struct qn_command *c = rows->commands; c->name; c++)
		fprintf(out, "%s%s", c == rows->commands ? "" : " ", c->name);
}

static void print_kernels(FILE *out)
{
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		fprintf(out, "%s%s", k == qn_kernels ? "" : " ", (*k)->name);
}

static void print_topics(FILE *out)
{
	for (const struct qn_page *p = qn_manual_pages; p->name; p++)
		fprintf(out, "%s%s", p == qn_manual_pages ? "" : " ", p->topic);
	for (const struct qn_part *p = qn_manual_parts; p->topic; p++)
		fprintf(out, " %s", p->topic);
}

/* "a|b|c" with blanks. */
static void print_choices(FILE *out, const struct quern_option *row)
{
	for (const char *c = row->arg; *c; c++)
		fputc(*c == '|' ? ' ' : *c, out);
}

enum value { NONE, CHOICE, FILES, DIRECTORIES, KERNELS, OTHER };

static enum value value_of(const struct quern_option *row)
{
	if (row->type == QUERN_OPT_FLAG)
		return NONE;
	if (row->type == QUERN_OPT_CHOICE)
		return CHOICE;
	if (!strcmp(row->arg, "FILE"))
		return FILES;
	if (!strcmp(row->arg, "DIR"))
		return DIRECTORIES;
	return strcmp(row->arg, "KERNEL") ? OTHER : KERNELS;
}

/* The doc of a row up to its first colon, semicolon or parenthesis. Of the characters that a shell would
   obey in quotation marks there, those in `escaped` get a backslash, and those in `dropped` are left out. */
static void print_short(FILE *out, const char *doc, const char *escaped, const char *dropped)
{
	for (const char *c = doc; *c && !strchr(":;", *c) && strncmp(c, " (", 2); c++) {
		if (strchr(dropped, *c))
			continue;
		if (strchr(escaped, *c))
			fputc('\\', out);
		fputc(*c, out);
	}
}

/* --- bash --- */

static void bash_option(FILE *out, const char *of, const struct quern_option *row)
{
	(void)of;
	if (row->letter)
		fprintf(out, " -%c", row->letter);
	fprintf(out, " --%s", row->name);
}

/* What may come after an option. */
static void bash_value(FILE *out, const char *of, const struct quern_option *row)
{
	static const char *const actions[] = { [FILES] = "_quern_files -f",
					       [DIRECTORIES] = "_quern_files -d",
					       [OTHER] = "_quern_nothing" };
	const enum value value = value_of(row);

	if (value == NONE)
		return;
	fprintf(out, "\t%s:--%s", of, row->name);
	if (row->letter)
		fprintf(out, " | %s:-%c", of, row->letter);
	fputs(") ", out);
	if (value == CHOICE || value == KERNELS) {
		fputs("_quern_words '", out);
		if (value == CHOICE)
			print_choices(out, row);
		else
			print_kernels(out);
		fputc('\'', out);
	} else {
		fputs(actions[value], out);
	}
	fputs(" ;;\n", out);
}

/* Of the options of kernels, whichever is meant. */
static void bash_values(FILE *out, const struct qn_rows *rows)
{
	fputs("\tcase $command:$before in\n", out);
	for (const struct qn_command *c = rows->commands; c->name; c++)
		each_option(out, c, bash_value);
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
		each_row(out, "*", (*k)->options, bash_value);
	fputs("\t*) return 1 ;;\n\tesac\n", out);
}

static void bash_options(FILE *out, const struct qn_rows *rows)
{
	fputs("\tcase $command in\n", out);
	for (const struct qn_command *c = rows->commands; c->name; c++) {
		fprintf(out, "\t%s) options='", c->name);
		each_option(out, c, bash_option);
		fputs(" -h --help' ;;\n", out);
	}
	fputs("\tesac\n\tcase $kernel in\n", out);
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++) {
		if (!(*k)->options)
			continue;
		fprintf(out, "\t%s) options+='", (*k)->name);
		each_row(out, (*k)->name, (*k)->options, bash_option);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n", out);
}

/* What comes after the rows. */
static const char bash_functions[] =
	"# Of these words, those that begin with $word.\n"
	"_quern_words()\n"
	"{\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
	"}\n\n"
	"# Names of files (-f) or directories (-d).\n"
	"_quern_files()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$word\")\n"
	"}\n\n"
	"_quern_nothing()\n"
	"{\n"
	"\tcompopt +o default 2>/dev/null\n"
	"}\n\n"
	"_quern()\n"
	"{\n"
	"\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal command=${COMP_WORDS[1]} kernel= options= i\n\n"
	"\tCOMPREPLY=()\n"
	"\t# --name=value is three words.\n"
	"\tif [[ $word == = ]]; then\n"
	"\t\tword=\n"
	"\telif [[ $before == = ]]; then\n"
	"\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	"\t\t_quern_words \"$_quern_commands --help --version\"\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tcase \" $_quern_kernels \" in\n"
	"\t\t*\" ${COMP_WORDS[i]} \"*) kernel=${COMP_WORDS[i]}; break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif _quern_value; then\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase $command:$kernel:$word in\n"
	"\t*:-*) _quern_options; _quern_words \"$options\" ;;\n"
	"\trun::* | plan::* | kernels::*) _quern_words \"$_quern_kernels\" ;;\n"
	"\tbench:*) [[ $before != bench ]] || _quern_words scaling ;;\n"
	"\thelp:*) _quern_words \"$_quern_topics\" ;;\n"
	"\tesac\n"
	"}\n\n"
	"complete -o default -F _quern quern\n";

static void print_bash(FILE *out, const struct qn_rows *rows)
{
	fprintf(out,
		"# bash completion of quern %s; made by: quern help --completion bash\n\n"
		"_quern_commands='",
		quern_version());
	print_commands(out, rows);
	fputs("'\n_quern_kernels='", out);
	print_kernels(out);
	fputs("'\n_quern_topics='", out);
	print_topics(out);
	fputs("'\n\n# The value of the option in $before; fails if there is none.\n_quern_value()\n{\n",
	      out);
	bash_values(out, rows);
	fputs("}\n\n# Adds the options of $command, and those of $kernel, to $options.\n"
	      "_quern_options()\n{\n",
	      out);
	bash_options(out, rows);
	fputs("}\n\n", out);
	fputs(bash_functions, out);
}

/* --- zsh --- */

static void zsh_doc(FILE *out, const char *doc)
{
	print_short(out, doc, "", "[]'`$\\\"");
}

static void zsh_action(FILE *out, const struct quern_option *row)
{
	switch (value_of(row)) {
	case CHOICE:
		fputs("(", out);
		print_choices(out, row);
		fputs(")", out);
		break;
	case KERNELS:
		fputs("(", out);
		print_kernels(out);
		fputs(")", out);
		break;
	case FILES:
		fputs("_files", out);
		break;
	case DIRECTORIES:
		fputs("_files -/", out);
		break;
	default:
		fputc(' ', out);
	}
}

/* '(-d --dataset)'{-d,--dataset=}'[the dataset to read]:PATH: ' */
static void zsh_option(FILE *out, const char *of, const struct quern_option *row)
{
	const char *equals = row->type == QUERN_OPT_FLAG ? "" : "=";

	(void)of;
	if (row->letter)
		fprintf(out, "\t\t'(-%c --%s)'{-%c,--%s%s}'[", row->letter, row->name, row->letter,
			row->name, equals);
	else
		fprintf(out, "\t\t'--%s%s[", row->name, equals);
	zsh_doc(out, row->doc);
	fputc(']', out);
	if (row->type != QUERN_OPT_FLAG) {
		fprintf(out, ":%s:", row->type == QUERN_OPT_CHOICE ? row->name : row->arg);
		zsh_action(out, row);
	}
	fputs("' \\\n", out);
}

static void zsh_operands(FILE *out, const struct qn_command *c)
{
	if (qn_command_takes_kernel(c)) {
		for (const struct quern_kernel *const *k = qn_kernels; *k; k++)
			each_row(out, (*k)->name, (*k)->options, zsh_option);
		fputs("\t\t'1:kernel:(", out);
		print_kernels(out);
		fputs(")' '*:file:_files'", out);
	} else if (strstr(c->usage, "[NAME]")) {
		fputs("\t\t'1:kernel:(", out);
		print_kernels(out);
		fputs(")'", out);
	} else if (strstr(c->usage, "[TOPIC]")) {
		fputs("\t\t'1:topic:(", out);
		print_topics(out);
		fputs(")'", out);
	} else if (strstr(c->usage, " scaling ")) {
		fputs("\t\t'1:what:(scaling)' '*:file:_files'", out);
	} else {
		fputs("\t\t'*:file:_files'", out);
	}
	fputs(" ;;\n", out);
}

static void print_zsh(FILE *out, const struct qn_rows *rows)
{
	fprintf(out,
		"#compdef quern\n# zsh completion of quern %s; made by: quern help --completion zsh\n\n"
		"_quern()\n{\n\tlocal -a commands=(\n",
		quern_version());
	for (const struct qn_command *c = rows->commands; c->name; c++) {
		fprintf(out, "\t\t'%s:", c->name);
		zsh_doc(out, c->doc);
		fputs("'\n", out);
	}
	fputs("\t)\n\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n"
	      "\t\t_arguments '--help[all commands]' '--version[the version]'\n\t\treturn\n\tfi\n"
	      "\tshift words\n\t((CURRENT--))\n\tcase $words[1] in\n",
	      out);
	for (const struct qn_command *c = rows->commands; c->name; c++) {
		fprintf(out, "\t%s)\n\t\t_arguments -S \\\n", c->name);
		each_option(out, c, zsh_option);
		fputs("\t\t'(-h --help)'{-h,--help}'[the options used most, and examples]' \\\n",
		      out);
		zsh_operands(out, c);
	}
	fputs("\tesac\n}\n\n_quern \"$@\"\n", out);
}

/* --- fish --- */

static void fish_doc(FILE *out, const char *doc)
{
	fputs(" -d '", out);
	print_short(out, doc, "'\\", "");
	fputc('\'', out);
}

/* -l dataset -s d -x -d 'the dataset to read' */
static void fish_row(FILE *out, const struct quern_option *row)
{
	fprintf(out, " -l %s", row->name);
	if (row->letter)
		fprintf(out, " -s %c", row->letter);
	switch (value_of(row)) {
	case NONE:
		break;
	case CHOICE:
		fputs(" -x -a '", out);
		print_choices(out, row);
		fputc('\'', out);
		break;
	case KERNELS:
		fputs(" -x -a '", out);
		print_kernels(out);
		fputc('\'', out);
		break;
	case FILES:
		fputs(" -r -F", out);
		break;
	case DIRECTORIES:
		fputs(" -x -a '(__fish_complete_directories)'", out);
		break;
	case OTHER:
		fputs(" -x", out);
		break;
	}
	fish_doc(out, row->doc);
	fputc('\n', out);
}

static void fish_option(FILE *out, const char *of, const struct quern_option *row)
{
	fprintf(out, "complete -c quern -n '__fish_seen_subcommand_from %s'", of);
	fish_row(out, row);
}

static void fish_kernel_option(FILE *out, const char *of, const struct quern_option *row)
{
	fprintf(out,
		"complete -c quern -n '__fish_seen_subcommand_from run plan; "
		"and __fish_seen_subcommand_from %s'",
		of);
	fish_row(out, row);
}

static void fish_command(FILE *out, const struct qn_command *c)
{
	fprintf(out, "complete -c quern -n __fish_use_subcommand -f -a %s", c->name);
	fish_doc(out, c->doc);
	fputc('\n', out);
	each_option(out, c, fish_option);
}

static void print_fish(FILE *out, const struct qn_rows *rows)
{
	fprintf(out,
		"# fish completion of quern %s; made by: quern help --completion fish\n\n"
		"complete -c quern -n __fish_use_subcommand -f -l version -d 'the version'\n"
		"complete -c quern -s h -l help -d 'the options used most, and examples'\n",
		quern_version());
	for (const struct qn_command *c = rows->commands; c->name; c++)
		fish_command(out, c);
	for (const struct quern_kernel *const *k = qn_kernels; *k; k++) {
		fprintf(out, "complete -c quern -n '__fish_seen_subcommand_from run plan kernels; "
			     "and not __fish_seen_subcommand_from ");
		print_kernels(out);
		fprintf(out, "' -a %s", (*k)->name);
		fish_doc(out, (*k)->doc);
		fputc('\n', out);
		each_row(out, (*k)->name, (*k)->options, fish_kernel_option);
	}
	fputs("complete -c quern -n '__fish_seen_subcommand_from bench' -a scaling\n"
	      "complete -c quern -n '__fish_seen_subcommand_from help' -f -a '",
	      out);
	print_topics(out);
	fputs("'\n", out);
}

void qn_completion_print(FILE *out, const struct qn_rows *rows, const char *shell)
{
	static const struct {
		const char *shell;
		void (*print)(FILE *out, const struct qn_rows *rows);
	} shells[] = {
		{ "bash", print_bash },
		{ "zsh", print_zsh },
		{ "fish", print_fish },
	};

	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (!strcmp(shells[i].shell, shell))
			shells[i].print(out, rows);
}
