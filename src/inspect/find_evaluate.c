/*
 * Evaluating, at any level of knowledge.
 */
#include "inspect/find.h"

#define NAMED (DD_FACT_LOOK | DD_FACT_PULL | DD_FACT_TAGGED | DD_FACT_CONTAINS)
#define SAID (DD_FACT_READ | DD_FACT_CONFIG | DD_FACT_PLATFORM | DD_FACT_SIGNS | DD_FACT_STATE)

static const uint32_t class_facts[DD_CLASS_COUNT] = {
	/* repository, tag, revision, link, upload, blob */
	NAMED | DD_FACT_CONTENT,
	NAMED | SAID | DD_FACT_DIGEST | DD_FACT_STORED,
	NAMED | SAID | DD_FACT_STORED | DD_FACT_KIND | DD_FACT_COUNT | DD_FACT_TAGS |
		DD_FACT_UNTAGGED,
	DD_FACT_LOOK | DD_FACT_DIGEST | DD_FACT_STORED | DD_FACT_REACH,
	DD_FACT_LOOK,
	DD_FACT_LOOK | DD_FACT_KIND | DD_FACT_NAMED | DD_FACT_READ | DD_FACT_CONFIG |
		DD_FACT_COUNT | DD_FACT_REACH | DD_FACT_TAGGED | DD_FACT_STATE | DD_FACT_REPOS |
		DD_FACT_LAYER_OF,
};

int dd_find_class_index(unsigned class)
{
	return __builtin_ctz(class);
}

uint32_t dd_find_facts_of(unsigned class, uint32_t facts)
{
	if (facts & DD_FACT_SIZE)
		facts |= class & DD_CLASS_NAMING ? DD_FACT_PULL : DD_FACT_LOOK;
	return facts & class_facts[dd_find_class_index(class)];
}

static uint32_t facts_of_action(const struct dd_find_action *action)
{
	switch (action->kind) {
	case DD_FIND_LS:
		return DD_FACT_KIND | DD_FACT_SIZE | DD_FACT_LOOK | DD_FACT_DIGEST;
	case DD_FIND_JSON:
		return DD_FACT_KIND | DD_FACT_SIZE | DD_FACT_LOOK | DD_FACT_DIGEST |
		       DD_FACT_STORED | DD_FACT_READ | DD_FACT_CONFIG | DD_FACT_PLATFORM |
		       DD_FACT_COUNT | DD_FACT_STATE;
	case DD_FIND_PRINTF:
		return dd_find_format_facts(action->format);
	default:
		return 0;
	}
}

static enum dd_truth test(const struct dd_find_test *test, struct dd_find_subject *subject,
			  const struct dd_find_run_state *run, struct dd_find_worker *worker)
{
	const struct dd_find_kind *kind = test->kind;
	uint8_t level = kind->level;
	uint32_t facts;

	if (!(kind->classes & subject->class))
		return DD_FALSE;
	facts = dd_find_facts_of(subject->class, kind->facts);
	subject->wanted |= facts;
	if (facts)
		level = facts & ~DD_FACTS_WEIGHED ? DD_KNOWN_OBJECT : DD_KNOWN_WEIGHED;
	if (subject->level < level)
		return DD_UNKNOWN;
	if (facts & ~subject->fetched && worker)
		dd_find_fetch(worker, subject, facts);
	return kind->match(test, subject, run);
}

/* All of a chain until one part decides; what is unknown does not. */
static enum dd_truth chain(const struct dd_find_node *node, enum dd_truth decides,
			   struct dd_find_subject *subject, const struct dd_find_run_state *run,
			   struct dd_find_worker *worker)
{
	bool unknown = false;

	for (size_t i = 0; i < node->count; i++) {
		enum dd_truth part = dd_find_evaluate(node->parts[i], subject, run, worker);

		if (part == decides || (worker && worker->acting && worker->run->ended))
			return part;
		unknown |= part == DD_UNKNOWN;
	}
	if (unknown)
		return DD_UNKNOWN;
	return decides == DD_TRUE ? DD_FALSE : DD_TRUE;
}

enum dd_truth dd_find_evaluate(struct dd_find_node *node, struct dd_find_subject *subject,
			       const struct dd_find_run_state *run, struct dd_find_worker *worker)
{
	enum dd_truth value;

	switch (node->op) {
	case DD_OP_TEST:
		return test(node->test, subject, run, worker);
	case DD_OP_ACTION:
		if (worker && worker->acting)
			return dd_find_act(worker, node->action, subject);
		subject->acts = true;
		subject->wanted |= dd_find_facts_of(subject->class, facts_of_action(node->action));
		return DD_UNKNOWN;
	case DD_OP_NOT:
		value = dd_find_evaluate(node->parts[0], subject, run, worker);
		return value == DD_UNKNOWN ? value : value == DD_TRUE ? DD_FALSE : DD_TRUE;
	case DD_OP_AND:
		return chain(node, DD_FALSE, subject, run, worker);
	case DD_OP_OR:
		return chain(node, DD_TRUE, subject, run, worker);
	default:
		return node->value ? DD_TRUE : DD_FALSE;
	}
}

bool dd_find_wants_repository(const struct dd_find_run_state *run, unsigned classes,
			      const char *repository)
{
	for (unsigned class = 1; class < DD_CLASS_BLOB; class <<= 1) {
		struct dd_find_subject subject = { .level = DD_KNOWN_REPOSITORY,
						   .class = class,
						   .repository = repository };

		if (!(classes & class))
			continue;
		dd_find_evaluate(run->find->root, &subject, run, NULL);
		if (subject.acts)
			return true;
	}
	return false;
}

bool dd_find_wants_tag(const struct dd_find_run_state *run, const char *repository, const char *tag)
{
	struct dd_find_subject subject = {
		.level = DD_KNOWN_NAME, .class = DD_CLASS_TAG, .repository = repository, .tag = tag
	};

	dd_find_evaluate(run->find->root, &subject, run, NULL);
	return subject.acts;
}
