/*
 * id_map.h - a user namespace that maps one user and one group, held by a descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_ID_MAP_H
#define SUPERVISOR_ID_MAP_H

#include <sys/types.h>

struct id_map {
	uid_t uid, outer_uid; /* in it, and whose that is where it was made */
	gid_t gid, outer_gid;
};

/* Make it, as root. The descriptor, which is the caller's, or -1 and errno. */
int id_map_open(const struct id_map *map);

#endif
