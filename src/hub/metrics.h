/*
 * metrics.h - the hub's numbers for scrapers: /metrics, /healthz and /readyz (doc/metrics.md); and, for web servers
 * in front of it that speak HTTP/1.1, the documents by which identity tokens are checked (oidc.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_METRICS_H
#define HUB_METRICS_H

struct err;
struct hub;

/* Where settings.metrics says; nothing is served when it is NULL. Fails: ERR_HOST, ERR_INPUT. */
int metrics_start(struct hub *hub, struct err *err);
void metrics_stop(struct hub *hub);

#endif
