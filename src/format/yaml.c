/*
 * yaml.c - YAML text as a checked tree with marks, from libyaml's events.
 *
 * Open collections are frames; what they hold so far lies on one stack and moves to
 * the arena, exactly as large as it is, when the collection ends. What aliases expand
 * to is counted, not copied: a bomb is refused at the alias that passes the bound.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/yaml_reader.h"

enum { PROBLEM_MAX_BYTES = 512, PROBLEM_LONG_BYTES = 64 << 10, NODE_IS_OPEN = 1 };

void
yaml_tell(struct reader *reader, const char *code, uint32_t line, uint32_t column, const char *hint,
	  const char *fmt, ...)
{
	char message[PROBLEM_MAX_BYTES];
	struct yaml_problem problem = {.is_warning = code[0] == 'W',
				       .code = code,
				       .line = line,
				       .column = column,
				       .message = message,
				       .hint = hint};
	va_list ap;
	int len;

	if (problem.is_warning && reader->warnings++ >= YAML_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	len = vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	message[text_utf8_prefix(message, strlen(message))] = '\0';
	/* printf goes through all of a long text to cut it: that counts as several. */
	if (!problem.is_warning)
		reader->errors += 1 + (unsigned)(len > 0 ? len : 0) / PROBLEM_LONG_BYTES;
	reader->input->problem(reader->input->arg, &problem);
}

int
yaml_tell_memory(struct reader *reader)
{
	yaml_tell(reader, "E_YAML_LIMIT", 0, 0, "split the file, or generate less of it",
		  "the file needs more memory than its limit of %zu MiB",
		  reader->arena->limit >> 20);
	return ERR_LIMIT;
}

const char *
yaml_counted(const struct reader *reader)
{
	return reader->totals->bytes > reader->input->len ? "the file, with those before it,"
							  : "the file";
}

/* Line and column of a byte, for what libyaml never sees. */
static void
mark_of(const unsigned char *bytes, size_t at, uint32_t *line, uint32_t *column)
{
	size_t i;

	*line = *column = 1;
	for (i = 0; i < at; i++) {
		if (bytes[i] == '\n' || (bytes[i] == '\r' && i + 1 < at && bytes[i + 1] != '\n')) {
			(*line)++;
			*column = 1;
		} else if ((bytes[i] & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

static bool
begins_line(const unsigned char *bytes, size_t at)
{
	return at == 0 || bytes[at - 1] == '\n' || bytes[at - 1] == '\r' ||
	       (at >= 2 && memcmp(bytes + at - 2, "\xc2\x85", 2) == 0) ||
	       (at >= 3 && (memcmp(bytes + at - 3, "\xe2\x80\xa8", 3) == 0 ||
			    memcmp(bytes + at - 3, "\xe2\x80\xa9", 3) == 0));
}

/* libyaml compares each %TAG with all before it, so they are counted before it sees them. */
static int
check_tag_directives(struct reader *reader, const unsigned char *bytes, size_t len)
{
	const unsigned char *p = bytes, *end = bytes + len;
	uint32_t line, column;
	unsigned n = 0;

	while (p < end && (p = memmem(p, (size_t)(end - p), "%TAG", 4)) != NULL) {
		if (begins_line(bytes, (size_t)(p - bytes)) && ++n > YAML_TAG_DIRECTIVES_MAX) {
			mark_of(bytes, (size_t)(p - bytes), &line, &column);
			yaml_tell(reader, "E_YAML_LIMIT", line, column, "leave them out",
				  "more than %d lines begin with a %%TAG directive",
				  YAML_TAG_DIRECTIVES_MAX);
			return ERR_LIMIT;
		}
		p += 4;
	}
	return 0;
}

static int
check_bytes(struct reader *reader, const unsigned char *bytes, size_t len)
{
	const unsigned char *nul;
	uint32_t line, column;
	size_t valid;

	reader->totals->bytes += len;
	if (reader->totals->bytes > YAML_BYTES_MAX) {
		yaml_tell(reader, "E_YAML_LIMIT", 0, 0,
			  "split the file, or use dynamic configuration",
			  "%s has %zu bytes, the limit is %d", yaml_counted(reader),
			  reader->totals->bytes, YAML_BYTES_MAX);
		return ERR_LIMIT;
	}
	nul = len == 0 ? NULL : memchr(bytes, '\0', len);
	if (nul != NULL) {
		mark_of(bytes, (size_t)(nul - bytes), &line, &column);
		yaml_tell(reader, "E_YAML_NUL", line, column, "save the file as UTF-8 text",
			  "the file contains a NUL byte");
		return ERR_INPUT;
	}
	valid = text_utf8_prefix((const char *)bytes, len);
	if (valid == len)
		return check_tag_directives(reader, bytes, len);
	mark_of(bytes, valid, &line, &column);
	yaml_tell(reader, "E_YAML_UTF8", line, column, "save the file as UTF-8",
		  "the file is not UTF-8: byte 0x%02x does not belong here", bytes[valid]);
	return ERR_INPUT;
}

/* ---- nodes and frames ---- */

static struct node *
node_make(struct reader *reader, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *node = ARENA_NEW(reader->arena, struct node);

	if (node == NULL)
		return NULL;
	node->kind = (uint8_t)kind;
	node->source = reader->input->source;
	node->line = (uint32_t)mark->line + 1;
	node->column = (uint32_t)mark->column + 1;
	node->weight = 1;
	return node;
}

static int
count_nodes(struct reader *reader, const struct node *at, uint32_t weight)
{
	if (weight <= YAML_NODES_MAX - reader->totals->expanded) {
		reader->totals->expanded += weight;
		return 0;
	}
	yaml_tell(reader, "E_YAML_LIMIT", at->line, at->column, "use fewer aliases",
		  "%s expands to more than %d nodes", yaml_counted(reader), YAML_NODES_MAX);
	return ERR_LIMIT;
}

static bool
at_key(const struct reader *reader)
{
	const struct frame *top;

	if (reader->depth == 0)
		return false;
	top = &reader->frames[reader->depth - 1];
	return top->node->kind == NODE_MAP && (reader->stacked - top->base) % 2 == 0;
}

static int
add_node(struct reader *reader, struct node *node, const struct node *at)
{
	int ret = count_nodes(reader, at, node->weight);

	if (ret < 0)
		return ret;
	if (at_key(reader) && node->kind >= NODE_SEQ) {
		yaml_tell(reader, "E_YAML_KEY", at->line, at->column, "quote the key if it is text",
			  "a key must be a scalar, not a %s", node_kind_name(node->kind));
		return ERR_INPUT;
	}
	if (reader->depth == 0) {
		reader->root = node;
		return 0;
	}
	if (reader->stacked == reader->stack_room) {
		reader->stack_room = reader->stack_room == 0 ? 256 : reader->stack_room * 2;
		reader->stack = mem_resize(reader->stack, reader->stack_room, sizeof(node));
	}
	reader->stack[reader->stacked++] = node;
	return 0;
}

static int
tell_depth(struct reader *reader, const struct node *at)
{
	yaml_tell(reader, "E_YAML_LIMIT", at->line, at->column, NULL,
		  "the file is nested deeper than %d levels", YAML_DEPTH_MAX);
	return ERR_LIMIT;
}

static int
open_frame(struct reader *reader, struct node *node)
{
	if (reader->depth == YAML_DEPTH_MAX)
		return tell_depth(reader, node);
	node->flags = NODE_IS_OPEN;
	reader->frames[reader->depth].node = node;
	reader->frames[reader->depth++].base = reader->stacked;
	return 0;
}

/* ---- aliases ---- */

static int
handle_alias(struct reader *reader, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct node at = {.line = (uint32_t)event->start_mark.line + 1,
			  .column = (uint32_t)event->start_mark.column + 1};
	struct node *named = yaml_anchor_find(reader, name);

	if (named == NULL) {
		yaml_tell(reader, "E_YAML_ALIAS", at.line, at.column, "anchors are per file",
			  "alias '%s' has no anchor before it", name);
		return ERR_INPUT;
	}
	if (named->flags & NODE_IS_OPEN) {
		yaml_tell(reader, "E_YAML_CYCLE", at.line, at.column, NULL,
			  "alias '%s' stands inside what it names (line %u)", name, named->line);
		return ERR_INPUT;
	}
	if (reader->depth + named->height > YAML_DEPTH_MAX)
		return tell_depth(reader, &at);
	return add_node(reader, named, &at);
}

/* ---- scalars ---- */

static int
tell_tag(struct reader *reader, const struct node *at, const char *tag)
{
	yaml_tell(reader, "E_YAML_TAG", at->line, at->column, "leave the tag out",
		  "tag '%s' is not supported here", tag);
	return 0;
}

/* The kind a standard tag asks for, or NODE_KIND_COUNT. */
static enum node_kind
kind_of_tag(const char *tag)
{
	static const struct {
		const char *tag;
		enum node_kind kind;
	} table[] = {
		{YAML_NULL_TAG, NODE_NULL},   {YAML_BOOL_TAG, NODE_BOOL},  {YAML_INT_TAG, NODE_INT},
		{YAML_FLOAT_TAG, NODE_FLOAT}, {YAML_STR_TAG, NODE_STRING}, {"!", NODE_STRING},
		{YAML_SEQ_TAG, NODE_SEQ},     {YAML_MAP_TAG, NODE_MAP},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(tag, table[i].tag) == 0)
			return table[i].kind;
	return NODE_KIND_COUNT;
}

static void
type_scalar(struct reader *reader, struct node *scalar, const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	enum node_kind wanted = tag != NULL ? kind_of_tag(tag) : NODE_KIND_COUNT;
	bool octal = false;

	scalar->kind = NODE_STRING;
	if (wanted == NODE_STRING)
		scalar->style = NODE_QUOTED;
	else if (scalar->style == NODE_PLAIN || tag != NULL)
		yaml_scalar_resolve(scalar, &octal);
	if (tag != NULL && wanted != scalar->kind)
		(void)tell_tag(reader, scalar, tag);
	if (octal && !at_key(reader))
		yaml_tell(reader, "W_YAML_OCTAL", scalar->line, scalar->column,
			  "quote it if it is text", "'%s' is octal: it reads as %lld", scalar->text,
			  (long long)scalar->integer);
}

static int
handle_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct node *scalar = node_make(reader, NODE_STRING, &event->start_mark);
	size_t len = event->data.scalar.length;
	const char *value = (const char *)event->data.scalar.value;
	yaml_scalar_style_t style = event->data.scalar.style;
	int ret;

	if (scalar == NULL)
		return yaml_tell_memory(reader);
	if (memchr(value, '\0', len) != NULL) {
		yaml_tell(reader, "E_YAML_NUL", scalar->line, scalar->column, NULL,
			  "a value cannot contain a NUL character");
		return ERR_INPUT;
	}
	scalar->text = arena_strndup(reader->arena, value, len);
	if (scalar->text == NULL)
		return yaml_tell_memory(reader);
	scalar->count = (uint32_t)len;
	scalar->style = style == YAML_PLAIN_SCALAR_STYLE ? NODE_PLAIN
			: style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE
				? NODE_BLOCK
				: NODE_QUOTED;
	type_scalar(reader, scalar, event);
	ret = yaml_anchor_add(reader, (const char *)event->data.scalar.anchor, scalar);
	return ret < 0 ? ret : add_node(reader, scalar, scalar);
}

/* ---- collections ---- */

static int
handle_start(struct reader *reader, enum node_kind kind, const yaml_char_t *anchor,
	     const yaml_char_t *tag, const yaml_event_t *event)
{
	struct node *node = node_make(reader, kind, &event->start_mark);
	int ret;

	if (node == NULL)
		return yaml_tell_memory(reader);
	if (tag != NULL && strcmp((const char *)tag, "!") != 0 &&
	    kind_of_tag((const char *)tag) != kind)
		(void)tell_tag(reader, node, (const char *)tag);
	ret = yaml_anchor_add(reader, (const char *)anchor, node);
	if (ret == 0)
		ret = add_node(reader, node, node);
	return ret < 0 ? ret : open_frame(reader, node);
}

static int
end_seq(struct reader *reader, struct node *seq, size_t base)
{
	size_t n = reader->stacked - base;

	seq->count = (uint32_t)n;
	seq->items = ARENA_NEW_ARRAY(reader->arena, struct node *, n);
	if (seq->items == NULL)
		return yaml_tell_memory(reader);
	if (n > 0)
		memcpy(seq->items, reader->stack + base, n * sizeof(*seq->items));
	node_seq_finish(seq);
	return 0;
}

static int
handle_end(struct reader *reader)
{
	struct frame *frame = &reader->frames[--reader->depth];
	int ret;

	if (frame->node->kind == NODE_SEQ)
		ret = end_seq(reader, frame->node, frame->base);
	else
		ret = yaml_end_map(reader, frame->node, frame->base);
	frame->node->flags = 0;
	reader->stacked = frame->base;
	if (reader->brackets > 0)
		reader->brackets--;
	return ret;
}

/* ---- events ---- */

static int
handle_document(struct reader *reader, const yaml_event_t *event)
{
	if (reader->root == NULL)
		return 0;
	yaml_tell(reader, "E_YAML_MULTIDOC", (uint32_t)event->start_mark.line + 1,
		  (uint32_t)event->start_mark.column + 1, "remove the second '---'",
		  "there is a second YAML document here; the file must hold one");
	return ERR_INPUT;
}

static int
tell_too_many(struct reader *reader, const yaml_event_t *event, const char *what, int most)
{
	yaml_tell(reader, "E_YAML_LIMIT", (uint32_t)event->start_mark.line + 1,
		  (uint32_t)event->start_mark.column + 1, "split the file, or generate less of it",
		  "%s writes more than %d %s", yaml_counted(reader), most, what);
	return ERR_LIMIT;
}

/* Block collections cannot stand in brackets, so the brackets end before any of them. */
static int
count_written(struct reader *reader, const yaml_event_t *event)
{
	if (++reader->totals->written > YAML_WRITTEN_MAX)
		return tell_too_many(reader, event, "values, keys, lists and mappings",
				     YAML_WRITTEN_MAX);
	if (reader->brackets > YAML_BRACKETS_MAX && ++reader->totals->enclosed > YAML_ENCLOSED_MAX)
		return tell_too_many(reader, event, "values deep within brackets",
				     YAML_ENCLOSED_MAX);
	if ((event->type == YAML_SEQUENCE_START_EVENT &&
	     event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE) ||
	    (event->type == YAML_MAPPING_START_EVENT &&
	     event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE))
		reader->brackets++;
	return 0;
}

static int
handle_node(struct reader *reader, const yaml_event_t *event)
{
	int ret = count_written(reader, event);

	if (ret < 0)
		return ret;
	if (event->type == YAML_ALIAS_EVENT)
		return handle_alias(reader, event);
	if (event->type == YAML_SCALAR_EVENT)
		return handle_scalar(reader, event);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return handle_start(reader, NODE_SEQ, event->data.sequence_start.anchor,
				    event->data.sequence_start.tag, event);
	return handle_start(reader, NODE_MAP, event->data.mapping_start.anchor,
			    event->data.mapping_start.tag, event);
}

static int
handle_event(struct reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return handle_document(reader, event);
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return handle_node(reader, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return handle_end(reader);
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	UNREACHABLE();
}

/* A quoted text without an end is told where it begins: the file's end says nothing. */
static bool
begins_unended_text(const yaml_parser_t *parser)
{
	return parser->context != NULL && strstr(parser->context, "quoted scalar") != NULL &&
	       strstr(parser->problem, "end of stream") != NULL;
}

/* The line is one of those that git puts around the two sides of a conflict. */
static bool
is_conflict_mark(const struct reader *reader, size_t line)
{
	static const char *const marks[] = {"<<<<<<< ", "=======", ">>>>>>> "};
	const char *at = reader->input->bytes, *end = at + reader->input->len;
	size_t i;

	for (; line > 0 && at != NULL; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at != NULL ? at + 1 : NULL;
	}
	for (i = 0; at != NULL && i < sizeof(marks) / sizeof(marks[0]); i++)
		if ((size_t)(end - at) >= strlen(marks[i]) && memcmp(at, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

static const char *
syntax_hint(const struct reader *reader, const yaml_parser_t *parser)
{
	if (is_conflict_mark(reader, parser->problem_mark.line))
		return "a merge has left a conflict here: keep one of the two sides, without the marks";
	if (strstr(parser->problem, "cannot start any token") != NULL)
		return "indent with spaces, never tabs; quote values that begin with @, ` or %";
	if (strstr(parser->problem, "mapping values are not allowed") != NULL)
		return "check the indentation; a line with keys below it ends with ':'; quote a value that "
		       "contains ': '";
	if (strstr(parser->problem, "did not find expected ','") != NULL)
		return "close the bracket; quote a value that holds brackets, braces or commas";
	if (strstr(parser->problem, "did not find expected") != NULL)
		return "check the indentation of this line and the lines above it";
	if (begins_unended_text(parser))
		return "end it with the quote that it begins with";
	return NULL;
}

static int
tell_syntax(struct reader *reader, const yaml_parser_t *parser)
{
	const yaml_mark_t *mark =
		begins_unended_text(parser) ? &parser->context_mark : &parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		return yaml_tell_memory(reader);
	if (parser->error == YAML_READER_ERROR) {
		uint32_t line, column;

		mark_of(reader->input->bytes, parser->problem_offset, &line, &column);
		yaml_tell(reader, "E_YAML_SYNTAX", line, column, "remove the character",
			  "this is not YAML: %s", parser->problem);
		return ERR_INPUT;
	}
	yaml_tell(reader, "E_YAML_SYNTAX", (uint32_t)mark->line + 1, (uint32_t)mark->column + 1,
		  syntax_hint(reader, parser), "this is not YAML: %s%s%s", parser->problem,
		  parser->context != NULL ? ", " : "",
		  parser->context != NULL ? parser->context : "");
	return ERR_INPUT;
}

static int
read_events(struct reader *reader, yaml_parser_t *parser)
{
	bool at_end = false;
	int ret = 0;

	while (!at_end && ret == 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event))
			return tell_syntax(reader, parser);
		at_end = event.type == YAML_STREAM_END_EVENT;
		ret = handle_event(reader, &event);
		if (ret == 0 && reader->errors >= YAML_ERRORS_MAX)
			ret = ERR_INPUT;
		yaml_event_delete(&event);
	}
	return ret;
}

static int
finish(struct reader *reader)
{
	if (reader->root == NULL) {
		yaml_tell(reader, "E_YAML_EMPTY", 1, 1, NULL, "the file is empty");
		return ERR_INPUT;
	}
	yaml_anchors_tell_unused(reader);
	return reader->errors > 0 ? ERR_INPUT : 0;
}

int
yaml_read(const struct yaml_input *input, struct arena *arena, struct node **root)
{
	struct reader *reader = MEM_NEW(struct reader);
	const unsigned char *bytes = input->bytes;
	size_t len = input->len;
	yaml_parser_t parser;
	bool is_whole;
	int ret;

	reader->input = input;
	reader->arena = arena;
	reader->totals = input->totals != NULL ? input->totals : &reader->own;
	ret = check_bytes(reader, bytes, len);
	if (ret == 0 && !yaml_parser_initialize(&parser))
		ret = yaml_tell_memory(reader);
	else if (ret == 0) {
		bool has_bom = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;

		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser, bytes + (has_bom ? 3 : 0),
					     len - (has_bom ? 3 : 0));
		ret = read_events(reader, &parser);
		yaml_parser_delete(&parser);
	}
	is_whole = ret == 0;
	if (ret == 0)
		ret = finish(reader);
	*root = ret == 0 || is_whole ? reader->root : NULL;
	yaml_anchors_forget(reader);
	free(reader->stack);
	free(reader);
	return ret;
}
