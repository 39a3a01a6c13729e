/*
 * A survey: what one look at a volume found in its repositories. Digests are ids of a graph, which
 * the same scan fills.
 *
 * Listed, looked at and read, each at most once: the directories that carry names (down to hex), every
 * tag's current link and history, every revision's link, every link that may be an alias, and every
 * manifest that the graph does not know yet. Not read: links whose name says all, and blobs that are
 * no manifests.
 */
#ifndef GRAPH_SURVEY_H
#define GRAPH_SURVEY_H

#include <drydock/index.h>
#include <drydock/store.h>
#include <drydock/walk.h>

#include "base/jobs.h"
#include "base/list.h"
#include "graph/graph.h"
#include "graph/link.h"

struct dd_revision {
	uint32_t id;
	uint8_t state; /* enum dd_link_state */
};

struct dd_tag {
	char *name;
	uint32_t current;		 /* id, DD_NO_ID if it could not be told */
	uint8_t state;			 /* enum dd_link_state, of current/link */
	uint32_t history, history_count; /* in the repository's histories */
	int64_t moved_ns;		 /* mtime of current/link; 0 if there is none */
	uint64_t sum;			 /* dd_stamp_sum() of it */
};

struct dd_upload {
	char *id;
	bool has_data, has_startedat;
	uint64_t bytes, device;
	uint32_t links;
	int64_t began_ns;  /* as startedat says; 0 if it does not */
	int64_t newest_ns; /* the newest time of anything inside, and of the directory if empty */
	struct dd_stamp stamp; /* of data, else of startedat */
};

/* A file that a crash left beside a link or an upload's files. */
struct dd_temp {
	struct dd_place place; /* strings of own memory */
	struct dd_info info;
};

/* A doubt that is not about a manifest. */
struct dd_found_doubt {
	enum dd_doubt doubt;
	uint32_t id; /* DD_NO_ID */
	char *detail;
};

struct dd_repository {
	char *name;
	bool valid;	 /* its name is one */
	bool has_layers; /* and could be listed */
	bool layers_failed;
	bool uploads_failed;
	DD_LIST(uint32_t) layers;	       /* ids, sorted */
	DD_LIST(uint32_t) tarsums;	       /* what tarsum links stand for */
	DD_LIST(uint32_t) unresolved;	       /* sha512 links that say only themselves */
	DD_LIST(struct dd_revision) revisions; /* sorted by id */
	DD_LIST(struct dd_tag) tags;	       /* sorted by name */
	DD_LIST(uint32_t) histories;
	DD_LIST(struct dd_upload) uploads;
	DD_LIST(struct dd_found_doubt) doubts; /* of places in this repository: they hold it */
};

struct dd_survey {
	struct dd_graph *graph;			      /* borrowed */
	DD_LIST(struct dd_repository *) repositories; /* sorted by name */
	DD_LIST(struct dd_temp) temps;
	DD_LIST(struct dd_found_doubt) doubts; /* of places outside: they hold everything */
	DD_LIST(char *) notes;		       /* passed over; at most DD_SURVEY_NOTES */
	DD_LIST(char *) unread;		       /* could not be looked at; as many */
	uint64_t strange, unreadable;
	uint64_t device;   /* the file system that the volume lies on */
	bool cache_volume; /* a pull-through cache's: dangling tags are normal */
};

/* What a tag leaves that was removed beside a registry: a directory, and nothing in it. */
static inline bool dd_tag_is_empty(const struct dd_tag *tag)
{
	return tag->state == DD_LINK_ABSENT && !tag->history_count;
}

#define DD_SURVEY_NOTES 1000

/* Functions may be NULL; not 0 ends the scan. */
struct dd_onlooker {
	void *arg;
	/*
	 * Each manifest, as it is parsed, or was when the index came to know it: one at a time,
	 * right after its edges, which are the graph's last ones, were added. The graph's lock is
	 * held.
	 */
	int (*manifest)(void *arg, uint32_t id, const struct dd_manifest *manifest);
	/* What is passed over or cannot be seen: from several threads at once. */
	dd_strange_fn *strange;
	/*
	 * Each good link of a revision, and each tag's current one, as it was when it was read or
	 * recalled: from several threads at once. Who gives this wants what all of them say, also
	 * those whose names say enough.
	 */
	int (*link)(void *arg, const struct dd_place *place, const struct dd_info *info);
	/*
	 * Whose bytes those of a manifest that is parsed were, and when they were read: after manifest(),
	 * likewise. Not of what lies in the trash.
	 */
	int (*proved)(void *arg, uint32_t id, const struct dd_info *info, int64_t read_ns);
	/*
	 * When the bytes of a manifest's file were last read and matched, 0: so long ago that they are
	 * to be read again. NULL: what the index has of it will do. From several threads at once.
	 */
	int64_t (*when_proved)(void *arg, const struct dd_digest *digest,
			       const struct dd_info *info);
	/* Each directory that was listed, or is known: from several threads at once. */
	int (*directory)(void *arg, const struct dd_place *place, const struct dd_info *info);
};

struct dd_survey_options {
	/* Only this repository, and no blobs; NULL: everything. */
	const char *only;
	bool no_blobs; /* nobody will ask which blobs are there */
	/* Whether a repository is to be looked into; from several threads at once. NULL: each is. */
	bool (*wants)(void *arg, const char *repository);
	void *wants_arg;
	bool leftovers; /* look for what crashes left beside files that are there, too */
	/* Whether a blob that the volume lacks lies in the trash: sets place->run. May be NULL. */
	bool (*in_trash)(void *arg, const struct dd_digest *digest, struct dd_place *place);
	void *arg;
	/* Of kind SURVEYED or AUDITED; NULL: everything is looked at anew. What looks at less teaches it less. */
	struct dd_index *index;
	bool anew;	  /* nothing is recalled; all is learnt */
	int64_t since_ns; /* links that were read before then are read again */
	bool unsettled;	  /* there is more to be learnt: the caller settles the index */
	/* Somebody who wants to see more than a survey keeps; NULL: nobody. */
	const struct dd_onlooker *onlooker;
	/* Read as a manifest whatever names it; nothing but it and what it leads to if alone. */
	const struct dd_digest *start;
	bool alone;
};

/*
 * Look at the volume. What cannot be read is in the survey as a doubt; an error is only what stops
 * the look itself (memory, cancellation).
 */
int dd_survey_open(struct dd_context *ctx, struct dd_store *store, struct dd_graph *graph,
		   const struct dd_survey_options *options, struct dd_survey **survey,
		   struct dd_error *err);
void dd_survey_closep(struct dd_survey **survey);
/* One that was found; at any place, until the end. Takes the lock. NULL: no memory. */
struct dd_repository *dd_survey_add_repository(struct dd_survey *survey, const char *name);
/* At the end of a scan. */
void dd_survey_sort(struct dd_survey *survey, struct dd_jobs *jobs);

/* Remember a crash's leftover of this name in a place's directory, if it is one. Takes the lock. */
int dd_survey_add_temp(struct dd_survey *survey, struct dd_store *store,
		       const struct dd_place *place, const char *name, struct dd_error *err);

/* Whether all of it could be looked at: what was not found then is not there. */
bool dd_survey_is_whole(const struct dd_survey *survey);

/*
 * Whether there are blobs, and not one repository. No registry leaves that: what is not mounted, or was not
 * restored, looks like it.
 */
bool dd_survey_lacks_repositories(const struct dd_survey *survey);

const struct dd_revision *dd_repository_revision(const struct dd_repository *repository,
						 uint32_t id);
bool dd_repository_has_layer(const struct dd_repository *repository, uint32_t id);
/* NULL if there is none; the index DD_NO_ID. */
const struct dd_tag *dd_repository_tag(const struct dd_repository *repository, const char *name);
uint32_t dd_survey_repository_index(const struct dd_survey *survey, const char *name);
struct dd_repository *dd_survey_repository(const struct dd_survey *survey, const char *name);

#endif
