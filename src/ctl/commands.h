/*
 * commands.h - the commands of runnerctl, one row each.
 *
 * A command's row stands at the top of its own file. Help, completions and the man
 * page's check are made from this table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stdbool.h>

#include "base/options.h"

struct buffer;
struct err;

extern const struct command run_command;
extern const struct command config_validate_command, config_process_command, config_graph_command,
	config_tasks_command, config_explain_command, config_pack_command;
extern const struct command orb_fetch_command, orb_add_command, orb_list_command,
	orb_source_command;
extern const struct command pipeline_run_command, pipeline_list_command, pipeline_show_command,
	pipeline_watch_command, pipeline_cancel_command;
extern const struct command workflow_list_command, workflow_show_command, workflow_approve_command,
	workflow_cancel_command, workflow_rerun_command;
extern const struct command job_list_command, job_show_command, job_cancel_command, job_rerun_command,
	job_keep_command;
extern const struct command task_list_command, task_show_command;
extern const struct command logs_command;
extern const struct command attach_command;
extern const struct command why_command;
extern const struct command artifact_list_command, artifact_get_command;
extern const struct command cache_list_command;
extern const struct command cache_clear_command;
extern const struct command resource_class_create_command, resource_class_list_command,
	resource_class_delete_command;
extern const struct command login_command;
extern const struct command token_create_command, token_list_command, token_revoke_command;
extern const struct command context_create_command, context_list_command, context_set_command,
	context_remove_command, context_delete_command, context_import_command;
extern const struct command envvar_list_command, envvar_set_command, envvar_remove_command,
	envvar_import_command;
extern const struct command ssh_key_add_command, ssh_key_list_command, ssh_key_remove_command;
extern const struct command project_list_command, project_show_command;
extern const struct command schedule_list_command, schedule_remove_command;
extern const struct command storage_usage_command;
extern const struct command agent_list_command;
extern const struct command agent_show_command, agent_pause_command, agent_resume_command,
	agent_drain_command, agent_remove_command;
extern const struct command top_command;
extern const struct command test_list_command, test_slow_command, test_flaky_command;
extern const struct command completion_command;

/* Every command, in the order of --help; ends with NULL. */
extern const struct command *const commands[];

/*
 * Find the command that argv begins with; *used is how many words named it. Other names of a
 * command, the plural of its first word and, with prefixes, any unique beginning are accepted.
 * Fails: ERR_INPUT with the nearest name, or with what a lone first word can be followed by.
 */
int commands_find(const struct command **out, int argc, char **argv, bool prefixes, int *used,
		  struct err *err);

/* The list that runnerctl --help prints; group NULL: all, else those whose first word it is. */
void commands_help(struct buffer *out, const char *group);

/* Some command's first word is group and has a second one. */
bool commands_is_group(const char *group);

#endif
