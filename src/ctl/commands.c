/*
 * commands.c - the commands of runnerctl, one row each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/args.h"

enum { NAME_BYTES = 64, NAME_COLUMN = 24 };

const struct command *const commands[] = {
	&run_command,
	&config_validate_command,
	&config_process_command,
	&config_graph_command,
	&config_tasks_command,
	&config_explain_command,
	&config_pack_command,
	&orb_fetch_command,
	&orb_add_command,
	&orb_list_command,
	&orb_source_command,
	&pipeline_run_command,
	&pipeline_list_command,
	&pipeline_show_command,
	&pipeline_watch_command,
	&pipeline_cancel_command,
	&workflow_list_command,
	&workflow_show_command,
	&workflow_approve_command,
	&workflow_cancel_command,
	&workflow_rerun_command,
	&job_list_command,
	&job_show_command,
	&job_cancel_command,
	&job_rerun_command,
	&job_keep_command,
	&task_list_command,
	&task_show_command,
	&logs_command,
	&attach_command,
	&why_command,
	&artifact_list_command,
	&artifact_get_command,
	&test_list_command,
	&test_slow_command,
	&test_flaky_command,
	&cache_list_command,
	&cache_clear_command,
	&resource_class_create_command,
	&resource_class_list_command,
	&resource_class_delete_command,
	&login_command,
	&token_create_command,
	&token_list_command,
	&token_revoke_command,
	&context_create_command,
	&context_list_command,
	&context_set_command,
	&context_remove_command,
	&context_delete_command,
	&context_import_command,
	&envvar_list_command,
	&envvar_set_command,
	&envvar_remove_command,
	&envvar_import_command,
	&ssh_key_add_command,
	&ssh_key_list_command,
	&ssh_key_remove_command,
	&project_list_command,
	&project_show_command,
	&schedule_list_command,
	&schedule_remove_command,
	&storage_usage_command,
	&agent_list_command,
	&agent_show_command,
	&agent_pause_command,
	&agent_resume_command,
	&agent_drain_command,
	&agent_remove_command,
	&top_command,
	&completion_command,
	NULL,
};

/* Names that CircleCI's users know, and shortcuts spelt out. */
static const struct {
	const char *typed, *name;
} other_names[] = {
	{"local execute", "run"},
	{"job logs", "logs"},
	{"job why", "why"},
	{"job attach", "attach"},
	{"job artifacts", "artifact list"},
	{"job tests", "test list"},
	{"runner resource-class create", "resource-class create"},
	{"runner resource-class list", "resource-class list"},
	{"runner resource-class delete", "resource-class delete"},
	{"runner token create", "token create"},
	{"runner token list", "token list"},
	{"runner token delete", "token revoke"},
	{"runner instance list", "agent list"},
};

static const struct command *
find_exact(const char *name)
{
	const struct command *const *at;
	size_t i;

	for (i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (text_eq(name, other_names[i].typed))
			name = other_names[i].name;
	for (at = commands; *at != NULL; at++)
		if (text_eq((*at)->name, name))
			return *at;
	return NULL;
}

/* The first n words of argv, with single blanks; the first word's plural made singular on demand.
 */
static void
join_words(char room[NAME_BYTES], int n, char **argv, bool singular)
{
	size_t len = 0, word;
	int i;

	room[0] = '\0';
	for (i = 0; i < n; i++) {
		word = strlen(argv[i]);
		if (i == 0 && singular && word > 1 && argv[i][word - 1] == 's')
			word -= text_eq(argv[i], "resource-classes") ? 2 : 1;
		if (len + word + 2 > NAME_BYTES) {
			room[0] = '\0'; /* longer than any name */
			return;
		}
		len += (size_t)snprintf(room + len, NAME_BYTES - len, "%s%.*s", i > 0 ? " " : "",
					(int)word, argv[i]);
	}
}

static int
count_words(int argc, char **argv)
{
	int n = 0;

	while (n < argc && n < 3 && argv[n][0] != '-')
		n++;
	return n;
}

/* "pi sh" begins "pipeline show", word by word. */
static bool
begins_words(const char *name, int n, char **argv)
{
	size_t len;
	int i;

	for (i = 0; i < n; i++) {
		len = strlen(argv[i]);
		if (strncmp(name, argv[i], len) != 0 || len == 0)
			return false;
		name = strchr(name, ' ');
		if (name == NULL)
			return i == n - 1;
		name++;
	}
	return false;
}

static const struct command *
find_by_prefix(int n, char **argv)
{
	const struct command *const *at;
	const struct command *found = NULL;

	for (at = commands; *at != NULL; at++) {
		if (!begins_words((*at)->name, n, argv))
			continue;
		if (found != NULL)
			return NULL;
		found = *at;
	}
	return found;
}

static int
refuse_group(const char *group, const char *typed, struct err *err)
{
	const struct command *const *at;
	char list[256] = "";
	size_t len = 0;

	for (at = commands; *at != NULL; at++)
		if (text_starts((*at)->name, group) && (*at)->name[strlen(group)] == ' ')
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
						len > 0 ? ", " : "",
						(*at)->name + strlen(group) + 1);
	if (typed == NULL)
		return err_set(err, ERR_INPUT, "'%s' needs one of %s", group, list);
	return err_set(err, ERR_INPUT, "there is no command '%s %s': it can be %s", group, typed,
		       list);
}

static int
refuse(int n, char **argv, struct err *err)
{
	const struct command *const *at;
	const char *nearest = NULL;
	char typed[NAME_BYTES], group[NAME_BYTES], first[NAME_BYTES];
	/* Of three letters one may be wrong, of four two: 'pip' is not 'top'. */
	unsigned distance, most = strlen(argv[0]) < 4 ? 1 : 2, best = most + 1;

	join_words(group, 1, argv, false);
	if (!commands_is_group(group))
		join_words(group, 1, argv, true);
	if (commands_is_group(group))
		return refuse_group(group, n > 1 ? argv[1] : NULL, err);
	for (at = commands; *at != NULL; at++) {
		(void)snprintf(first, sizeof(first), "%.*s", (int)strcspn((*at)->name, " "),
			       (*at)->name);
		distance = text_distance(argv[0], first, most);
		if (distance < best) {
			best = distance;
			nearest = (*at)->name;
		}
	}
	(void)snprintf(typed, sizeof(typed), "%.60s", argv[0]);
	if (nearest == NULL)
		return err_set(err, ERR_INPUT, "there is no command '%s'", typed);
	return err_set(err, ERR_INPUT, "there is no command '%s': did you mean '%.*s'?", typed,
		       (int)strcspn(nearest, " "), nearest);
}

int
commands_find(const struct command **out, int argc, char **argv, bool prefixes, int *used,
	      struct err *err)
{
	char name[NAME_BYTES];
	int words = count_words(argc, argv), n, singular;

	for (n = words; n > 0; n--)
		for (singular = 0; singular < 2; singular++) {
			join_words(name, n, argv, singular == 1);
			*out = find_exact(name);
			*used = n;
			if (*out != NULL)
				return 0;
		}
	for (n = words; prefixes && n > 0; n--) {
		*out = find_by_prefix(n, argv);
		*used = n;
		if (*out != NULL)
			return 0;
	}
	return refuse(words, argv, err);
}

bool
commands_is_group(const char *group)
{
	const struct command *const *at;
	size_t len = strlen(group);

	for (at = commands; *at != NULL; at++)
		if (len > 0 && text_starts((*at)->name, group) && (*at)->name[len] == ' ')
			return true;
	return false;
}

void
commands_help(struct buffer *out, const char *group)
{
	const struct command *const *at;

	buffer_printf(out,
		      "usage: runnerctl [OPTION]... %s [OPTION]... [OPERAND]...\n\nCommands:\n",
		      group != NULL ? group : "COMMAND");
	for (at = commands; *at != NULL; at++) {
		if (group != NULL &&
		    (!text_starts((*at)->name, group) || (*at)->name[strlen(group)] != ' '))
			continue;
		buffer_printf(out, "  %-*s %s\n", NAME_COLUMN, (*at)->name, (*at)->help);
	}
	buffer_puts(out, "\nGlobal options:\n");
	options_help(out, global_options);
	buffer_puts(out,
		    "\nrunnerctl COMMAND --help says more of each. The manual: man runnerctl\n");
}
