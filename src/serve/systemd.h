/*
 * The word with systemd, where there is one: sockets that it opened, and what it is told. Without one
 * all of it is nothing.
 */
#ifndef SERVE_SYSTEMD_H
#define SERVE_SYSTEMD_H

/* The one socket that was handed over, listening; -1: none was, -2: not one that we can use. */
int dd_systemd_socket(void);
void dd_systemd_ready(const char *status);
void dd_systemd_reloading(void);
void dd_systemd_stopping(void);

#endif
