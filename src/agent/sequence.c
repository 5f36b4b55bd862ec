/*
 * sequence.c - which step comes next: facts in, decision out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/sequence.h"

#include "task/task_doc.h"

static bool
runs(enum step_when when, bool failed)
{
	return when == WHEN_ALWAYS || (when == WHEN_ON_FAIL) == failed;
}

enum sequence_what
sequence_next(const struct sequence *sequence, const struct task_doc *doc)
{
	if (sequence->halted || sequence->step >= doc->step_count)
		return SEQUENCE_FINISH;
	if (sequence->attempt > 1) /* it ran before: its being repeated is decided */
		return SEQUENCE_START;
	return runs(doc->steps[sequence->step].when, sequence->failed) ? SEQUENCE_START
								       : SEQUENCE_SKIP;
}

void
sequence_pass(struct sequence *sequence)
{
	sequence->step++;
	sequence->attempt = 1;
	sequence->again_ms = 0;
}

void
sequence_note_end(struct sequence *sequence, const struct task_doc *doc, uint32_t step,
		  uint32_t attempt, enum outcome outcome, int64_t ended_ms)
{
	const struct task_step *it = &doc->steps[step];

	if (it->background || step != sequence->step)
		return;
	if (outcome == OUTCOME_FAILED && !sequence->halted && attempt <= it->max_auto_reruns) {
		sequence->attempt = attempt + 1;
		sequence->again_ms = ended_ms + (int64_t)it->auto_rerun_delay_ms;
		return;
	}
	if (outcome != OUTCOME_SUCCESS && outcome != OUTCOME_SKIPPED && !sequence->failed) {
		sequence->failed = true;
		sequence->failed_step = step;
	}
	sequence_pass(sequence);
}
