/*
 * run.c - "run": a config on this machine, with a hub and an agent of its own.
 *
 * The config is compiled here first, so that what is wrong with it is said at once;
 * what a person selects of it goes to the private hub as a config of literal jobs. From there on
 * everything is what a pipeline on any hub is: the same programs, no second engine.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/diag.h"
#include "compile/plan.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/artifact.h"
#include "ctl/cache_dir.h"
#include "ctl/commands.h"
#include "ctl/contexts.h"
#include "ctl/environment.h"
#include "ctl/orphans.h"
#include "ctl/parameters.h"
#include "ctl/private.h"
#include "ctl/run_hold.h"
#include "ctl/run_result.h"
#include "ctl/run_tests.h"
#include "ctl/say.h"
#include "ctl/screen.h"
#include "compile/select.h"
#include "ctl/table.h"
#include "ctl/input.h"
#include "ctl/watching.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int run(int argc, char **argv);

static const struct option run_options[] = {
	{"config", 'c', "FILE", "the config (default: .circleci/config.yml)"},
	{"jobs", 'j', "N", "run so many jobs side by side (default: the number of CPUs)"},
	{"workflow", 0, "NAME", "only this workflow"},
	{"job", 0, "JOB", "only this job and what it requires"},
	{"only-job", 0, "JOB", "only this job, without what it requires"},
	{"until", 0, "STEP", "no step behind this one: its name, or its number from 0"},
	INPUT_OPTIONS,
	{"env", 'e', "NAME=VALUE", "set a variable in every job; NAME alone passes ours on"},
	{"env-file", 0, "FILE", "set the variables of this file, NAME=VALUE a line"},
	{"context", 0, "NAME=FILE", "a context with the variables of this file, masked in output"},
	{"commit", 0, NULL, "check out the commit, without what is not committed"},
	{"no-cache", 0, NULL, "neither take the caches of earlier runs nor keep this one's"},
	{"artifacts", 0, "DIR", "write what the jobs store below this directory"},
	{"isolation", 0, "LEVEL", "auto, none or namespace: how far jobs are kept from this host (auto)"},
	{"keep-failed", 0, NULL, "keep the working directories of failed jobs"},
	{"dry-run", 0, NULL, "print what would run"},
	{NULL, 0, NULL, NULL},
};

const struct command run_command = {"run", NULL, "run a config's jobs on this machine", run_options,
				    run};

enum { RUN_SLOTS_MOST = 4096, RUN_CANCEL_MS = 30 * 1000, RUN_MEMORY_BYTES = 64 << 20 };

struct run {
	struct input source;
	struct selection selection;
	struct environment environment;
	struct contexts contexts;
	struct arena arena;
	struct plan plan; /* what is selected */
	unsigned slots;
	bool commit, no_cache, keep_failed, dry_run;
	const char *isolation; /* NULL: the strongest that this host has */
	const char *artifacts; /* NULL: they go with the hub */
	struct loop *loop;
	struct signal_watch signals[3];
	int signal; /* the first that came; 0: none */
	bool stop, hurry;
	bool died;
	struct timer grace;
	struct private_pair *pair;
	struct api *api;
	char *pipeline;
	struct json *result; /* with --json, once all has ended */
};

/* --- the command line ------------------------------------------------------------------------ */

static int
set_slots(struct run *run, const char *value, struct err *err)
{
	uint64_t slots;

	if (text_parse_u64(value, RUN_SLOTS_MOST, &slots, err) < 0)
		return err_wrap(err, "option '--jobs'");
	if (slots == 0)
		return err_set(err, ERR_INPUT, "option '--jobs' must be 1 or more");
	run->slots = (unsigned)slots;
	return 0;
}

static int
set_job(struct run *run, const char *value, bool alone, struct err *err)
{
	if (run->selection.job != NULL)
		return err_set(
			err, ERR_INPUT,
			"options '--job' and '--only-job' name one job: give one of them, once");
	run->selection.job = value;
	run->selection.alone = alone;
	return 0;
}

/* user is for root's service: here jobs are of the user who runs them. */
static int
set_isolation(struct run *run, const char *value, struct err *err)
{
	if (!text_eq(value, "auto") && !text_eq(value, "none") && !text_eq(value, "namespace"))
		return err_set(err, ERR_INPUT,
			       "option '--isolation': '%.40s' is not known: it is auto, none or namespace",
			       value);
	run->isolation = value;
	return 0;
}

static int
set_run(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct run *run = arg;

	if (text_eq(option->name, "config"))
		run->source.file = value;
	else if (text_eq(option->name, "jobs"))
		return set_slots(run, value, err);
	else if (text_eq(option->name, "workflow"))
		run->selection.workflow = value;
	else if (text_eq(option->name, "job") || text_eq(option->name, "only-job"))
		return set_job(run, value, text_eq(option->name, "only-job"), err);
	else if (text_eq(option->name, "until"))
		run->selection.until = value;
	else if (text_eq(option->name, "context"))
		return contexts_add(&run->contexts, value, err);
	else if (text_eq(option->name, "env"))
		return environment_add(&run->environment, value, err);
	else if (text_eq(option->name, "env-file"))
		return environment_add_file(&run->environment, value, err);
	else if (text_eq(option->name, "commit"))
		run->commit = true;
	else if (text_eq(option->name, "no-cache"))
		run->no_cache = true;
	else if (text_eq(option->name, "artifacts"))
		run->artifacts = value;
	else if (text_eq(option->name, "isolation"))
		return set_isolation(run, value, err);
	else if (text_eq(option->name, "keep-failed"))
		run->keep_failed = true;
	else if (text_eq(option->name, "dry-run"))
		run->dry_run = true;
	else
		return input_set(&run->source, option, value, err);
	return 0;
}

static unsigned
cpu_count(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

/* --- what is to run --------------------------------------------------------------------------- */

static size_t
count_jobs(const struct plan *plan)
{
	size_t i, count = 0;

	for (i = 0; i < plan->workflow_count; i++)
		count += plan->workflows[i].job_count;
	return count;
}

static int
refuse_empty(const struct run *run)
{
	const char *branch =
		run->source.branch != NULL ? run->source.branch : run->source.project.branch;
	struct err err = ERR_INIT;
	int rc;

	if (run->source.tag != NULL)
		rc = err_set(&err, ERR_INPUT, "no job of '%s' runs for tag '%s'", run->source.path,
			     run->source.tag);
	else
		rc = err_set(&err, ERR_INPUT, "no job of '%s' runs for branch '%s'",
			     run->source.path, branch != NULL ? branch : "");
	if (rc < 0)
		err_hint(&err, "--branch, --tag and --parameter choose other values");
	return say_error(&err);
}

static bool
is_only_unsupported(const struct diags *diags)
{
	const struct diag *diag;
	size_t i;

	for (i = 0; i < diags_count(diags); i++) {
		diag = diags_at(diags, i);
		if (diag->severity == DIAG_ERROR && !text_eq(diag->code, "E_UNSUPPORTED"))
			return false;
	}
	return true;
}

/* What jobs need that are not selected does not count. */
static int
compile_selected(struct run *run)
{
	struct diags *diags = NULL;
	int rc = input_compile(&run->source, FEATURE_CARRIED_OUT, &diags);

	input_say_diags(diags);
	if (rc < 0 && run->selection.job == NULL && is_only_unsupported(diags))
		say_note("--job NAME runs one job with what it requires, --only-job NAME that job alone, "
			 "whatever the others need");
	diags_free(diags);
	return rc < 0 ? EXIT_NO : EXIT_OK;
}

/* EXIT_OK: run->plan is what is to run. */
static int
choose(struct run *run)
{
	struct err err = ERR_INIT;
	size_t held = 0;
	int status;

	if (input_read(&run->source, run->loop, &err) < 0)
		return say_error(&err);
	run->selection.docker_on_host = run->source.docker_on_host;
	run->selection.no_approvals = true;
	run->source.selection = &run->selection;
	status = compile_selected(run);
	if (status != EXIT_OK)
		return status;
	run->selection.held = &held;
	run->selection.environment = run->environment.pairs;
	run->selection.environment_count = run->environment.count;
	if (select_plan(&run->plan, run->source.plan, &run->selection, &run->arena, &err) < 0)
		return say_error(&err);
	if (held > 0)
		say_note("%zu job%s left out: nobody can give an approval here", held,
			 held == 1 ? " is" : "s are");
	if (run->source.plan->schedule_count > 0)
		say_note("what a clock starts is left out: a hub keeps schedules, nothing here "
			 "does");
	contexts_note_missing(&run->contexts, &run->plan);
	if (run->plan.setup && !run->dry_run) {
		run->source.orbs = json_new_array();
		if (input_gather_orbs(&run->source, &err) < 0)
			return say_error(&err);
	}
	return count_jobs(&run->plan) > 0 ? EXIT_OK : refuse_empty(run);
}

static void
print_job(struct buffer *text, const struct plan_workflow *workflow, const struct plan_job *job)
{
	size_t r;

	buffer_printf(text, "%s/%s", workflow->name, job->name);
	if (job->parallelism > 1)
		buffer_printf(text, " x %u", job->parallelism);
	buffer_printf(text, "  %s", plan_executor_name(job->executor.kind));
	for (r = 0; r < job->require_count; r++)
		buffer_printf(text, "%s%s", r == 0 ? "  requires " : ", ",
			      workflow->jobs[job->requires[r].job].name);
	buffer_puts(text, "\n");
}

/* By the names that config tasks has. */
static struct json *
describe_job(const struct plan_workflow *workflow, const struct plan_job *job)
{
	struct json *item = json_new_object(), *requires = json_new_array();
	size_t r;

	json_put_str(item, "workflow", workflow->name);
	json_put_str(item, "job", job->name);
	json_put_int(item, "node_total", job->parallelism);
	json_put_str(item, "executor", plan_executor_name(job->executor.kind));
	json_put_str(item, "resource_class", job->resource_class);
	for (r = 0; r < job->require_count; r++)
		json_push(requires, json_new_string(workflow->jobs[job->requires[r].job].name));
	json_put(item, "requires", requires);
	return item;
}

static int
print_plan(const struct run *run)
{
	struct json *document = json_new_object(), *items = json_new_array();
	const struct plan_workflow *workflow;
	struct buffer text = BUFFER_INIT;
	size_t i, j;
	int status;

	json_put(document, "items", items);
	for (i = 0; i < run->plan.workflow_count; i++) {
		workflow = &run->plan.workflows[i];
		for (j = 0; j < workflow->job_count; j++) {
			print_job(&text, workflow, &workflow->jobs[j]);
			json_push(items, describe_job(workflow, &workflow->jobs[j]));
		}
	}
	status = globals()->json != JSON_FORM_NONE ? table_print(document, items, NULL)
						   : say_result(&text);
	json_free(document);
	buffer_release(&text);
	return status;
}

/* --- signals ------------------------------------------------------------------------------------
 */

static void
on_signal(void *arg, int signo)
{
	struct run *run = arg;

	if (run->signal == 0)
		run->signal = signo;
	else
		run->hurry = true;
	run->stop = true;
	if (run->hurry && run->pair != NULL)
		private_kill(run->pair);
	loop_stop(run->loop);
}

/* Jobs were canceled and have had their time. */
static void
on_grace_timer(void *arg)
{
	struct run *run = arg;

	run->hurry = true;
	private_kill(run->pair);
	loop_stop(run->loop);
}

static void
on_death(void *arg)
{
	struct run *run = arg;

	run->died = true;
	loop_stop(run->loop);
}

static int
watch_signals(struct run *run, struct err *err)
{
	static const int signals[3] = {SIGINT, SIGTERM, SIGHUP};
	int i;

	for (i = 0; i < 3; i++)
		if (signal_start(&run->signals[i], run->loop, signals[i], on_signal, run, err) < 0)
			return err->code;
	return 0;
}

/* --- the pipeline
 * ---------------------------------------------------------------------------------- */

/* A commit is wanted: there must be one. */
static int
check_commit(const struct run *run, struct err *err)
{
	if (!run->commit ||
	    (run->source.project.top != NULL && run->source.project.revision != NULL))
		return 0;
	return err_set(err, ERR_INPUT, "option '--commit' needs a git repository with a commit");
}

static struct json *
describe_checkout(const struct run *run)
{
	struct json *checkout = json_new_object();
	const struct project *project = &run->source.project;
	const char *branch = run->source.branch != NULL ? run->source.branch : project->branch;

	if (run->source.tag != NULL)
		json_put_str(checkout, "tag", run->source.tag);
	if (branch != NULL && (run->source.tag == NULL || run->source.branch != NULL))
		json_put_str(checkout, "branch", branch);
	if (project->revision != NULL)
		json_put_str(checkout, "revision", project->revision);
	if (project->remote != NULL)
		json_put_str(checkout, "repository", project->remote);
	json_put_str(checkout, "directory", run->commit ? project->top : run->source.root);
	if (run->commit)
		json_put_bool(checkout, "commit", true);
	project_put_default(project, checkout);
	return checkout;
}

/* What the jobs of a config that comes later are told, as those of this one were. */
static struct json *
describe_local(const struct run *run)
{
	struct json *local = json_new_object(), *environment = json_new_object();
	size_t i;

	for (i = 0; i < run->environment.count; i++)
		json_put_str(environment, run->environment.pairs[i].name,
			     run->environment.pairs[i].value);
	json_put(local, "environment", environment);
	if (run->source.docker_on_host)
		json_put_bool(local, "docker_on_host", true);
	return local;
}

static struct json *
describe_pipeline(const struct run *run)
{
	struct json *body = json_new_object(), *config = json_new_object();
	struct buffer text = BUFFER_INIT;

	plan_process(&run->plan, &text);
	json_put(config, "content", json_new_stringn((const char *)text.data, text.len));
	json_put_str(config, "path", run->source.path);
	buffer_release(&text);
	json_put(body, "config", config);
	json_put(body, "checkout", describe_checkout(run));
	json_put(body, "parameters", parameters_describe(&run->source, false));
	json_put(body, "local", describe_local(run));
	if (json_count(run->source.orbs) > 0)
		json_put(body, "orbs", json_ref(run->source.orbs));
	return body;
}

/* "vcs/owner/name" of the remote, or a name made of the directory's. */
static char *
slug_of(const struct run *run)
{
	const char *name = strrchr(run->source.root, '/');
	char *slug, *at;

	if (run->source.project.slug != NULL)
		return mem_strdup(run->source.project.slug);
	slug = mem_printf("local/local/%s", name != NULL && name[1] != '\0' ? name + 1 : "project");
	for (at = slug + strlen("local/local/"); *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
			*at = '-';
	return slug;
}

/* The contexts belong to the project's organization: "vcs/owner" of its slug. */
static int
send_contexts(const struct run *run, const char *slug, struct err *err)
{
	LOCAL_FREE char *org = mem_strndup(slug, (size_t)(strrchr(slug, '/') - slug));

	return contexts_send(&run->contexts, run->api, org, err);
}

static int
submit(struct run *run, const char *slug, struct err *err)
{
	struct json *body = describe_pipeline(run), *answer = NULL;
	LOCAL_FREE char *path = api_path("/api/v2/project/%s/pipeline/run", slug);
	const char *id;
	int rc;

	rc = api_call(run->api, "POST", path, body, &answer, err);
	json_free(body);
	if (rc == 0 && json_need_str(answer, "id", &id, err) < 0)
		rc = err_wrap(err, "reading the hub's answer");
	if (rc == 0)
		run->pipeline = mem_strdup(id);
	else
		watching_print_diagnostics(answer);
	json_free(answer);
	return rc;
}

/* Ask the hub once; what was asked to end gets its time, then nobody waits any longer. */
static void
cancel(struct run *run)
{
	LOCAL_FREE char *path = api_path("/api/v2/pipeline/%s/cancel", run->pipeline);
	struct err err = ERR_INIT;

	timer_start_ms(&run->grace, RUN_CANCEL_MS);
	if (api_call(run->api, "POST", path, NULL, NULL, &err) < 0 && err.code != ERR_GONE)
		run->hurry = true;
}

/* Where the end of the pipeline is known: its exit status. Else what went wrong, in err. */
static int
watch_pipeline(struct run *run, struct err *err)
{
	bool is_wanted = globals()->json != JSON_FORM_NONE, canceled = false;
	struct watching *watching;
	int status = ARGS_GO;

	/* Standard output is the result's then. */
	if (watching_start(&watching, run->api, run->pipeline, is_wanted ? STDERR_FILENO : STDOUT_FILENO,
			   false, err) < 0)
		return ARGS_GO;
	while (!watching_is_done(watching) && !run->died && !run->hurry) {
		loop_run(run->loop);
		if (run->stop && !canceled) {
			canceled = true;
			watching_note(watching, "canceling the jobs; once more ends them at once");
			cancel(run);
		}
	}
	if (watching_is_done(watching) && watching_error(watching, err) == 0)
		status = watching_finish(watching, &run->hurry);
	watching_free(watching);
	if (is_wanted && status != ARGS_GO &&
	    run_result_make(&run->result, run->api, run->pipeline, err) < 0)
		status = ARGS_GO;
	return status;
}

/* A connection that is cut is most often a program that has died: that is the better sentence. */
static void
explain(struct run *run, struct err *err)
{
	struct timer timer = {0};

	timer_init(&timer, run->loop, on_death, run);
	timer_start_ms(&timer, 1000);
	while (!run->died && !run->stop && private_check(run->pair, err) == 0)
		loop_run(run->loop);
	timer_release(&timer);
	if (private_check(run->pair, err) < 0) {
		private_show_log(run->pair);
		err_hint(err, "its log is above; what it ran was ended");
	}
}

/* Summed up; the times are kept where caches are. That they cannot be kept is no failure of the jobs. */
static void
tell_tests(const struct run *run, const char *slug, const char *caches)
{
	struct err err = ERR_INIT;
	struct json *tests = NULL;
	int rc = run_tests_tell(&tests, run->api, run->pipeline, &err);

	if (rc == 0 && caches != NULL)
		rc = run_tests_keep(tests, run->api, run->pipeline, slug, caches, &err);
	if (rc < 0)
		say_note("%s", err.text);
	json_free(tests);
}

static void
say_isolation(const char *level)
{
	if (text_eq(level, "namespace"))
		say_note("isolation namespace: jobs have processes, a /tmp and a HOME of their own "
			 "(--isolation none: yours)");
	else
		say_note("isolation %s: jobs can do on this host whatever you can", level);
}

static int
run_private(struct run *run, struct err *err)
{
	LOCAL_FREE char *slug = slug_of(run);
	LOCAL_FREE char *caches = NULL;
	struct private_options options = {.slots = run->slots,
					  .keep_failed = run->keep_failed,
					  .isolation = run->isolation,
					  .stop = &run->stop,
					  .hurry = &run->hurry,
					  .on_death = on_death,
					  .arg = run};
	struct err homeless = ERR_INIT;
	bool keep;
	int status = ARGS_GO;

	if (!run->no_cache && cache_dir_of_user(&caches, &homeless) < 0)
		say_note("caches are not kept: %s", homeless.text);
	options.cache_dir = caches;
	if (private_start(&run->pair, run->loop, &options, err) < 0)
		return ARGS_GO;
	say_isolation(private_isolation(run->pair));
	if (api_open_at(&run->api, run->loop, private_url(run->pair), private_token(run->pair),
			err) == 0 &&
	    send_contexts(run, slug, err) == 0 && submit(run, slug, err) == 0)
		status = watch_pipeline(run, err);
	if (status != ARGS_GO && !run->died && !run->hurry)
		tell_tests(run, slug, caches);
	if (status != ARGS_GO && run->artifacts != NULL && !run->died && !run->hurry &&
	    artifacts_land(run->api, run->pipeline, run->artifacts, err) < 0)
		status = ARGS_GO;
	if (status == ARGS_GO && !run->stop && err->code == ERR_AGAIN)
		explain(run, err);
	else if (status == ARGS_GO && run->died)
		explain(run, err);
	if (run->keep_failed && status == EXIT_NO && !run->stop &&
	    run_hold(run->loop, run->api, run->pair, run->pipeline, &run->stop, &run->died))
		run->signal = 0; /* the jobs' outcome is this program's */
	/* With one of the two gone there is nothing left to end in good order. */
	if (run->died)
		private_kill(run->pair);
	api_close(run->api);
	keep = run->keep_failed && status == EXIT_NO;
	if (keep)
		say_note("working directories of failed jobs are kept in %s",
			 private_work_dir(run->pair));
	if (private_stop(run->pair, keep, err) < 0)
		status = ARGS_GO;
	private_free(run->pair);
	return status;
}

static int
run_plan(struct run *run)
{
	struct err err = ERR_INIT;
	int status = ARGS_GO, i;

	timer_init(&run->grace, run->loop, on_grace_timer, run);
	if (check_commit(run, &err) == 0 && watch_signals(run, &err) == 0 &&
	    orphans_adopt(&err) == 0)
		status = run_private(run, &err);
	for (i = 0; i < 3; i++)
		signal_stop(&run->signals[i]);
	timer_release(&run->grace);
	free(run->pipeline);
	if (run->result != NULL && run_result_print(run->result) != EXIT_OK && status == EXIT_OK)
		status = EXIT_REFUSED;
	json_free(run->result);
	if (run->signal != 0)
		return 128 + run->signal;
	return status == ARGS_GO ? say_error(&err) : status;
}

static int
run(int argc, char **argv)
{
	struct run it = {.slots = cpu_count()};
	struct err err = ERR_INIT;
	int count, status;

	input_init(&it.source);
	arena_init(&it.arena, RUN_MEMORY_BYTES);
	status = args_read(&run_command, argc, argv, &count, set_run, &it);
	if (status == ARGS_GO)
		status = args_count(&run_command, count, 0, 0);
	if (status == ARGS_GO && loop_new(&it.loop, &err) < 0)
		status = say_error(&err);
	if (status == ARGS_GO) {
		status = choose(&it);
		if (status == EXIT_OK)
			status = it.dry_run ? print_plan(&it) : run_plan(&it);
		loop_free(it.loop);
	}
	contexts_release(&it.contexts);
	environment_release(&it.environment);
	json_free(it.source.orbs);
	arena_release(&it.arena);
	input_release(&it.source);
	return status;
}
