/*
 * metrics.c - the agent's numbers in OpenMetrics.
 *
 * All are kept by who counts them; nothing is kept here, so that a scrape costs what it
 * writes and an agent that nobody scrapes pays nothing. /proc is memory: reading it does
 * not wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/metrics.h"

#include "agent/headroom.h"
#include "agent/hub_link.h"
#include "agent/lookout.h"
#include "agent/slots.h"
#include "agent/task.h"
#include "agent/tasks.h"
#include "agent/uplink.h"
#include "format/openmetrics.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "task/names.h"

#define GAUGE	OPENMETRICS_GAUGE
#define COUNTER OPENMETRICS_COUNTER

/* --- room and tasks -------------------------------------------------------------------------- */

static void
put_slots(const struct slots *slots, struct openmetrics *to)
{
	unsigned i;

	openmetrics_begin(to, "runnerd_slots", GAUGE, NULL, "Slots of this host, by use.");
	openmetrics_put(to, slots->taken, "state", "taken", NULL);
	openmetrics_put(to, slots_free(slots), "state", "free", NULL);
	openmetrics_begin(to, "runnerd_class_tasks", GAUGE, NULL,
			  "Tasks that hold a slot, by resource class.");
	for (i = 0; i < slots->class_count; i++)
		openmetrics_put(to, slots->classes[i].taken, "resource_class",
				slots->classes[i].name, NULL);
	openmetrics_begin(to, "runnerd_class_room", GAUGE, NULL,
			  "Tasks for which there is room now, by resource class.");
	for (i = 0; i < slots->class_count; i++)
		openmetrics_put(to, slots_offer(slots, i), "resource_class", slots->classes[i].name,
				NULL);
}

static void
put_paused(const struct slots *slots, struct openmetrics *to)
{
	unsigned i;

	openmetrics_begin(to, "runnerd_class_paused", GAUGE, NULL,
			  "1 while nothing is claimed of a resource class, since its tasks failed by the host's fault.");
	for (i = 0; i < slots->class_count; i++)
		openmetrics_put(to, slots->classes[i].paused[0] != '\0', "resource_class", slots->classes[i].name, NULL);
}

/* --- the host --------------------------------------------------------------------------------- */

static void
put_headroom(const struct headroom *headroom, struct openmetrics *to)
{
	uint64_t bytes;
	double percent;
	unsigned i;

	openmetrics_begin(to, "runnerd_host_short", GAUGE, NULL,
			  "1 while nothing is claimed, since a disk, memory or pressure is beyond its limit.");
	openmetrics_put(to, headroom_low_disk(headroom) != NULL || pressure_is_high(&headroom->pressure), NULL);
	openmetrics_begin(to, "runnerd_host_pressure_ratio", GAUGE, "ratio",
			  "Part of the last ten seconds in which some process of the host has waited, by what for.");
	for (i = 0; i < PRESSURE_COUNT; i++)
		if (pressure_read(&headroom->pressure, (enum pressure_kind)i, &percent))
			openmetrics_put_real(to, percent / 100, "resource", pressure_name((enum pressure_kind)i), NULL);
	openmetrics_begin(to, "runnerd_host_memory_available_bytes", GAUGE, "bytes",
			  "Memory that can be had without swapping.");
	if (pressure_read_memory(&headroom->pressure, &bytes))
		openmetrics_put(to, bytes, NULL);
	openmetrics_begin(to, "runnerd_host_disk_free_bytes", GAUGE, "bytes",
			  "What is free on the disk of a directory, as last looked at.");
	for (i = 0; i < headroom->disk_count; i++)
		openmetrics_put(to, headroom->disks[i].free_bytes, "dir", headroom->disks[i].path, NULL);
}

static void
put_states(struct tasks *tasks, struct openmetrics *to)
{
	uint64_t counts[TASK_STATE_COUNT] = {0};
	struct task *task = NULL;
	unsigned i;

	while ((task = tasks_next(tasks, task)) != NULL)
		counts[task_state(task)]++;
	openmetrics_begin(to, "runnerd_tasks", GAUGE, NULL, "Tasks here, by state.");
	for (i = 0; i < TASK_STATE_COUNT; i++)
		openmetrics_put(to, counts[i], "state", task_state_name((enum task_state)i), NULL);
}

static void
put_tasks(struct tasks *tasks, struct openmetrics *to)
{
	static const enum outcome ends[] = {OUTCOME_SUCCESS, OUTCOME_FAILED, OUTCOME_CANCELED,
					    OUTCOME_TIMEDOUT, OUTCOME_INFRA_FAIL};
	const struct tasks_counters *counters = tasks_counters(tasks);
	unsigned i;

	put_states(tasks, to);
	openmetrics_begin(to, "runnerd_tasks_claimed", COUNTER, NULL, "Tasks taken from the hub.");
	openmetrics_put(to, counters->claimed, NULL);
	openmetrics_begin(to, "runnerd_tasks_recovered", COUNTER, NULL,
			  "Tasks of an earlier runnerd found at the start.");
	openmetrics_put(to, counters->recovered, NULL);
	openmetrics_begin(to, "runnerd_tasks_unclaimed", COUNTER, NULL,
			  "Tasks given back before anything ran.");
	openmetrics_put(to, counters->unclaimed, NULL);
	openmetrics_begin(to, "runnerd_tasks_ended", COUNTER, NULL,
			  "Tasks that are over, by outcome.");
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		openmetrics_put(to, counters->by_outcome[ends[i]], "outcome", outcome_name(ends[i]),
				NULL);
	openmetrics_begin(to, "runnerd_task_events", COUNTER, NULL,
			  "Events of tasks that were recorded for the hub.");
	openmetrics_put(to, counters->events, NULL);
}

/* --- output ---------------------------------------------------------------------------------- */

static void
put_memory(const struct slab_use *use, struct openmetrics *to)
{
	openmetrics_begin(to, "runnerd_output_memory_bytes", GAUGE, "bytes",
			  "Memory that output on its way to the hub holds, by where it lies.");
	openmetrics_put(to, use->chunk_bytes, "place", "chunks", NULL);
	openmetrics_put(to, use->charged_bytes, "place", "memfds", NULL);
	openmetrics_begin(to, "runnerd_output_memory_resident_bytes", GAUGE, "bytes",
			  "Pages of chunks, taken or free.");
	openmetrics_put(to, use->resident_bytes, NULL);
	openmetrics_begin(to, "runnerd_output_memory_peak_bytes", GAUGE, "bytes",
			  "Most of both places together so far.");
	openmetrics_put(to, use->peak_bytes, NULL);
	openmetrics_begin(to, "runnerd_output_memory_limit_bytes", GAUGE, "bytes",
			  "The ceiling: --output-memory.");
	openmetrics_put(to, use->limit_bytes, NULL);
	openmetrics_begin(to, "runnerd_output_memory_refusals", COUNTER, NULL,
			  "Times that a chunk was not to be had and output waited.");
	openmetrics_put(to, use->refused, NULL);
}

static void
put_output(struct tasks *tasks, struct openmetrics *to)
{
	const struct tasks_counters *counters = tasks_counters(tasks);
	struct tasks_output output;

	tasks_measure_output(tasks, &output);
	openmetrics_begin(to, "runnerd_output_bytes", COUNTER, "bytes",
			  "Output of steps, as readers see it.");
	openmetrics_put(to, counters->output_bytes, NULL);
	openmetrics_begin(to, "runnerd_output_frame_bytes", COUNTER, "bytes",
			  "The same, compressed.");
	openmetrics_put(to, counters->frame_bytes, NULL);
	openmetrics_begin(to, "runnerd_output_records", COUNTER, NULL,
			  "Output records made of it.");
	openmetrics_put(to, counters->output_records, NULL);
	openmetrics_begin(to, "runnerd_output_dropped_bytes", COUNTER, "bytes",
			  "Output beyond a limit, or without room for it, which nobody will see.");
	openmetrics_put(to, counters->output_dropped, NULL);
	put_memory(&output.memory, to);
	openmetrics_begin(to, "runnerd_spool_bytes", GAUGE, "bytes",
			  "Output that waits for the hub, by where it lies.");
	openmetrics_put(to, output.spool_bytes - output.spool_disk_bytes, "place", "run_dir", NULL);
	openmetrics_put(to, output.spool_disk_bytes, "place", "spool_dir", NULL);
	openmetrics_begin(
		to, "runnerd_output_oldest_unsent_seconds", GAUGE, "seconds",
		"Age of the oldest output record that the hub has not got; 0: it has all.");
	openmetrics_put_real(to, (double)output.oldest_unsent_ms / 1e3, NULL);
}

/* --- the hub --------------------------------------------------------------------------------- */

static void
put_hub(struct uplink *uplink, struct openmetrics *to)
{
	struct hub_link_counters counters = uplink_link_counters(uplink);
	char why[HINDRANCE_WHY_BYTES];
	unsigned i;

	openmetrics_begin(to, "runnerd_hub_up", GAUGE, NULL, "1 while the hub is connected.");
	openmetrics_put(to, uplink_is_connected(uplink), NULL);
	openmetrics_begin(to, "runnerd_ready", GAUGE, NULL, "1 while /readyz says so.");
	openmetrics_put(to, uplink_why_not_ready(uplink, why) == NULL, NULL);
	openmetrics_begin(to, "runnerd_draining", GAUGE, NULL,
			  "1 when nothing more is claimed and the end waits for the tasks.");
	openmetrics_put(to, uplink_is_draining(uplink), NULL);
	openmetrics_begin(to, "runnerd_hub_connects", COUNTER, NULL,
			  "Connections made to the hub: the first, and each one again.");
	openmetrics_put(to, counters.connects, NULL);
	openmetrics_begin(
		to, "runnerd_hub_requests", COUNTER, NULL,
		"Requests to the hub, by kind; a claim is one however many tasks it brings.");
	for (i = 0; i < HUB_POST_COUNT; i++)
		openmetrics_put(to, counters.kinds[i].requests, "kind", hub_post_names[i], NULL);
	openmetrics_begin(to, "runnerd_hub_failures", COUNTER, NULL,
			  "Requests that the hub did not answer, or not with success, by kind.");
	for (i = 0; i < HUB_POST_COUNT; i++)
		openmetrics_put(to, counters.kinds[i].failures, "kind", hub_post_names[i], NULL);
	openmetrics_begin(to, "runnerd_hub_sent_bytes", COUNTER, "bytes",
			  "Bodies of requests to the hub, by kind.");
	for (i = 0; i < HUB_POST_COUNT; i++)
		openmetrics_put(to, counters.kinds[i].body_bytes, "kind", hub_post_names[i], NULL);
}

/* --- ourselves ------------------------------------------------------------------------------- */

static void
put_loop(const struct loop *loop, struct openmetrics *to)
{
	const struct loop_lag *lag = loop_lag(loop);
	double bounds[LOOP_LAG_BUCKETS];
	unsigned i;

	for (i = 0; i < LOOP_LAG_BUCKETS; i++)
		bounds[i] = loop_lag_bounds_us[i] / 1e6;
	openmetrics_begin(to, "runnerd_loop_turn_seconds", OPENMETRICS_HISTOGRAM, "seconds",
			  "What a turn of the loop took, without its waiting: so late an event may "
			  "be heard.");
	openmetrics_put_histogram(to, bounds, lag->counts, LOOP_LAG_BUCKETS,
				  (double)lag->total_us / 1e6);
	openmetrics_begin(to, "runnerd_loop_longest_turn_seconds", GAUGE, "seconds",
			  "The longest turn since the start.");
	openmetrics_put_real(to, (double)lag->longest_us / 1e6, NULL);
	openmetrics_begin(to, "runnerd_children", GAUGE, NULL,
			  "Processes that this runnerd has started and that run.");
	openmetrics_put(to, child_count(), NULL);
}

void
metrics_write(const struct lookout_sight *sight, struct buffer *out)
{
	struct openmetrics to = OPENMETRICS_INIT(out);

	openmetrics_begin(&to, "runnerd_build", OPENMETRICS_INFO, NULL, "This runnerd.");
	openmetrics_put(&to, 1, "version", RUNNER_VERSION, "revision", RUNNER_REVISION, NULL);
	put_slots(sight->slots, &to);
	put_paused(sight->slots, &to);
	put_headroom(uplink_headroom(sight->uplink), &to);
	put_tasks(sight->tasks, &to);
	put_output(sight->tasks, &to);
	put_hub(sight->uplink, &to);
	put_loop(sight->loop, &to);
	openmetrics_put_log(&to, "runnerd_log_lines");
	openmetrics_put_process(&to, sight->started_ms);
	openmetrics_end(&to);
}
