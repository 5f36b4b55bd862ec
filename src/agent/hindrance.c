/*
 * hindrance.c - what keeps this host from claiming a task, as a word and as a sentence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/hindrance.h"

#include <stdio.h>
#include <string.h>

#include "agent/claim.h"
#include "agent/headroom.h"
#include "agent/hub_link.h"
#include "agent/slots.h"
#include "base/text.h"

const char *
hindrance_name(enum hindrance hindrance)
{
#define X(upper, name) [HINDRANCE_##upper] = #name,
	static const char *const names[HINDRANCE_COUNT] = {HINDRANCES(X)};
#undef X

	return names[hindrance];
}

static void
say_away(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES])
{
	uint64_t since_us = hub_link_down_since_us(facts->link);
	const char *why = hub_link_down_why(facts->link);
	char took[24];

	text_duration(took, since_us == 0 ? 0 : (facts->now_us - since_us) / 1000);
	(void)snprintf(room, HINDRANCE_WHY_BYTES, "the hub at %s is not connected%s%s%s%s",
		       hub_link_text(facts->link), since_us == 0 ? " yet" : ", since ",
		       since_us == 0 ? "" : took, why[0] != '\0' ? ": " : "", why);
}

enum hindrance
hindrance_find_shortage(const struct headroom *headroom, char room[HINDRANCE_WHY_BYTES])
{
	const struct watermark *disk = headroom_low_disk(headroom);

	if (disk != NULL) {
		watermark_say(disk, room, HINDRANCE_WHY_BYTES);
		return HINDRANCE_DISK;
	}
	if (pressure_is_high(&headroom->pressure)) {
		pressure_say(&headroom->pressure, room, HINDRANCE_WHY_BYTES);
		return HINDRANCE_PRESSED;
	}
	return HINDRANCE_NONE;
}

enum hindrance
hindrance_find_trouble(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES])
{
	char took[24];
	bool drains;

	if (facts->drain_why != NULL) {
		(void)snprintf(room, HINDRANCE_WHY_BYTES,
			       "draining: nothing more is claimed, %s; %zu tasks to go",
			       facts->drain_why, facts->tasks);
		return HINDRANCE_DRAINING;
	}
	if (claim_stopped_by_hub(facts->claim, &drains) != NULL) {
		(void)snprintf(room, HINDRANCE_WHY_BYTES,
			       "the hub gives this agent no task: it is %s",
			       claim_stopped_by_hub(facts->claim, &drains));
		return HINDRANCE_STOPPED;
	}
	if (claim_refusal(facts->claim) != NULL) {
		(void)snprintf(room, HINDRANCE_WHY_BYTES, "the hub refuses a token: %s",
			       claim_refusal(facts->claim));
		return HINDRANCE_REFUSED;
	}
	if (!hub_link_is_up(facts->link)) {
		say_away(facts, room);
		return HINDRANCE_AWAY;
	}
	if (claim_failure(facts->claim) != NULL) {
		(void)snprintf(room, HINDRANCE_WHY_BYTES, "a claim failed and is tried again: %s",
			       claim_failure(facts->claim));
		return HINDRANCE_FAILING;
	}
	if (!claim_is_answered(facts->claim)) {
		(void)strcpy(room, "the hub has not answered a claim yet");
		return HINDRANCE_UNANSWERED;
	}
	if (facts->now_us < facts->take_again_us) {
		(void)snprintf(room, HINDRANCE_WHY_BYTES,
			       "this host could not take a task: %s; the next claim is in %s",
			       facts->untaken,
			       text_duration(took, (facts->take_again_us - facts->now_us) / 1000));
		return HINDRANCE_HOST;
	}
	return hindrance_find_shortage(facts->headroom, room);
}

/* Slots are free and no class is offered: told of the first that would have room, else of the first. */
static enum hindrance
find_reserved(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES])
{
	const struct slots *slots = facts->slots;
	const char *name = slots->classes[0].name;
	char lack[256];
	unsigned i;

	for (i = 0; i < slots->class_count; i++)
		if (slots_offer(slots, i) > 0)
			return HINDRANCE_NONE;
	for (i = 0; i < slots->class_count; i++)
		if (slots_room(slots, i) > 0) {
			(void)snprintf(room, HINDRANCE_WHY_BYTES, "%s", slots->classes[i].paused);
			return HINDRANCE_PAUSED;
		}
	(void)snprintf(room, HINDRANCE_WHY_BYTES,
		       "%u of %u slots are free, but no task of %s%s%s fits: %s", slots_free(slots),
		       slots->total, name[0] != '\0' ? "resource class '" : "any class", name,
		       name[0] != '\0' ? "'" : "",
		       slots_lack(slots, 0, lack, sizeof(lack)) != NULL ? lack : "");
	return HINDRANCE_RESERVED;
}

static void
say_full(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES])
{
	int n = snprintf(room, HINDRANCE_WHY_BYTES, "%u of %u slots are taken", facts->slots->taken,
			 facts->slots->total);

	if (facts->stuck > 0)
		(void)snprintf(room + n, HINDRANCE_WHY_BYTES - (size_t)n,
			       ", %u of them only since processes that were killed do not end: "
			       "they sleep uninterruptibly",
			       facts->stuck);
}

enum hindrance
hindrance_find(const struct hindrance_facts *facts, char room[HINDRANCE_WHY_BYTES])
{
	const struct slots *slots = facts->slots;
	enum hindrance hindrance = hindrance_find_trouble(facts, room);

	if (hindrance != HINDRANCE_NONE)
		return hindrance;
	if (slots_free(slots) == 0) {
		say_full(facts, room);
		return HINDRANCE_FULL;
	}
	hindrance = find_reserved(facts, room);
	if (hindrance == HINDRANCE_NONE)
		(void)snprintf(room, HINDRANCE_WHY_BYTES,
			       "nothing keeps this host from claiming: %u of %u slots are free, "
			       "the hub at %s has no task for it",
			       slots_free(slots), slots->total, hub_link_text(facts->link));
	return hindrance;
}
