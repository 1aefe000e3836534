/* What the parts of the regular expression engine share: pattern -> tree (re_parse, re_set, re_class) -> program (re_comp) -> a
 * search by backtracking that visits nothing twice (re_back) or, where that would need too much memory, by Pike's machine
 * (re_pike). */
#pragma once
#include "fmt/unicode.h"
#include "policy/regex/re.h"

#define RE_REPEAT_MAX 1000 /* as Go: of one repeat, and of nested ones multiplied */
#define RE_DEPTH_MAX  250  /* nesting of groups and repeats (Go: 1000) */

/* A class: what it holds of ASCII as bits, and all of it as ranges, ascending and apart. */
struct re_range { uint32_t lo, hi; };
struct re_class {
	uint64_t               ascii[2];
	const struct re_range *r;
	size_t                 n;
};
bool re_class_has(const struct re_class *c, uint32_t rune);

/* A class being made. Sticky like the heap it allocates in. */
struct re_ranges { struct heap *h; struct re_range *p; size_t n, cap; };
void re_ranges_add(struct re_ranges *s, uint32_t lo, uint32_t hi);
void re_ranges_all(struct re_ranges *s, const struct re_ranges *from);
void re_ranges_fold(struct re_ranges *s);  /* adds what is equal without case */
void re_ranges_negate(struct re_ranges *s);
/* The class; NULL when the heap is over. */
const struct re_class *re_ranges_class(struct re_ranges *s);

/* The tree. */
enum re_op { RN_EMPTY, RN_CHAR, RN_CLASS, RN_ASSERT, RN_GROUP, RN_CAT, RN_ALT, RN_REPEAT };
enum re_assert { RA_BEGIN_TEXT, RA_END_TEXT, RA_BEGIN_LINE, RA_END_LINE, RA_WORD, RA_NOT_WORD };
struct re_node {
	enum re_op       op;
	bool             lazy;     /* RN_REPEAT */
	bool             nullable; /* can match nothing */
	uint16_t         depth;
	uint32_t         product;  /* greatest product of repeat counts on a way down */
	uint32_t         arg;      /* RN_CHAR: code point; RN_CLASS: index; RN_ASSERT: which; RN_GROUP: number, from 1 */
	int              min, max; /* RN_REPEAT; max -1: no end */
	struct re_node  *sub, *next;
};

enum { RF_FOLD = 1, RF_DOT_NL = 2, RF_LINES = 4, RF_UNGREEDY = 8 };
struct re_parser {
	struct heap  *h;
	struct span   s;     /* whole pattern, UTF-8 */
	size_t        at;
	unsigned      flags, depth;
	const char   *why;   /* not NULL: failed, at why_at */
	size_t        why_at;
	size_t        groups;
	struct span  *name;  /* of groups 0 to groups; room for name_cap */
	size_t        name_cap;
	const struct re_class **cls;
	size_t        n_cls, cls_cap;
};
/* NULL on a syntax error (p->why) or when the heap is over. */
struct re_node *re_parse(struct re_parser *p);
/* Parts of it: each stands before what it reads, leaves p->at behind it, and fails by p->why. */
bool     re_fail(struct re_parser *p, size_t at, const char *why); /* false, always */
bool     re_set_parse(struct re_parser *p, struct re_ranges *s);        /* [...] */
bool     re_set_escape(struct re_parser *p, struct re_ranges *s);       /* \d \pL ...; false and p->why NULL: none of these */
uint32_t re_rune(struct re_parser *p);                                  /* one code point as it stands; re_more() before */
bool     re_escape_rune(struct re_parser *p, uint32_t *c);              /* backslash and what stands for one code point */
static inline bool re_more(const struct re_parser *p) { return p->at < p->s.n; }

/* The program. Instructions that read a code point go on with the next one. */
enum re_code { RI_CHAR, RI_CLASS, RI_ASSERT, RI_SAVE, RI_NOP, RI_JUMP, RI_SPLIT, RI_MATCH };
struct re_inst {
	uint8_t  op;
	uint32_t x, y;  /* RI_CHAR: code point; RI_CLASS: index; RI_ASSERT: which; RI_SAVE: slot; RI_JUMP: to x;
	                 * RI_SPLIT: to x, or else y */
	uint32_t join;  /* 0: one way leads here; otherwise the number of this place where ways meet, from 1 */
};
struct re {
	struct re_inst         *inst;
	size_t                  n;
	const struct re_class **cls;
	size_t                  groups, joins;
	const struct span      *name;
	bool                    anchored; /* matches at the beginning of the text only */
	bool                    literal;  /* is nothing but its prefix, then the end of the text if `to_end` */
	bool                    to_end;
	struct span             prefix;   /* every match begins with it */
	bool                    use_first;
	uint64_t                first[4]; /* with use_first: the bytes a match can begin with */
};
enum re_rc re_generate(struct re_parser *p, const struct re_node *tree, struct re *out);

/* RI_CHAR and RI_CLASS: whether c is what they read. */
static inline bool re_takes(const struct re *re, const struct re_inst *in, uint32_t c)
{
	return in->op == RI_CHAR ? in->x == c : re_class_has(re->cls[in->x], c);
}
bool     re_holds(enum re_assert what, struct span s, size_t at);
/* Where, from `at` on, a match may begin: s.n + 1 where none can. */
size_t   re_candidate(const struct re *re, struct span s, size_t at);

#define RE_VISITS_PER_STEP 8 /* instructions looked at */
struct re_run {
	struct heap     *h;
	const struct re *re;
	struct span      s;
	size_t           from;
	size_t          *cap;
	size_t           slots; /* 2 * n_cap */
};
enum re_found { RE_NO, RE_YES, RE_TOO_BIG };
enum re_found re_back(const struct re_run *r); /* RE_TOO_BIG: has not decided */
#define RE_WORK_MAX (16u << 20) /* bytes that Pike's machine may work in, beside the arena; REGO_LIMIT_MEMORY past that */
bool          re_pike(const struct re_run *r);
