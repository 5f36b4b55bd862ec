/*
 * settings_reader.h - a runnerd.yaml while it is read: for settings_file.c, settings_class.c and settings_isolation.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SETTINGS_READER_H
#define AGENT_SETTINGS_READER_H

#include <stdbool.h>

#include "agent/settings.h"

struct node;

enum { SETTINGS_PLACE_BYTES = 256 };

struct settings_reader {
	struct settings *settings;
	const char *path;
	const char *name; /* the path's last part: for messages */
	struct err *err;
	bool failed; /* err is filled by the reader of YAML */
};

/* A place in the file for messages, in room: "runnerd.yaml:12: output_memory". */
const char *reader_place(const struct settings_reader *file, const struct node *node,
			 const char *what, char room[SETTINGS_PLACE_BYTES]);

/* Always fails: what must be wanted ("a number"), and the node is not. */
int reader_refuse_kind(const struct settings_reader *file, const struct node *node,
		       const char *what, const char *wanted);
bool reader_is_scalar(const struct node *node);

/* settings_class.c: what the host has, and the list of classes. Fails: into file->err. */
int settings_read_capacity(struct settings_reader *file, const struct node *map);
int settings_read_classes(struct settings_reader *file, const struct node *list);

/* settings_isolation.c: the host's, a map; a class's, a word or a map, NULL where it says none. As above. */
int settings_read_isolation(struct settings_reader *file, const struct node *map);
int settings_read_class_isolation(struct settings_reader *file, const char *class,
				  const struct node *value);

#endif
