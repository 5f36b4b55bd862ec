/*
 * metrics.c - the hub's numbers in OpenMetrics.
 *
 * All are kept by who counts them: a scrape costs what it writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/metrics.h"

#include <sys/statvfs.h>

#include "base/text.h"
#include "format/json.h"
#include "format/openmetrics.h"
#include "http/h1.h"
#include "hub/hub.h"
#include "hub/oidc.h"
#include "hub/store/store.h"
#include "hub/sweeper.h"
#include "loop/loop.h"

#define GAUGE	OPENMETRICS_GAUGE
#define COUNTER OPENMETRICS_COUNTER

/* --- work ------------------------------------------------------------------------------------ */

static void
put_counts(const struct model_counts *counts, struct openmetrics *to)
{
	openmetrics_begin(to, "runner_hub_pipelines_active", GAUGE, NULL, "Pipelines that have not ended.");
	openmetrics_put(to, counts->pipelines_active, NULL);
	openmetrics_begin(to, "runner_hub_tasks", GAUGE, NULL, "Tasks that have not ended, by state.");
	openmetrics_put(to, counts->tasks_queued, "state", "queued", NULL);
	openmetrics_put(to, counts->tasks_running, "state", "leased", NULL);
	openmetrics_begin(to, "runner_hub_agents", GAUGE, NULL, "Agents that were heard of lately.");
	openmetrics_put(to, counts->agents, NULL);
}

/* For how long the one that is first in the queue has waited. */
static double
oldest_s(const struct model *model, const struct resource_class *class)
{
	int64_t now_ms = model->unix_ms(), since_ms = class->queue != NULL ? class->queue->row.queued_ms : 0;

	return since_ms > 0 && now_ms > since_ms ? (double)(now_ms - since_ms) / 1e3 : 0;
}

static void
put_classes(const struct model *model, struct openmetrics *to)
{
	const struct resource_class *class;

	openmetrics_begin(to, "runner_hub_class_tasks", GAUGE, NULL,
			  "Tasks of a resource class that have not ended, by state.");
	for (class = model->classes; class != NULL; class = class->hh.next) {
		openmetrics_put(to, class->queued, "resource_class", class->row.name, "state", "queued", NULL);
		openmetrics_put(to, class->running, "resource_class", class->row.name, "state", "leased", NULL);
	}
	openmetrics_begin(to, "runner_hub_class_agents", GAUGE, NULL,
			  "Agents that serve a resource class and were heard of lately.");
	for (class = model->classes; class != NULL; class = class->hh.next)
		openmetrics_put(to, class->agents, "resource_class", class->row.name, NULL);
	openmetrics_begin(to, "runner_hub_class_oldest_queued_seconds", GAUGE, "seconds",
			  "For how long the first task in the queue of a resource class has waited.");
	for (class = model->classes; class != NULL; class = class->hh.next)
		openmetrics_put_real(to, oldest_s(model, class), "resource_class", class->row.name, NULL);
}

/* --- the store ------------------------------------------------------------------------------- */

static void
put_store(const struct hub *hub, struct openmetrics *to)
{
	struct store_numbers numbers = store_numbers(hub->store);

	openmetrics_begin(to, "runner_hub_store_commits", COUNTER, NULL, "Transactions that were committed.");
	openmetrics_put(to, numbers.commits, NULL);
	openmetrics_begin(to, "runner_hub_store_rows", COUNTER, NULL, "Rows that they wrote.");
	openmetrics_put(to, numbers.rows, NULL);
	openmetrics_begin(to, "runner_hub_output_bytes", COUNTER, "bytes",
			  "Records of output that were stored, compressed.");
	openmetrics_put(to, numbers.output_bytes, NULL);
	openmetrics_begin(to, "runner_hub_outputs_gathered", COUNTER, NULL,
			  "Tasks whose output got a file of its own.");
	openmetrics_put(to, numbers.gathered, NULL);
	openmetrics_begin(to, "runner_hub_output_readers", GAUGE, NULL, "Readers of output now.");
	openmetrics_put(to, hub->readers, NULL);
	openmetrics_begin(to, "runner_hub_output_searches", GAUGE, NULL, "Searches of output now.");
	openmetrics_put(to, hub->searches, NULL);
}

static void
put_kept(const struct hub *hub, struct openmetrics *to)
{
	struct sweeper_numbers numbers = sweeper_numbers(hub);
	struct statvfs fs;
	size_t i;

	openmetrics_begin(to, "runner_hub_kept_bytes", GAUGE, "bytes",
			  "What is kept, by kind, when the sweeper looked last.");
	for (i = 0; i < USAGE_COUNT; i++)
		if (usage_name((unsigned)i) != NULL)
			openmetrics_put(to, numbers.kept[i], "kind", usage_name((unsigned)i), NULL);
	openmetrics_begin(to, "runner_hub_deleted", COUNTER, NULL,
			  "What was older than it is kept and was deleted, by kind.");
	for (i = 0; i < KEPT_KIND_COUNT; i++)
		openmetrics_put(to, numbers.deleted[i], "kind", kept_kind_names[i], NULL);
	openmetrics_begin(to, "runner_hub_deleted_bytes", COUNTER, "bytes", "Its bytes.");
	for (i = 0; i < KEPT_KIND_COUNT; i++)
		if (i != KEPT_PIPELINES)
			openmetrics_put(to, numbers.bytes[i], "kind", kept_kind_names[i], NULL);
	openmetrics_begin(to, "runner_hub_disk_free_bytes", GAUGE, "bytes",
			  "Room on the disk of the data directory.");
	if (statvfs(hub->settings.data_dir, &fs) == 0)
		openmetrics_put(to, (uint64_t)fs.f_bavail * fs.f_frsize, NULL);
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
	openmetrics_begin(to, "runner_hub_loop_turn_seconds", OPENMETRICS_HISTOGRAM, "seconds",
			  "What a turn of the loop took, without its waiting.");
	openmetrics_put_histogram(to, bounds, lag->counts, LOOP_LAG_BUCKETS, (double)lag->total_us / 1e6);
	openmetrics_begin(to, "runner_hub_loop_longest_turn_seconds", GAUGE, "seconds",
			  "The longest turn since the start.");
	openmetrics_put_real(to, (double)lag->longest_us / 1e6, NULL);
}

static void
put_metrics(const struct hub *hub, struct buffer *out)
{
	struct openmetrics to = OPENMETRICS_INIT(out);

	openmetrics_begin(&to, "runner_hub_build", OPENMETRICS_INFO, NULL, "This hub.");
	openmetrics_put(&to, 1, "version", RUNNER_VERSION, "revision", RUNNER_REVISION, NULL);
	put_counts(&hub->model.counts, &to);
	put_classes(&hub->model, &to);
	put_store(hub, &to);
	put_kept(hub, &to);
	put_loop(hub->loop, &to);
	openmetrics_put_log(&to, "runner_hub_log_lines");
	openmetrics_put_process(&to, hub->started_ms);
	openmetrics_end(&to);
}

static void
on_scrape(void *arg, const char *path, struct h1_reply *reply)
{
	const struct hub *hub = arg;
	struct json *document;

	if (text_eq(path, "/metrics")) {
		reply->content_type = OPENMETRICS_TYPE;
		put_metrics(hub, &reply->body);
	} else if (text_eq(path, "/readyz") && hub->is_ending) {
		reply->status = 503;
		buffer_puts(&reply->body, "not ready: the hub is ending\n");
	} else if (text_eq(path, "/healthz") || text_eq(path, "/readyz")) {
		buffer_puts(&reply->body, "ok\n"); /* the loop turns: who asks hears us */
	} else if ((document = oidc_document(hub, path)) != NULL) {
		reply->content_type = "application/json";
		json_write(&reply->body, document);
		json_free(document);
	} else {
		reply->status = 404;
		buffer_puts(&reply->body, "there are /metrics, /healthz and /readyz here\n");
	}
}

int
metrics_start(struct hub *hub, struct err *err)
{
	hub->started_ms = hub->model.unix_ms();
	if (hub->settings.metrics == NULL)
		return 0;
	return h1_server_open(&hub->metrics, hub->loop, hub->settings.metrics, on_scrape, hub, err);
}

void
metrics_stop(struct hub *hub)
{
	h1_server_free(hub->metrics);
	hub->metrics = NULL;
}
