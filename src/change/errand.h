/*
 * How an errand is told at the control socket: one message of words with descriptors beside it, and
 * from then on messages of one struct: signals on the way there, what became of it on the way back.
 */
#ifndef CHANGE_ERRAND_H
#define CHANGE_ERRAND_H

#include <stdbool.h>
#include <stdint.h>

#include <drydock/owner.h>

#define DD_ERRAND_MAGIC UINT32_C(0x64643031)
#define DD_ERRAND_DESCRIPTORS 4 /* directory, input, output, error */
#define DD_ERRAND_WORDS_MAX 8192

/* Before the words and then the environment, each with its NUL. */
struct dd_errand_head {
	uint32_t magic, word_count, environment_count;
};

struct dd_errand_signal {
	int32_t number;
};

struct dd_errand_end {
	int32_t code;	/* enum dd_code: 0, or why it was not carried out */
	int32_t status; /* as of waitpid(2) */
	char text[DD_ERROR_TEXT], hint[DD_HINT_TEXT];
};

/*
 * "NAME=value" that a command's result, or its choice of a volume, depends on; never one that changes
 * how a program is loaded.
 */
bool dd_errand_wants(const char *variable);

/* As it was received; descriptors and memory are its own. */
struct dd_received_errand {
	struct dd_errand errand;
	char *bytes;
	char **words, **environment; /* each ends with NULL */
};

/* DD_EFORMAT, DD_ENOENT (the caller is gone), DD_EIO. */
int dd_errand_receive(int fd, struct dd_received_errand *received, struct dd_error *err);
void dd_errand_release(struct dd_received_errand *received);

#endif
