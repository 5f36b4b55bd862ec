/*
 * fakehub_script.c - the lines a scripted control plane understands.
 *
 *   task NAME COMMAND...        a task of one step, claimable at once
 *   tasks COUNT PREFIX COMMAND  COUNT of them: PREFIX1, PREFIX2, ...
 *   step NAME COMMAND...        one more step for a task nobody has claimed
 *   set NAME MEMBER JSON        a member of its document, at the top
 *   setstep NAME N MEMBER JSON  a member of its step N (from 0)
 *   unset NAME MEMBER           leave a member out
 *   document NAME FILE          a task document as it is written in FILE
 *   cancel NAME                 ask for its end in the next heartbeat
 *   gone NAME                   its lease is another's from now on
 *   token TOKEN                 accept this one (none named: all are accepted)
 *   on KIND WHICH ACTION        what to do with a request; KIND is claim, heartbeat, events,
 *                               output or unclaim; WHICH is "3", "3-5", "3+" or "*"; ACTION is
 *                               status CODE [MESSAGE] | body TEXT | cut TEXT | flood MIB |
 *                               lose | drop | delay MS | down MS | say LINE
 *   down MS                     refuse connections for so long
 *   up                          come back before that
 *   drop                        close every connection
 *   protocol N                  version the hub says it speaks
 *   discard                     keep nothing of what is received (measurements)
 *   stats                       log how many requests of each kind there were
 *
 * Empty lines and lines that begin with '#' do nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "fakehub.h"
#include "format/json.h"

enum { FILE_MOST_BYTES = 8 << 20, TASKS_MOST = 100000 };

const char *const kind_names[KIND_COUNT] = {"claim", "heartbeat", "events", "output", "unclaim"};

/* Cut the first word off *rest; "" when there is none. */
static char *
word(char **rest)
{
	char *begin = *rest + strspn(*rest, " \t"), *end = begin + strcspn(begin, " \t");

	*rest = end + strspn(end, " \t");
	*end = '\0';
	return begin;
}

static int
number(const char *text, unsigned most, unsigned *out, struct err *err)
{
	uint64_t value;
	int rc = text_parse_u64(text, most, &value, err);

	if (rc == 0)
		*out = (unsigned)value;
	return rc;
}

static struct json *
run_step(const char *name, const char *command)
{
	struct json *step = json_new_object();

	json_put_str(step, "kind", "run");
	json_put_str(step, "name", name);
	json_put_str(step, "command", command);
	return step;
}

static struct json *
one_step_document(const char *name, const char *command)
{
	struct json *doc = json_new_object(), *job = json_new_object(), *steps = json_new_array();
	char text[ID_TEXT_BYTES];
	struct id id;

	hub_name_id(name, &id);
	json_put_int(doc, "version", 1);
	json_put_str(doc, "id", id_text(text, &id));
	json_put_int(doc, "epoch", 1);
	json_put_str(doc, "token", "task-token");
	json_put_int(doc, "lease_ms", 60000);
	json_put_str(job, "id", text);
	json_put_str(job, "name", name);
	json_put_int(job, "number", 1);
	json_put(doc, "job", job);
	json_put_str(doc, "resource_class", "local/test");
	json_push(steps, run_step("step", command));
	json_put(doc, "steps", steps);
	return doc;
}

static int
do_task(struct hub *hub, char *rest, struct err *err)
{
	char *name = word(&rest);

	if (*name == '\0' || *rest == '\0')
		return err_set(err, ERR_INPUT, "task needs a name and a command");
	return hub_add_task(hub, name, one_step_document(name, rest), err);
}

static int
do_tasks(struct hub *hub, char *rest, struct err *err)
{
	char *count_text = word(&rest), *prefix = word(&rest), name[NAME_BYTES + 16];
	unsigned count, i;
	int rc = number(count_text, TASKS_MOST, &count, err);

	for (i = 1; rc == 0 && i <= count; i++) {
		(void)snprintf(name, sizeof(name), "%s%u", prefix, i);
		rc = hub_add_task(hub, name, one_step_document(name, rest), err);
	}
	return rc;
}

static int
find_doc(struct hub *hub, const char *name, struct json **doc, struct err *err)
{
	*doc = hub_task_doc(hub, name);
	if (*doc == NULL)
		return err_set(err, ERR_INPUT, "no task '%s' waits to be claimed", name);
	return 0;
}

static int
do_step(struct hub *hub, char *rest, struct err *err)
{
	struct json *doc;
	int rc = find_doc(hub, word(&rest), &doc, err);

	if (rc == 0)
		json_push(json_get(doc, "steps"), run_step("step", rest));
	return rc;
}

static int
put_member(struct json *object, const char *member, const char *text, struct err *err)
{
	struct json *value;
	char *list = mem_printf("[%s]", text); /* a lone string or number is no document */
	int rc = json_parse(&value, list, strlen(list), err);

	free(list);
	if (rc < 0)
		return err_wrap(err, "value of %s", member);
	json_put(object, member, json_ref(json_at(value, 0)));
	json_free(value);
	return 0;
}

static int
do_set(struct hub *hub, char *rest, struct err *err)
{
	struct json *doc;
	int rc = find_doc(hub, word(&rest), &doc, err);
	char *member = word(&rest);

	return rc < 0 ? rc : put_member(doc, member, rest, err);
}

static int
do_setstep(struct hub *hub, char *rest, struct err *err)
{
	struct json *doc, *step;
	unsigned n = 0;
	int rc = find_doc(hub, word(&rest), &doc, err);
	char *index = word(&rest), *member = word(&rest);

	if (rc == 0)
		rc = number(index, 999, &n, err);
	if (rc < 0)
		return rc;
	step = json_at(json_get(doc, "steps"), n);
	if (step == NULL)
		return err_set(err, ERR_INPUT, "the task has no step %u", n);
	return put_member(step, member, rest, err);
}

static int
do_unset(struct hub *hub, char *rest, struct err *err)
{
	char *name = word(&rest), *member = word(&rest);
	struct json *doc, *copy;
	void *it;
	int rc = find_doc(hub, name, &doc, err);

	if (rc < 0)
		return rc;
	copy = json_new_object();
	for (it = json_first(doc); it != NULL; it = json_next(doc, it))
		if (!text_eq(json_key(it), member))
			json_put(copy, json_key(it), json_ref(json_value(it)));
	return hub_add_task(hub, name, copy, err);
}

static int
do_document(struct hub *hub, char *rest, struct err *err)
{
	char *name = word(&rest), *bytes;
	FILE *file = fopen(rest, "re");
	struct json *doc;
	size_t len;
	int rc;

	if (file == NULL)
		return err_sys(err, "cannot open document '%s'", rest);
	bytes = mem_zalloc(1, FILE_MOST_BYTES);
	len = fread(bytes, 1, FILE_MOST_BYTES, file);
	(void)fclose(file);
	rc = json_parse(&doc, bytes, len, err);
	free(bytes);
	return rc < 0 ? rc : hub_add_task(hub, name, doc, err);
}

static int
do_cancel(struct hub *hub, char *rest, struct err *err)
{
	return hub_cancel_task(hub, word(&rest), err);
}

static int
do_gone(struct hub *hub, char *rest, struct err *err)
{
	return hub_take_task(hub, word(&rest), err);
}

static int
do_token(struct hub *hub, char *rest, struct err *err)
{
	(void)err;
	hub_add_token(hub, word(&rest));
	return 0;
}

static int
do_down(struct hub *hub, char *rest, struct err *err)
{
	unsigned ms;
	int rc = number(word(&rest), 600000, &ms, err);

	if (rc == 0)
		hub_go_down(hub, ms);
	return rc;
}

static int
do_up(struct hub *hub, char *rest, struct err *err)
{
	(void)rest;
	(void)err;
	hub_come_back(hub);
	return 0;
}

static int
do_drop(struct hub *hub, char *rest, struct err *err)
{
	(void)rest;
	(void)err;
	hub_drop(hub);
	return 0;
}

static int
do_protocol(struct hub *hub, char *rest, struct err *err)
{
	unsigned version;
	int rc = number(word(&rest), 1000, &version, err);

	if (rc == 0)
		hub_set_protocol(hub, version);
	return rc;
}

static int
do_discard(struct hub *hub, char *rest, struct err *err)
{
	(void)rest;
	(void)err;
	hub_set_discard(hub);
	return 0;
}

static int
do_stats(struct hub *hub, char *rest, struct err *err)
{
	(void)rest;
	(void)err;
	hub_log_stats(hub);
	return 0;
}

/* "3", "3-5", "3+", "*" */
static int
parse_which(char *text, struct rule *rule, struct err *err)
{
	char *dash = strchr(text, '-'), *plus = strchr(text, '+');
	int rc;

	rule->from = 1;
	rule->to = UINT32_MAX;
	if (text_eq(text, "*"))
		return 0;
	if (dash != NULL)
		*dash = '\0';
	if (plus != NULL)
		*plus = '\0';
	rc = number(text, 1000000, &rule->from, err);
	if (rc == 0 && dash != NULL)
		rc = number(dash + 1, 1000000, &rule->to, err);
	else if (plus == NULL)
		rule->to = rule->from;
	return rc;
}

static const struct {
	const char *name;
	enum action action;
	bool number, text;
} actions[] = {
	{"status", ACTION_STATUS, true, true}, {"body", ACTION_BODY, false, true},
	{"cut", ACTION_CUT, false, true},      {"flood", ACTION_FLOOD, true, false},
	{"lose", ACTION_LOSE, false, false},   {"drop", ACTION_DROP, false, false},
	{"delay", ACTION_DELAY, true, false},  {"down", ACTION_DOWN, true, false},
	{"say", ACTION_SAY, false, true},
};

static int
parse_action(char *rest, struct rule *rule, struct err *err)
{
	char *name = word(&rest);
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (!text_eq(actions[i].name, name))
			continue;
		rule->action = actions[i].action;
		if (actions[i].number && number(word(&rest), 600000, &rule->number, err) < 0)
			return err->code;
		if (actions[i].text)
			rule->text = mem_strdup(rest);
		return 0;
	}
	return err_set(err, ERR_INPUT, "there is no action '%s'", name);
}

static int
do_on(struct hub *hub, char *rest, struct err *err)
{
	struct rule *rule = MEM_NEW(struct rule);
	char *kind = word(&rest), *which = word(&rest);
	int rc;

	while (rule->kind < KIND_COUNT && !text_eq(kind_names[rule->kind], kind))
		rule->kind++;
	rc = rule->kind < KIND_COUNT ? 0
				     : err_set(err, ERR_INPUT, "no request is called '%s'", kind);
	if (rc == 0)
		rc = parse_which(which, rule, err);
	if (rc == 0)
		rc = parse_action(rest, rule, err);
	if (rc < 0) {
		free(rule);
		return rc;
	}
	hub_add_rule(hub, rule);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct hub *hub, char *rest, struct err *err);
} verbs[] = {
	{"task", do_task},	   {"tasks", do_tasks},	    {"step", do_step},
	{"set", do_set},	   {"setstep", do_setstep}, {"unset", do_unset},
	{"document", do_document}, {"cancel", do_cancel},   {"gone", do_gone},
	{"token", do_token},	   {"on", do_on},	    {"down", do_down},
	{"drop", do_drop},	   {"up", do_up},	    {"protocol", do_protocol},
	{"discard", do_discard},   {"stats", do_stats},
};

int
script_line(struct hub *hub, const char *line, struct err *err)
{
	char *copy, *rest, *verb;
	size_t i;
	int rc = 0;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return 0;
	copy = mem_strdup(line);
	rest = copy;
	verb = word(&rest);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (text_eq(verbs[i].name, verb))
			break;
	if (i < sizeof(verbs) / sizeof(verbs[0]))
		rc = verbs[i].run(hub, rest, err);
	else
		rc = err_set(err, ERR_INPUT, "a script has no line '%s'", verb);
	free(copy);
	return rc;
}
