/*
 * carrier.h - how a program of ours in a job sends blobs to the hub: over a channel with the agent, and pipes.
 *
 * The program asks with CONTROL_VERB_CARRY and one end of a SOCK_SEQPACKET pair; what is said on the pair from then on is
 * below, a packet a message: a word, the number of the upload (the program's choice, below CARRIER_AT_ONCE, free again after
 * its end), what belongs to it, and behind a newline a name or a sentence where there is one.
 *
 * The agent never reads a file of a job, and nothing is kept on the way: the program writes into a pipe what the agent sends.
 * How far the hub has come is the hub's to say, so the program is told where to begin, and told again, with a new pipe,
 * when the connection has broken; what was written into the one before is lost then, and writing to it fails (EPIPE). A
 * channel that ends was the agent's restart: the program asks for another, and opens what it had open anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_CARRIER_H
#define RUNNER_CARRIER_H

/* To the agent. */
#define CARRIER_OPEN	"open"	  /* open N KIND SIZE\nNAME: a blob */
#define CARRIER_RECORDS "records" /* records N KIND SIZE: many small ones, as the hub takes them (doc/blobs.md) */
#define CARRIER_DONE	"done"	  /* done N DIGEST: all its bytes are in the pipe, and have that SHA-256; not of records */
#define CARRIER_DROP	"drop"	  /* drop N: it cannot be completed. There is an answer: "no" */

/* To the program. */
#define CARRIER_FROM "from" /* from N OFFSET, and a pipe: write from there on. Also where nothing is left to write */
#define CARRIER_OK   "ok"   /* ok N: the hub has it */
#define CARRIER_NONE "none" /* none N: a cache of that name was there before; this one is not kept */
#define CARRIER_NO   "no"   /* no N [other]\nSENTENCE: it is not kept; */
#define CARRIER_OTHER "other" /* what came has another digest */

enum {
	CARRIER_AT_ONCE = 8,
	CARRIER_PACKET_MOST_BYTES = 4096 + 256, /* BLOB_NAME_MOST_BYTES, and the words */
	CARRIER_PIPE_BYTES = 1 << 20,		/* what a pipe is asked to hold */
};

#endif
