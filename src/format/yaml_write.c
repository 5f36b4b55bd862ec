/*
 * yaml_write.c - a tree as YAML text, by libyaml's emitter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/buffer.h"
#include "base/err.h"

struct writer {
	yaml_emitter_t emitter;
	struct buffer *out;
	struct err *err;
	int rc;
};

static int
on_written(void *arg, unsigned char *bytes, size_t len)
{
	struct writer *writer = arg;

	if (writer->rc == 0)
		writer->rc = buffer_append(writer->out, bytes, len, writer->err);
	return writer->rc == 0;
}

static void
emit(struct writer *writer, yaml_event_t *event)
{
	/* The emitter takes the event whatever happens. What can fail is memory and our buffer. */
	if (yaml_emitter_emit(&writer->emitter, event) == 0 && writer->rc == 0)
		writer->rc = err_set(writer->err, ERR_LIMIT, "cannot write YAML: %s",
				     writer->emitter.problem != NULL ? writer->emitter.problem
								     : "no memory");
}

/* A string that was quoted stays quoted: plain, it might read as something else. */
static yaml_scalar_style_t
style_of(const struct node *scalar)
{
	if (scalar->style == NODE_BLOCK)
		return YAML_LITERAL_SCALAR_STYLE;
	if (scalar->style == NODE_PLAIN &&
	    (scalar->kind != NODE_STRING || !yaml_is_ambiguous(scalar->text)))
		return YAML_PLAIN_SCALAR_STYLE;
	return strpbrk(scalar->text, "\n\t\r") != NULL ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
						       : YAML_SINGLE_QUOTED_SCALAR_STYLE;
}

static void
put_scalar(struct writer *writer, const struct node *scalar)
{
	yaml_event_t event;

	(void)yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)scalar->text,
					   (int)scalar->count, 1, 1, style_of(scalar));
	emit(writer, &event);
}

/* Depth is bounded by YAML_DEPTH_MAX, for trees that were put together as for those that were read.
 */
static void
put_node(struct writer *writer, const struct node *node)
{
	yaml_event_t event;
	uint32_t i;

	if (writer->rc < 0)
		return;
	if (node->kind != NODE_MAP && node->kind != NODE_SEQ) {
		put_scalar(writer, node);
		return;
	}
	if (node->kind == NODE_MAP)
		(void)yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
							  YAML_BLOCK_MAPPING_STYLE);
	else
		(void)yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
							   YAML_BLOCK_SEQUENCE_STYLE);
	emit(writer, &event);
	for (i = 0; i < node->count; i++) {
		if (node->kind == NODE_MAP)
			put_scalar(writer, node->pairs[i].key);
		put_node(writer, node->kind == NODE_MAP ? node->pairs[i].value : node->items[i]);
	}
	if (node->kind == NODE_MAP)
		(void)yaml_mapping_end_event_initialize(&event);
	else
		(void)yaml_sequence_end_event_initialize(&event);
	emit(writer, &event);
}

int
yaml_write(const struct node *root, struct buffer *out, struct err *err)
{
	struct writer writer = {.out = out, .err = err};
	yaml_event_t event;

	if (yaml_emitter_initialize(&writer.emitter) == 0)
		return err_set(err, ERR_LIMIT, "no memory for the YAML writer");
	yaml_emitter_set_output(&writer.emitter, on_written, &writer);
	yaml_emitter_set_unicode(&writer.emitter, 1);
	yaml_emitter_set_width(&writer.emitter, -1);
	(void)yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
	emit(&writer, &event);
	(void)yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
	emit(&writer, &event);
	put_node(&writer, root);
	if (writer.rc == 0) {
		(void)yaml_document_end_event_initialize(&event, 1);
		emit(&writer, &event);
		(void)yaml_stream_end_event_initialize(&event);
		emit(&writer, &event);
	}
	yaml_emitter_delete(&writer.emitter);
	return writer.rc;
}
