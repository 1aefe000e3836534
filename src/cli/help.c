/* Help, man page and completion, all written from the table of verbs. */
#include <string.h>

#include "cli/cli.h"

static const struct verb *find(const char *path)
{
	for (const struct verb *v = cli_verbs; v->path; v++)
		if (strcmp(v->path, path) == 0)
			return v;
	return NULL;
}

void cli_help_top(FILE *f)
{
	(void)fputs("coffer: run unmodified containers in an attested enclave, each party with its own authority\n\n"
	            "usage: coffer GROUP VERB [options] [arguments]\n"
	            "       coffer [GROUP [VERB]] --help\n"
	            "       coffer --version\n\n", f);
	for (const struct verb *v = cli_verbs; v->path; v++)
		(void)fprintf(f, "  %-20s %s\n", v->path, v->summary);
	(void)fputs("\nexit codes: 0 done; 1 refused, denied, not approved, revoked, stale or invalid; 2 usage: words, or an option that is missing;\n"
	            "            3 malformed input, a bound, or a file that would be overwritten; 4 not there, or not to be reached;\n"
	            "            5 an error on this machine; 6 a lease lapsed. Some commands add to these: --help says so\n", f);
}

void cli_help_group(FILE *f, const char *group)
{
	size_t n = strlen(group);

	(void)fprintf(f, "usage: coffer %s VERB [options] [arguments]\n\n", group);
	for (const struct verb *v = cli_verbs; v->path; v++)
		if (strncmp(v->path, group, n) == 0 && v->path[n] == ' ')
			(void)fprintf(f, "  %-20s %s\n", v->path, v->summary);
}

static void option_lines(FILE *f, const struct opt_spec *o)
{
	for (; o && o->name; o++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%s%s%s%s", o->name[1] ? "--" : "-", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
		(void)fprintf(f, "  %-26s %s%s%s\n", left, o->help, o->required ? " (required)" : "", o->many ? " (may repeat)" : "");
	}
}

void cli_help_verb(FILE *f, const struct verb *v)
{
	(void)fprintf(f, "usage: coffer %s%s%s%s\n\n%s.\n", v->path, v->opts ? " [options]" : "", *v->args ? " " : "", v->args, v->summary);
	if (v->persona)
		(void)fprintf(f, "Used by: %s.\n", v->persona);
	if (v->help)
		(void)fprintf(f, "\n%s\n", v->help);
	(void)fputs("\noptions:\n", f);
	option_lines(f, v->opts);
	(void)fputs("  --home DIR                 keys and configuration of this party (default $COFFER_HOME, else ~/.config/coffer)\n"
	            "  --json                     print JSON\n"
	            "  --help                     this text\n", f);
}

/* roff: a leading dot or quote and every backslash and dash need care. */
static void roff(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		(void)fputs("\\&", f);
	for (; *s; s++) {
		if (*s == '\\' || *s == '-')
			(void)fputc('\\', f);
		(void)fputc(*s, f);
		if (*s == '\n' && (s[1] == '.' || s[1] == '\''))
			(void)fputs("\\&", f);
	}
}

void cli_man(FILE *f)
{
	(void)fputs(".TH COFFER 1 \"\" \"coffer " COFFER_VERSION "\" \"Coffer\"\n.SH NAME\ncoffer \\- commands of every party of a confidential workload\n"
	            ".SH SYNOPSIS\n.B coffer\nGROUP VERB [options] [arguments]\n.SH COMMANDS\n", f);
	for (const struct verb *v = cli_verbs; v->path; v++) {
		(void)fprintf(f, ".TP\n.B coffer %s\n", v->path);
		if (*v->args)
			roff(f, v->args);
		(void)fputs("\n.br\n", f);
		roff(f, v->summary);
		(void)fputs(".\n", f);
		if (v->help) {
			(void)fputs(".br\n", f);
			roff(f, v->help);
			(void)fputc('\n', f);
		}
		for (const struct opt_spec *o = v->opts; o && o->name; o++) {
			(void)fputs(".br\n", f);
			roff(f, o->name[1] ? "--" : "-");
			roff(f, o->name);
			(void)fputs(o->arg ? " " : "", f);
			roff(f, o->arg ? o->arg : "");
			(void)fputs(": ", f);
			roff(f, o->help);
			(void)fprintf(f, "%s%s\n", o->required ? " (required)" : "", o->many ? " (may repeat)" : "");
		}
	}
	(void)fputs(".SH OPTIONS OF ALL\n\\-\\-home DIR: keys and configuration of this party (default $COFFER_HOME, else ~/.config/coffer)\n.br\n\\-\\-json: print JSON\n.br\n\\-\\-help: the same of one command\n", f);
	(void)fputs(".SH EXIT STATUS\n0 done; 1 refused, denied, not approved, revoked, stale or invalid; 2 usage: words, or an option that is missing; 3 malformed input, a bound, or a file that would be overwritten; 4 not there, or not to be reached; 5 an error on this machine; 6 a lease lapsed. Some commands add to these.\n"
	            ".SH FILES\n$COFFER_HOME, else ~/.config/coffer: keys and configuration of one party.\n"
	            ".SH ENVIRONMENT\nCOFFER_HOME; COFFER_PASSPHRASE_FILE (the name of a file, never the passphrase).\n", f);
}

void cli_completion(FILE *f)
{
	(void)fputs("# bash completion for coffer, made by 'coffer completion'\n_coffer() {\n\tlocal words=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n\tcase \"$words\" in\n\t\"\") COMPREPLY=($(compgen -W \"", f);
	for (const struct verb *v = cli_verbs; v->path; v++) {
		size_t n = strcspn(v->path, " ");

		if (v == cli_verbs || strncmp(v[-1].path, v->path, n) != 0 || (v[-1].path[n] != ' ' && v[-1].path[n]))
			(void)fprintf(f, "%.*s ", (int)n, v->path);
	}
	(void)fputs("\" -- \"${COMP_WORDS[COMP_CWORD]}\")) ;;\n", f);
	for (const struct verb *v = cli_verbs; v->path; v++) {
		size_t n = strcspn(v->path, " ");

		if (!v->path[n] || find(v->path) != v || (v != cli_verbs && strncmp(v[-1].path, v->path, n + 1) == 0))
			continue;
		(void)fprintf(f, "\t\"%.*s\") COMPREPLY=($(compgen -W \"", (int)n, v->path);
		for (const struct verb *w = v; w->path && strncmp(w->path, v->path, n + 1) == 0; w++)
			(void)fprintf(f, "%s ", w->path + n + 1);
		(void)fputs("\" -- \"${COMP_WORDS[COMP_CWORD]}\")) ;;\n", f);
	}
	for (const struct verb *v = cli_verbs; v->path; v++) {
		(void)fprintf(f, "\t\"%s\"|\"%s \"*) COMPREPLY=($(compgen -f -W \"--help --home --json ", v->path, v->path);
		for (const struct opt_spec *o = v->opts; o && o->name; o++)
			(void)fprintf(f, "%s%s ", o->name[1] ? "--" : "-", o->name);
		(void)fputs("\" -- \"${COMP_WORDS[COMP_CWORD]}\")) ;;\n", f);
	}
	(void)fputs("\tesac\n}\ncomplete -F _coffer coffer\n", f);
}
