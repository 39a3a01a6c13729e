/*
 * Identities.
 */
#include <stdlib.h>
#include <string.h>

#include "serve/identity.h"

int dd_identity_open(struct dd_identity **out, const char *user, struct dd_error *err)
{
	struct dd_identity *identity = calloc(1, sizeof(*identity));

	*out = NULL;
	if (identity)
		identity->user = strdup(user ? user : "");
	if (!identity || !identity->user) {
		free(identity);
		return dd_fail(err, DD_ENOMEM, 0, "remember who somebody is");
	}
	identity->refs = 1;
	identity->authenticated = identity->user[0];
	*out = identity;
	return 0;
}

struct dd_identity *dd_identity_ref(struct dd_identity *identity)
{
	__atomic_add_fetch(&identity->refs, 1, __ATOMIC_RELAXED);
	return identity;
}

void dd_identity_unref(struct dd_identity *identity)
{
	if (!identity || __atomic_sub_fetch(&identity->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < identity->access.count; i++)
		free(identity->access.items[i].repository);
	dd_list_release(&identity->access);
	free(identity->user);
	free(identity);
}

void dd_identity_closep(struct dd_identity **identity)
{
	dd_identity_unref(*identity);
	*identity = NULL;
}

const char *dd_identity_get_user(const struct dd_identity *identity)
{
	return identity->user;
}

int dd_identity_grant(struct dd_identity *identity, const char *repository, unsigned actions,
		      struct dd_error *err)
{
	struct dd_access *access = dd_list_add(&identity->access);

	if (access && repository)
		access->repository = strdup(repository);
	if (!access || (repository && !access->repository)) {
		if (access)
			identity->access.count--;
		return dd_fail(err, DD_ENOMEM, 0, "remember what somebody may do");
	}
	access->actions = actions;
	return 0;
}

static bool is_about(const struct dd_access *access, const char *repository)
{
	if (!access->repository || !repository)
		return !access->repository && !repository;
	return !strcmp(access->repository, repository);
}

bool dd_identity_has(const struct dd_identity *identity, const char *repository, unsigned actions)
{
	if (!identity->limited)
		return true;
	for (size_t i = 0; i < identity->access.count; i++)
		if (is_about(&identity->access.items[i], repository))
			actions &= ~identity->access.items[i].actions;
	return !actions;
}
