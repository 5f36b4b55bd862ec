/*
 * fuse.c - a resource class whose tasks fail by the host's fault, one after the other, is paused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/fuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/slots.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/loop.h"

enum { FUSES_MAGIC = 0x66757365, DOUBLED_MOST = 16 };

struct fuse {
	unsigned failures; /* in a row */
	unsigned pauses;   /* in a row */
	uint64_t until_us; /* 0: not paused */
};

struct fuses {
	uint32_t magic;
	struct loop *loop;
	struct slots *slots;
	struct fuse_settings settings;
	struct timer timer;		     /* to the end of the next pause */
	struct fuse all[SLOTS_CLASSES_MOST]; /* as in slots */
};

static void on_timer(void *arg);

struct fuses *
fuses_new(struct loop *loop, struct slots *slots, const struct fuse_settings *settings)
{
	struct fuses *fuses = MEM_NEW(struct fuses);

	fuses->magic = FUSES_MAGIC;
	fuses->loop = loop;
	fuses->slots = slots;
	fuses->settings = *settings;
	timer_init(&fuses->timer, loop, on_timer, fuses);
	return fuses;
}

void
fuses_free(struct fuses *fuses)
{
	if (fuses == NULL)
		return;
	OBJ_CHECK(fuses, FUSES_MAGIC);
	timer_release(&fuses->timer);
	OBJ_WIPE(fuses);
	free(fuses);
}

/* A class without a name is the only one mostly. */
static const char *
class_words(const struct slots_class *class, char room[SLOTS_NAME_BYTES + 32])
{
	(void)snprintf(room, SLOTS_NAME_BYTES + 32, "%s%s%s",
		       class->name[0] != '\0' ? "resource class '" : "the class", class->name,
		       class->name[0] != '\0' ? "'" : "");
	return room;
}

static void
want_timer(struct fuses *fuses)
{
	uint64_t now_us = loop_now_us(fuses->loop), next_us = 0;
	unsigned i;

	for (i = 0; i < fuses->slots->class_count; i++)
		if (fuses->all[i].until_us != 0 &&
		    (next_us == 0 || fuses->all[i].until_us < next_us))
			next_us = fuses->all[i].until_us;
	if (next_us == 0)
		timer_stop(&fuses->timer);
	else
		timer_start_us(&fuses->timer, next_us > now_us ? next_us - now_us : 1);
}

static uint64_t
pause_of(const struct fuses *fuses, const struct fuse *fuse)
{
	uint64_t most = fuses->settings.pause_ms > FUSE_PAUSE_MOST_MS ? fuses->settings.pause_ms
								      : FUSE_PAUSE_MOST_MS;
	unsigned doubled = fuse->pauses < DOUBLED_MOST ? fuse->pauses : DOUBLED_MOST;
	uint64_t ms = fuses->settings.pause_ms << doubled;

	return ms < most ? ms : most;
}

static void
pause_class(struct fuses *fuses, unsigned class, const char *reason)
{
	struct slots_class *it = &fuses->slots->classes[class];
	struct fuse *fuse = &fuses->all[class];
	uint64_t ms = pause_of(fuses, fuse);
	char words[SLOTS_NAME_BYTES + 32], took[24];

	(void)snprintf(
		it->paused, sizeof(it->paused),
		"%s is paused for %s, after %u infrastructure failure%s in a row, the last: %.200s",
		class_words(it, words), text_duration(took, ms), fuse->failures,
		fuse->failures == 1 ? "" : "s", reason[0] != '\0' ? reason : "no reason is known");
	log_warn("%s", it->paused);
	fuse->pauses++;
	fuse->until_us = loop_now_us(fuses->loop) + ms * 1000;
	want_timer(fuses);
	fuses->settings.on_change(fuses->settings.arg);
}

/* The next task decides. */
static void
end_pause(struct fuses *fuses, unsigned class, const char *why)
{
	char words[SLOTS_NAME_BYTES + 32];

	log_info("%s is not paused any more: %s", class_words(&fuses->slots->classes[class], words),
		 why);
	fuses->slots->classes[class].paused[0] = '\0';
	fuses->all[class].until_us = 0;
	fuses->settings.on_change(fuses->settings.arg);
}

static void
on_timer(void *arg)
{
	struct fuses *fuses = arg;
	unsigned i;

	OBJ_CHECK(fuses, FUSES_MAGIC);
	for (i = 0; i < fuses->slots->class_count; i++)
		if (fuses->all[i].until_us != 0 &&
		    fuses->all[i].until_us <= loop_now_us(fuses->loop))
			end_pause(fuses, i, "its time is over");
	want_timer(fuses);
}

void
fuses_note(struct fuses *fuses, unsigned class, bool failed, const char *reason)
{
	struct fuse *fuse = &fuses->all[class];

	OBJ_CHECK(fuses, FUSES_MAGIC);
	assert(class < fuses->slots->class_count);
	if (!failed) {
		fuse->failures = fuse->pauses = 0;
		return;
	}
	fuse->failures++;
	if (fuses->settings.most > 0 && fuse->failures >= fuses->settings.most &&
	    fuse->until_us == 0)
		pause_class(fuses, class, reason);
}

void
fuses_reset(struct fuses *fuses, const char *why)
{
	unsigned i;

	OBJ_CHECK(fuses, FUSES_MAGIC);
	for (i = 0; i < SLOTS_CLASSES_MOST; i++) {
		if (fuses->all[i].until_us != 0 && i < fuses->slots->class_count)
			end_pause(fuses, i, why);
		fuses->all[i] = (struct fuse){0, 0, 0};
	}
	want_timer(fuses);
}
