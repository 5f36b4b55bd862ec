/*
 * main.c - runnerd: reads its settings, opens its state, and lets the loop run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cgroup_tree.h"
#include "agent/check.h"
#include "agent/depot.h"
#include "agent/depot_child.h"
#include "agent/depot_dir.h"
#include "agent/launcher.h"
#include "agent/linger.h"
#include "agent/lookout.h"
#include "agent/metadata_wall.h"
#include "agent/privilege.h"
#include "agent/settings.h"
#include "agent/state_dir.h"
#include "agent/tasks.h"
#include "agent/uplink.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sanitize.h"
#include "base/text.h"
#include "http/tls.h"
#include "http/url.h"
#include "loop/cells.h"
#include "loop/clock.h"
#include "loop/herald.h"
#include "loop/loop.h"
#include "runner/control.h"
#include "runner/exit.h"

enum { FDS_PER_TASK = 24, FDS_BESIDES = 128, SIGNAL_COUNT = 6 };

struct agent {
	int argc;
	char **argv;
	struct settings settings;
	struct loop *loop;
	struct herald *herald; /* NULL: no service manager listens */
	struct privilege privilege;
	struct metadata_wall wall;
	struct launcher *launcher; /* NULL: tasks run as we do */
	struct state_dir state_dir;
	struct tls_context *tls;
	struct uplink *uplink;
	struct depot *depot;
	struct cgroup_tree *cgroups; /* NULL: tasks have none */
	struct tasks *tasks;
	struct lookout *lookout;
	int64_t started_ms;
	struct signal_watch signals[SIGNAL_COUNT];
	char not_reloaded[160]; /* why the last SIGHUP has changed nothing; "" when it has */
	int status; /* to exit with */
};

/* --- the end ------------------------------------------------------------------------------- */

static void
stop(struct agent *agent, int status)
{
	agent->status = status;
	loop_stop(agent->loop);
}

static void
on_end(void *arg)
{
	struct agent *agent = arg;

	log_info("ending");
	stop(agent, EXIT_OK);
}

/* A service is started anew, finds its tasks, and has a launcher again. */
static void
on_launcher_end(void *arg)
{
	stop(arg, EXIT_REFUSED);
}

/* Whoever started us with --ready-fd waits for a word; a service goes on asking. */
static void
on_refused(void *arg)
{
	struct agent *agent = arg;

	if (agent->settings.ready_fd != 0)
		stop(agent, EXIT_REFUSED);
}

static void
on_ready(void *arg)
{
	struct agent *agent = arg;
	int fd = (int)agent->settings.ready_fd;

	log_info("ready: %u slots", agent->settings.slots.total);
	if (fd == 0)
		return;
	if (dprintf(fd, "ready %s\n", tasks_isolation(agent->tasks)) < 0)
		log_debug("nobody reads descriptor %d: %s", fd, strerror(errno));
	(void)close(fd);
	agent->settings.ready_fd = 0;
}

/* --- signals -----------------------------------------------------------------------------------
 */

/* Whom to trust, by the files as they are now. *out NULL: the hub has no certificate. */
static int
trust_hub(struct tls_context **out, const struct settings *settings, struct err *err)
{
	struct tls_client_options options = {.cacert = settings->cacert,
					     .fingerprint = settings->hub_fingerprint,
					     .cert = settings->cert,
					     .key = settings->key};
	struct url url;

	*out = NULL;
	if (url_parse(&url, settings->hub, err) < 0)
		return err_wrap(err, "hub");
	if (url.scheme == URL_HTTPS)
		return tls_client_new(out, &options, err);
	if (url_is_local(&url) || settings->insecure)
		return 0;
	if (err_set(err, ERR_INPUT,
		    "hub '%s' is plain TCP to another host: tokens would travel readable",
		    settings->hub) < 0)
		err_hint(err, "use https://, or say --insecure if the network between is yours");
	return err->code;
}

static int
take_settings(struct agent *agent, struct settings *next, struct err *err)
{
	struct tls_context *tls;

	if (trust_hub(&tls, next, err) < 0)
		return err->code;
	if (tls != NULL && agent->tls != NULL)
		tls_renew(agent->tls, tls);
	else
		tls_free(tls);
	log_setup(next->log_level, next->log_json, clock_unix_ms);
	uplink_reload(agent->uplink, &next->slots);
	log_info("settings reloaded: %u slots, %u classes; tokens, slots, classes and log level apply now, "
		 "certificates with the next connection, the rest at the next start",
		 next->slots.total, next->slots.class_count);
	return 0;
}

/* All of it or nothing. */
static void
reload(struct agent *agent)
{
	struct settings next;
	struct err err = ERR_INIT;
	int rc;

	herald_reloading(agent->herald);
	rc = settings_load(&next, agent->argc, agent->argv, &err);
	if (rc == 0) {
		rc = take_settings(agent, &next, &err);
		settings_release(&next);
	}
	if (rc < 0)
		log_error("settings are not reloaded: %s", err.text);
	(void)snprintf(agent->not_reloaded, sizeof(agent->not_reloaded), "%.150s", rc < 0 ? err.text : "");
	herald_ready(agent->herald);
}

/* For "systemctl status". */
static void
put_status(void *arg, char room[HERALD_STATUS_BYTES])
{
	const struct agent *agent = arg;
	const struct slots *slots = &agent->settings.slots;

	(void)snprintf(room, HERALD_STATUS_BYTES, "%u of %u slots taken%s; the hub at %.60s is %s%s%.90s", slots->taken,
		       slots->total, uplink_is_draining(agent->uplink) ? ", draining" : "",
		       uplink_hub_text(agent->uplink),
		       uplink_is_connected(agent->uplink) ? "connected" : "away",
		       agent->not_reloaded[0] != '\0' ? "; settings are not reloaded: " : "", agent->not_reloaded);
}

static void
on_change(void *arg)
{
	struct agent *agent = arg;

	herald_want_status(agent->herald);
}

static void
on_signal(void *arg, int signo)
{
	struct agent *agent = arg;

	switch (signo) {
	case SIGTERM:
	case SIGINT:
		if (!uplink_is_draining(agent->uplink)) {
			uplink_drain(agent->uplink, "asked by a signal");
			break;
		}
		log_info("canceling every task");
		uplink_cancel_all(agent->uplink, "the agent was stopped");
		break;
	case SIGQUIT:
		log_info("leaving %zu tasks running", tasks_running(agent->tasks));
		stop(agent, EXIT_OK);
		break;
	case SIGHUP:
		reload(agent);
		break;
	case SIGUSR1:
		uplink_log_state(agent->uplink);
		break;
	default:
		UNREACHABLE();
	}
}

static int
watch_signals(struct agent *agent, struct err *err)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (signal_start(&agent->signals[i], agent->loop, numbers[i], on_signal, agent,
				 err) < 0)
			return err->code;
	return 0;
}

static void
unwatch_signals(struct agent *agent)
{
	size_t i;

	for (i = 0; i < SIGNAL_COUNT; i++)
		signal_stop(&agent->signals[i]);
}

/* --- the host
 * ---------------------------------------------------------------------------------------- */

/* Each missing part of the path, 0755 but for the last, which is ours alone. */
static int
make_dirs(const char *path, struct err *err)
{
	char *copy = mem_strdup(path), *at;
	int rc = 0;

	for (at = strchr(copy + 1, '/'); rc == 0 && at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			rc = err_sys(err, "cannot make directory '%s'", copy);
		*at = '/';
	}
	if (rc == 0 && mkdir(copy, 0700) < 0 && errno != EEXIST)
		rc = err_sys(err, "cannot make directory '%s'", copy);
	free(copy);
	return rc;
}

/* The parent of a directory whose owner makes it with rights of its own. */
static int
make_parent(const char *path, struct err *err)
{
	char *copy = mem_strdup(path), *slash = strrchr(copy, '/');
	int rc = 0;

	if (slash != NULL && slash != copy) {
		*slash = '\0';
		rc = access(copy, F_OK) == 0 ? 0 : make_dirs(copy, err);
	}
	free(copy);
	return rc;
}

static int
make_places(const struct settings *settings, struct err *err)
{
	if (make_parent(settings->run_dir, err) < 0 || make_dirs(settings->data_dir, err) < 0 ||
	    make_parent(settings->work_dir, err) < 0 || make_dirs(settings->cache_dir, err) < 0 ||
	    make_dirs(settings->spool_dir, err) < 0 ||
	    make_dirs(settings->workspace_dir, err) < 0 ||
	    (settings->git_mirrors_max > 0 && make_dirs(settings->git_mirrors, err) < 0))
		return err->code;
	return 0;
}

/* Tokens are in our memory: no other process of this user may look. */
static void
hide(void)
{
#ifndef SANITIZE_ADDRESS /* its leak checker looks */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Where the control socket lies, if an earlier runnerd has made it. */
static int
give_control(const struct agent *agent, struct err *err)
{
	char *path = mem_printf("%s/" CONTROL_DIR_NAME, agent->settings.work_dir);
	int rc = access(path, F_OK) != 0 ? 0 : privilege_give_dir(&agent->privilege, path, err);

	free(path);
	return rc;
}

/* What is ours alone lies in closed directories of these; the way to the rest is open. */
static int
give_places(const struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;
	const struct privilege *us = &agent->privilege;
	const bool has_mirrors = settings->git_mirrors_max > 0;

	if (!us->is_split)
		return 0;
	if (privilege_check_tasks(us, settings->run_dir, err) < 0 ||
	    make_dirs(settings->run_dir, err) < 0 || make_dirs(settings->work_dir, err) < 0 ||
	    privilege_open_dir(us, settings->work_dir, 0711, false, err) < 0 ||
	    give_control(agent, err) < 0 ||
	    privilege_give_dir(us, settings->run_dir, err) < 0 ||
	    privilege_give_dir(us, settings->spool_dir, err) < 0 ||
	    privilege_give_dir(us, settings->workspace_dir, err) < 0 ||
	    privilege_give_dir(us, settings->cache_dir, err) < 0 ||
	    privilege_open_dir(us, settings->cache_dir, 0711, false, err) < 0 ||
	    privilege_open_dir(us, settings->data_dir, 0711, false, err) < 0)
		return err->code;
	if (has_mirrors && (privilege_give_dir(us, settings->git_mirrors, err) < 0 ||
			    privilege_open_dir(us, settings->git_mirrors, 0750, true, err) < 0))
		return err->code;
	return 0;
}

/* While we are root; from the end of it on we are not. */
static int
split_privilege(struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;
	struct launcher_settings launcher = {
		.first_uid = agent->privilege.first_uid,
		.slots = agent->privilege.slots,
		.agent_uid = agent->privilege.uid,
		.agent_gid = agent->privilege.gid,
		.work_dir = settings->work_dir,
		.home = settings->slot_home};
	int rc;

	if (!agent->privilege.is_split)
		return 0;
	if (give_places(agent, err) < 0)
		return err->code;
	launcher.work_fd = open(settings->work_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (launcher.work_fd < 0)
		return err_sys(err, "cannot open the work directory '%s'", settings->work_dir);
	rc = launcher_new(&agent->launcher, agent->loop, &launcher, on_launcher_end, agent, err);
	(void)close(launcher.work_fd);
	if (rc == 0 && agent->cgroups != NULL)
		rc = cgroup_tree_adopt(agent->cgroups, launcher_pid(agent->launcher), err);
	if (rc == 0)
		rc = privilege_drop(&agent->privilege, err);
	if (rc < 0)
		return rc;
	hide(); /* who changes its user can be looked at again */
	log_info("runs as user '%s', tasks as users %u to %u", agent->privilege.user,
		 agent->privilege.first_uid,
		 agent->privilege.first_uid + agent->privilege.slots - 1);
	return 0;
}

/* Said where tasks could harm us: each start, in one line. */
static void
warn_of_tasks(const struct agent *agent)
{
	if (agent->launcher != NULL)
		return;
	if (geteuid() == 0)
		log_warn("tasks run as root, as this runnerd does: they can read its secrets and change the host");
	else if (text_eq(agent->settings.isolation, "none"))
		log_warn("isolation none: tasks run as this runnerd's user, who can read its secrets and "
			 "end it and other tasks");
}

/* Only as far as the slots need: what we raise, jobs inherit. */
static void
raise_descriptor_limit(const struct settings *settings)
{
	rlim_t wanted = (rlim_t)settings->jobs * FDS_PER_TASK + FDS_BESIDES;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
		log_warn("at most %llu open files are allowed, %llu slots may need %llu",
			 (unsigned long long)limit.rlim_cur, (unsigned long long)settings->jobs,
			 (unsigned long long)wanted);
}

/* --- start
 * ---------------------------------------------------------------------------------------------- */

/* A kept task keeps its user, and each that runs needs one. */
static unsigned
kept_most(const struct agent *agent)
{
	const struct settings *settings = &agent->settings;
	uint64_t most = settings->keep_failed_max, spare;

	if (!agent->privilege.is_split)
		return (unsigned)most;
	spare = agent->wall.users - settings->jobs;
	return (unsigned)(spare < most ? spare : most);
}

static int
start_tasks(struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;
	struct tasks_settings tasks = {
		.state_dir = &agent->state_dir,
		.is_after_restart = agent->state_dir.is_renewed,
		.proc_dir = settings->proc_dir,
		.work_dir = settings->work_dir,
		.cache_dir = settings->cache_dir,
		.cache_most_bytes = settings->cache_max,
		.workspace_dir = settings->workspace_dir,
		.workspace_most_bytes = settings->workspace_max,
		.launcher = agent->launcher,
		.open_from = agent->wall.open_from,
		.wants_disk = slots_any_disk(&settings->slots),
		.slot_home = settings->slot_home,
		.isolations = &settings->isolations,
		.ours = (const char *const *)settings->ours,
		.cgroups = agent->cgroups,
		.max_run_time_ms = settings->max_run_time_ms,
		.grace_ms = (uint32_t)settings->grace_ms,
		.orphan_ms = (uint32_t)settings->orphan_limit_ms,
		.spool_most_bytes = settings->spool_task_max,
		.depot = agent->depot,
		.output_most_bytes = settings->output_memory,
		.limits = {.step_most_bytes = settings->max_step_output,
			   .task_most_bytes = settings->max_output,
			   .drops_when_full = text_eq(settings->output_overflow, "truncate")},
		.output_rate = settings->output_rate,
		.zstd_level = (int)settings->output_zstd_level,
		.mask = settings->mask,
		.hooks_dir = settings->hooks_dir,
		.hook_timeout_ms = settings->hook_timeout_ms,
		.keep_failed_ms = settings->keep_failed_ms,
		.keep_most = kept_most(agent),
		.attach = settings->attach,
		.keep_work = !settings->cleanup_working_directory,
		.command_prefix = (const char *const *)settings->command_prefix,
		.mirrors = settings->git_mirrors_max > 0 ? settings->git_mirrors : NULL,
		.mirrors_most_bytes = settings->git_mirrors_max,
		.mirrors_age_ms = settings->git_mirrors_age_ms,
		.known_hosts = settings->known_hosts,
		.run_dir = settings->run_dir,
	};
	struct tasks_hooks hooks = uplink_hooks(agent->uplink);
	size_t found;

	if (tasks_new(&agent->tasks, agent->loop, &tasks, &hooks, err) < 0)
		return err->code;
	if (tasks_recover(agent->tasks, &found, err) < 0)
		return err_wrap(err, "finding the tasks of an earlier runnerd");
	depot_sweep(agent->depot, agent->state_dir.is_renewed);
	if (found > 0)
		log_info("found %zu tasks of an earlier runnerd", found);
	uplink_start(agent->uplink, agent->tasks);
	return 0;
}

static int
start_depot(struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;
	const struct depot_settings depot = {.dir = settings->spool_dir,
					     .run_dir = settings->run_dir,
					     .agent = agent->state_dir.agent,
					     .tasks_fd = agent->state_dir.tasks_fd,
					     .program = "/proc/self/exe",
					     .memory_most = settings->spool_memory,
					     .most = settings->spool_max};

	return depot_new(&agent->depot, agent->loop, &depot, err);
}

static struct headroom_limits
headroom_limits(const struct settings *settings, const char *const *dirs)
{
	return (struct headroom_limits){
		.dirs = dirs,
		.min_free_bytes = settings->min_free,
		.min_free_inodes = settings->min_free_inodes,
		.min_free_memory = settings->min_free_memory,
		.max_pressure = {[PRESSURE_CPU] = settings->max_cpu_pressure,
				 [PRESSURE_MEMORY] = settings->max_memory_pressure,
				 [PRESSURE_IO] = settings->max_io_pressure},
		.proc = settings->proc_dir,
	};
}

static int
start_uplink(struct agent *agent, struct err *err)
{
	/* Not that of caches: a disk of their own is as full as --cache-max lets it be. */
	const char *const dirs[] = {agent->settings.work_dir, agent->settings.spool_dir,
				    agent->settings.workspace_dir, NULL};
	struct uplink_settings uplink = {
		.link = {.url = agent->settings.hub,
			 .tls = agent->tls,
			 .proxy = agent->settings.proxy,
			 .bind_address = agent->settings.bind,
			 .name = agent->settings.name,
			 .agent = agent->state_dir.agent},
		.slots = &agent->settings.slots,
		.headroom = headroom_limits(&agent->settings, dirs),
		.has_forgotten = agent->state_dir.is_renewed,
		.failures_most = (unsigned)agent->settings.pause_after,
		.pause_ms = agent->settings.pause_time_ms,
		.single_task = text_eq(agent->settings.mode, "single-task"),
		.idle_timeout_ms = agent->settings.idle_timeout_ms,
		.arg = agent,
		.on_ready = on_ready,
		.on_refused = on_refused,
		.on_end = on_end,
		.on_change = on_change,
	};

	return uplink_new(&agent->uplink, agent->loop, &uplink, err);
}

static void
warn_of_linger(const struct settings *settings)
{
	char user[LINGER_USER_BYTES];

	if (linger_is_missing(settings->run_dir, user))
		log_warn("logind removes '%s' when the last session of '%s' ends, and the state of "
			 "running tasks with it: run 'loginctl enable-linger %s'",
			 settings->run_dir, user, user);
}

static int
start_lookout(struct agent *agent, struct err *err)
{
	struct lookout_sight sight = {
		.loop = agent->loop,
		.slots = &agent->settings.slots,
		.tasks = agent->tasks,
		.uplink = agent->uplink,
		.name = agent->settings.name,
		.agent = agent->state_dir.agent,
		.started_ms = agent->started_ms,
	};

	return lookout_new(&agent->lookout, &sight, agent->state_dir.fd, agent->settings.metrics,
			   err);
}

/* While we are root still. One that is named must be had; else tasks do without, and it is said why. */
static int
start_cgroups(struct agent *agent, struct err *err)
{
	const char *where = agent->settings.cgroup;
	struct err lack = ERR_INIT;

	if (text_eq(where, "none"))
		return 0;
	if (cgroup_tree_new(&agent->cgroups, agent->loop, where, &lack) == 0)
		return agent->privilege.is_split ? cgroup_tree_give(agent->cgroups, agent->privilege.uid,
								    agent->privilege.gid, err)
						 : 0;
	if (!text_eq(where, "auto")) {
		*err = lack;
		return err->code;
	}
	log_info("tasks have no control groups; of their classes' limits memory holds for each process by itself, pids where tasks have users of their own: %s",
		 lack.text);
	return 0;
}

static int
raise_wall(struct agent *agent, struct err *err)
{
	const struct metadata_wall_settings wall = {.loop = agent->loop,
						    .isolations = &agent->settings.isolations,
						    .privilege = &agent->privilege,
						    .jobs = agent->settings.jobs};

	return metadata_wall_raise(&agent->wall, &wall, err);
}

static int
open_state(struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;
	struct id earlier;
	bool is_known = depot_dir_find_earlier(settings->spool_dir, settings->run_dir, &earlier);

	if (state_dir_open(&agent->state_dir, settings->run_dir, is_known ? &earlier : NULL, err) < 0)
		return err->code;
	if (agent->state_dir.is_renewed)
		log_info("the run directory '%s' is new, this agent is not: what it ran has ended with the host",
			 settings->run_dir);
	return 0;
}

static int
start(struct agent *agent, struct err *err)
{
	const struct settings *settings = &agent->settings;

	raise_descriptor_limit(settings);
	if (privilege_choose(&agent->privilege, settings->user, settings->slot_uids, settings->jobs,
			     err) < 0 ||
	    trust_hub(&agent->tls, settings, err) < 0 || make_places(settings, err) < 0)
		return err->code;
	cells_use();
	if (loop_new(&agent->loop, err) < 0)
		return err->code;
	agent->herald = herald_new(agent->loop, put_status, agent);
	if (start_cgroups(agent, err) < 0 || raise_wall(agent, err) < 0 ||
	    split_privilege(agent, err) < 0)
		return err->code;
	if (open_state(agent, err) < 0)
		return err->code;
	if (watch_signals(agent, err) < 0)
		return err->code;
	log_info("runnerd " RUNNER_VERSION " (" RUNNER_REVISION ") with %u slots, state in %s",
		 agent->settings.slots.total, agent->settings.run_dir);
	warn_of_linger(&agent->settings);
	warn_of_tasks(agent);
	if (start_uplink(agent, err) < 0 || start_depot(agent, err) < 0 ||
	    start_tasks(agent, err) < 0)
		return err->code;
	return start_lookout(agent, err);
}

static void
finish(struct agent *agent)
{
	lookout_free(agent->lookout);
	uplink_free(agent->uplink);
	tasks_free(agent->tasks);
	cgroup_tree_free(agent->cgroups);
	depot_free(agent->depot);
	launcher_free(agent->launcher);
	unwatch_signals(agent);
	herald_free(agent->herald);
	loop_free(agent->loop);
	tls_free(agent->tls);
	state_dir_release(&agent->state_dir);
	settings_release(&agent->settings);
}

/* --- what is said and done with
 * ------------------------------------------------------------------------------ */

static int
complain(const struct err *err)
{
	if (log_is_json()) {
		log_error("%s%s%s", err->text, err->hint != NULL ? "; hint: " : "",
			  err->hint != NULL ? err->hint : "");
	} else {
		fprintf(stderr, "runnerd: %s\n", err->text);
		if (err->hint != NULL)
			fprintf(stderr, "hint: %s\n", err->hint);
	}
	return err->code == ERR_INPUT ? EXIT_USAGE : EXIT_REFUSED;
}

static int
print(struct buffer *text, int status)
{
	if (fwrite(text->data, 1, text->len, stdout) != text->len || fflush(stdout) != 0)
		status = EXIT_REFUSED;
	buffer_release(text);
	return status;
}

static int
print_help(void)
{
	struct buffer text = BUFFER_INIT;

	buffer_puts(&text,
		    "usage: runnerd [-c FILE] [-j N] --hub URL --token-file FILE [OPTION]...\n"
		    "Claims tasks from a hub and runs up to N of them at the same time.\n\n");
	options_help(&text, settings_options());
	buffer_puts(&text,
		    "\nEach option is also a key of runnerd.yaml (output_memory) and a variable\n"
		    "(RUNNERD_OUTPUT_MEMORY); the command line wins, then the environment.\n"
		    "Signals: TERM drains (twice: cancels), QUIT leaves tasks running and ends,\n"
		    "HUP reloads, USR1 logs the state.\n");
	return print(&text, EXIT_OK);
}

static int
print_version(void)
{
	struct buffer text = BUFFER_INIT;

	buffer_puts(&text,
		    "runnerd " RUNNER_VERSION " (" RUNNER_REVISION ")\n" RUNNER_LIBRARIES "\n");
	return print(&text, EXIT_OK);
}

static int
print_check(const struct settings *settings)
{
	struct buffer text = BUFFER_INIT;
	bool good;

	log_setup(LOG_WARN, false, clock_unix_ms);
	good = check_host(settings, &text);
	return print(&text, good ? EXIT_OK : EXIT_NO);
}

int
main(int argc, char **argv)
{
	struct agent agent = {.argc = argc,
			      .argv = argv,
			      .state_dir = STATE_DIR_INIT,
			      .started_ms = clock_unix_ms()};
	struct err err = ERR_INIT;

	if (argc == 2 && text_eq(argv[1], DEPOT_CHILD_ARGUMENT))
		return depot_child_main();
	log_setup(LOG_INFO, false, clock_unix_ms);
	if (settings_load(&agent.settings, argc, argv, &err) < 0)
		return complain(&err);
	if (agent.settings.help)
		agent.status = print_help();
	else if (agent.settings.version)
		agent.status = print_version();
	else if (agent.settings.check)
		agent.status = print_check(&agent.settings);
	if (agent.settings.help || agent.settings.version || agent.settings.check) {
		settings_release(&agent.settings);
		return agent.status;
	}
	log_setup(agent.settings.log_level, agent.settings.log_json, clock_unix_ms);
	hide();
	if (start(&agent, &err) < 0) {
		agent.status = complain(&err);
	} else {
		herald_ready(agent.herald);
		loop_run(agent.loop);
		herald_stopping(agent.herald);
	}
	finish(&agent);
	return agent.status;
}
