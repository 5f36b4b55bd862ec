/*
 * blob.h - what a job leaves at the hub: kinds, limits, and the record that many small ones travel in (doc/blobs.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_BLOB_H
#define RUNNER_BLOB_H

/* Their numbers are stored: new ones go to the end. */
#define BLOB_KINDS(X)         \
	X(ARTIFACT, artifact) /* of a task: a later one of the same name takes its place */ \
	X(CACHE, cache)	      /* of a project: the first of a name stays */                 \
	X(WORKSPACE, workspace) /* a layer, of a task; as artifacts */

#define X(upper, name) BLOB_##upper,
enum blob_kind { BLOB_KINDS(X) BLOB_KIND_COUNT };
#undef X

enum {
	BLOB_NAME_MOST_BYTES = 4096,	   /* any bytes but NUL */
	BLOB_RECORD_MAGIC = 0x31424c42,	   /* "BLB1" */
	BLOB_RECORD_HEAD_BYTES = 48,	   /* magic, length of the name, size, SHA-256 */
	BLOB_RECORDS_MOST = 1024,	   /* in one request */
	BLOB_RECORDS_MOST_BYTES = 4 << 20, /* likewise; agents close one at 1 MiB */
	BLOB_OPEN_MOST = 64,		   /* uploads of one task that are not complete */
};

#define BLOB_MOST_BYTES	  (1ull << 40) /* of one */
#define BLOB_RECORDS_TYPE "application/vnd.runner.blobs"

#endif
