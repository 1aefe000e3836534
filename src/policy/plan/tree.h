/* The tree of documents that rules define: data.<package>.<rule>, a node for every step.
 *
 * A node without rules is a package or a part of a path. Immutable once compiled. */
#pragma once
#include "policy/plan/ir.h"

#define TREE_DEPTH_MAX 64 /* steps of a package and rule path together */

enum rule_kind { RULE_NONE, RULE_COMPLETE, RULE_FUNCTION, RULE_SET, RULE_OBJECT };

/* One definition, or one else branch of it. */
struct def {
	const struct rule   *src;
	const struct rule   *head;   /* src, or what it is an else branch of */
	const struct module *module;
	struct pat         **arg;
	size_t               n_args;
	const struct code   *code;   /* ends in OP_RETURN, OP_ADD or OP_PATH */
	uint32_t             slots;  /* of its frame */
	const struct def    *els;
	struct val           value;  /* head value known when compiling; VAL_UNDEF otherwise */
};

struct rego_rule {
	struct val        name;      /* step from the parent */
	struct rego_rule *parent;
	uint32_t          depth;
	struct rego_rule **child;    /* in order of definition */
	size_t            n_child, cap_child;
	uint32_t         *hash;      /* while building, once there are many: open addressing, index + 1 */
	size_t            n_hash;
	struct val        names;     /* once sealed: from name to index, where there are many */
	bool              is_package;
	bool              rule_name; /* the first step of some rule of its parent package */

	enum rule_kind    kind;
	uint32_t          id;        /* of its value in caches */
	size_t            n_args;
	struct def      **def;
	size_t            n_def, cap_def;
	struct def       *deflt;
	struct val        constant;  /* value of the document, where it depends on nothing */
	bool              one_value; /* all definitions have the same constant value: the first that succeeds decides */
	bool              dynamic_above; /* lies below a node of kind RULE_OBJECT */
	struct dep       *deps;      /* what its bodies look at; only while compiling */
	uint32_t          mark;      /* for graph.c */
};

/* NULL: none. While building, only tree_make finds children. */
struct rego_rule *tree_child(const struct rego_rule *t, struct val name);
struct rego_rule *tree_make(struct heap *h, struct rego_rule *t, struct val name); /* finds or adds; NULL: heap over */
bool tree_seal(struct heap *h, struct rego_rule *root) NODISCARD; /* all rules are in */
/* The path as OPA writes it: data.a["x y"].b */
void tree_put_path(struct wr *w, const struct rego_rule *t);
/* "data.a.b" into steps. False when malformed or longer than cap. */
bool tree_parse_path(struct heap *h, const char *path, struct val *step, size_t cap, size_t *n) NODISCARD;
