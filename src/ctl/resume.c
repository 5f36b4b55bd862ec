/*
 * resume.c - a stream that goes on by itself when its connection is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/resume.h"

#include "base/err.h"
#include "ctl/api.h"
#include "ctl/say.h"

static void
start_waiting(struct resume *resume)
{
	timer_start_ms(&resume->timer, resume->delay_ms);
	resume->delay_ms =
		resume->delay_ms * 2 < RESUME_MOST_MS ? resume->delay_ms * 2 : RESUME_MOST_MS;
}

static void
on_resume_timer(void *arg)
{
	struct resume *resume = arg;
	struct err ignored = ERR_INIT;

	if (api_renew(resume->api, &ignored) < 0)
		start_waiting(resume);
	else
		resume->again(resume->arg);
}

void
resume_init(struct resume *resume, struct api *api, loop_fn *again, void *arg)
{
	*resume = (struct resume){
		.api = api, .again = again, .arg = arg, .delay_ms = RESUME_FIRST_MS};
	timer_init(&resume->timer, api_loop(api), on_resume_timer, resume);
}

void
resume_release(struct resume *resume)
{
	if (resume->api != NULL)
		timer_release(&resume->timer);
}

/* The hub has said that it will not: another try would be told the same. */
static bool
is_refused(const struct api_stream *stream)
{
	return stream->status >= 400 && stream->status != 503;
}

bool
resume_want(struct resume *resume, const struct api_stream *stream, const struct err *err)
{
	uint64_t now_us = loop_now_us(api_loop(resume->api));

	if (is_refused(stream))
		return false;
	if (stream->status != 0 && stream->status < 400 &&
	    ++resume->fruitless > RESUME_FRUITLESS_MOST)
		return false;
	if (resume->lost_us == 0) {
		resume->lost_us = now_us;
		say_note("the connection to the hub was cut (%s): trying again", err->text);
	} else if (now_us - resume->lost_us > (uint64_t)RESUME_PATIENCE_MS * 1000) {
		return false;
	}
	start_waiting(resume);
	return true;
}

bool
resume_is_waiting(const struct resume *resume)
{
	return resume->api != NULL && timer_is_on(&resume->timer);
}

void
resume_progress(struct resume *resume)
{
	resume->lost_us = 0;
	resume->fruitless = 0;
	resume->delay_ms = RESUME_FIRST_MS;
}
