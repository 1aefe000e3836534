#include "policy/lang/lex.h"

#include "base/str.h"
#include "fmt/utf8.h"

/* The byte i further on; 0 behind the end (the text holds none). */
static uint8_t peek(const struct lexer *l, size_t i)
{
	return i < l->r.n ? l->r.p[i] : 0;
}

static struct loc here(const struct lexer *l)
{
	return (struct loc){ l->file, l->line, l->col };
}

static void skip(struct lexer *l, size_t n)
{
	if (n == 0)
		return; /* an empty text may have no address */
	l->r.p += n;
	l->r.n -= n;
	l->r.off += n;
}

/* Goes n bytes of ASCII on, within a line. */
static void take_ascii(struct lexer *l, size_t n)
{
	l->col += (uint32_t)n;
	skip(l, n);
}

/* Goes n bytes on, counting lines and code points. */
static void take(struct lexer *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = l->r.p[i];

		if (c == '\n') {
			l->line++;
			l->col = 1;
		} else if ((c & 0xc0) != 0x80) {
			l->col++;
		}
	}
	skip(l, n);
}

static bool is_bom(struct span s)
{
	return s.n >= 3 && s.p[0] == 0xef && s.p[1] == 0xbb && s.p[2] == 0xbf;
}

/* What is wrong with the character at the start of s; *n is its length. */
static const char *vet_char(struct span s, size_t *n)
{
	*n = 1;
	if (s.p[0] == 0)
		return "illegal null character";
	if (s.p[0] < 0x80)
		return NULL;
	*n = utf8_seq(s);
	if (*n == 0)
		return "illegal utf-8 character";
	return is_bom(s) ? "illegal byte-order mark" : NULL;
}

/* Whether there is nothing to look at in a line: neither NUL nor anything beyond ASCII. Eight bytes at a time. */
static bool plain(const uint8_t *p, size_t n)
{
	const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
	uint64_t odd = 0, w;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&w, p, 8);
		odd |= w | (w - ones); /* the top bit of a byte: it is 0x80 or more, or 0 (a borrow from below is of a 0, too) */
	}
	for (; n > 0; n--, p++)
		odd |= *p - 1u >= 0x7f ? tops : 0;
	return (odd & tops) == 0;
}

static const char *vet_line(struct span s, struct loc *at)
{
	const char *why = NULL;
	size_t n;

	if (plain(s.p, s.n))
		return NULL;
	for (size_t i = at->line == 1 && is_bom(s) ? 3 : 0; i < s.n; i += n, at->col++) {
		why = vet_char((struct span){ s.p + i, s.n - i }, &n);
		if (why)
			break;
	}
	return why;
}

static void over(struct lexer *l, const char *why)
{
	l->over = REGO_LIMIT_SOURCE;
	l->bad = why;
}

static void vet(struct lexer *l, struct span s)
{
	struct loc at = { l->file, 1, 1 };

	if (s.n > l->lim.bytes)
		over(l, "file has too many bytes");
	while (!l->bad && s.n > 0) {
		size_t n = span_find(s, '\n');

		at.col = 1;
		if (at.line > l->lim.lines)
			over(l, "file has too many lines");
		else if (n > l->lim.columns)
			over(l, "line is too long");
		else
			l->bad = vet_line((struct span){ s.p, n }, &at);
		if (l->bad)
			break;
		s = span_skip(s, n + 1);
		at.line++;
	}
	l->bad_at = at;
}

struct lexer lex_open(struct span text, uint32_t file, struct source_limits lim)
{
	struct lexer l = { .r = rd_open(text), .file = file, .line = 1, .col = 1, .lim = lim };

	vet(&l, text);
	if (is_bom(text)) {
		take(&l, 3);
		l.col = 1;
	}
	return l;
}

static void newline(struct lexer *l)
{
	l->line++;
	l->col = 1;
	skip(l, 1);
}

/* To the end of the line; only at the end of the text does it matter in which column that is. */
static void comment(struct lexer *l)
{
	size_t n = span_find((struct span){ l->r.p, l->r.n }, '\n');

	if (n == l->r.n)
		take(l, n);
	else
		skip(l, n);
}

static size_t run_of(const struct lexer *l, uint8_t c)
{
	size_t n = 1;

	while (n < l->r.n && l->r.p[n] == c)
		n++;
	return n;
}

static void skip_blank(struct lexer *l, struct token *t)
{
	for (;;) {
		uint8_t c = peek(l, 0);

		if (c == ' ' || c == '\t')
			take_ascii(l, run_of(l, c));
		else if (c == '\r' && peek(l, 1) == '\n')
			take_ascii(l, 1); /* a \r alone would let an editor show other lines than are counted here */
		else if (c == '\n')
			newline(l);
		else if (c == '#')
			comment(l);
		else
			return;
		t->space = true;
		t->newline |= c == '\n';
	}
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static struct token *bad(struct token *t, const char *why)
{
	t->kind = TOK_BAD;
	t->why = why;
	return t;
}

static size_t ident_len(const struct lexer *l)
{
	size_t n = 0;

	while (is_letter(peek(l, n)) || is_digit(peek(l, n)))
		n++;
	return n;
}

static size_t digits(const struct lexer *l, size_t n)
{
	while (is_digit(peek(l, n)))
		n++;
	return n;
}

/* RFC 8259's numbers without the sign, which is an operator until the parser knows better. */
static size_t number(const struct lexer *l, struct token *t)
{
	size_t n = digits(l, 0), from;

	t->kind = TOK_NUMBER;
	if (n > 1 && peek(l, 0) == '0')
		(void)bad(t, "expected number without leading zero");
	if (peek(l, n) == '.') {
		from = n + 1;
		n = digits(l, from);
		if (n == from)
			(void)bad(t, "expected fraction");
	}
	if ((peek(l, n) | 0x20) == 'e') {
		from = n + 1 + (peek(l, n + 1) == '+' || peek(l, n + 1) == '-');
		n = digits(l, from);
		if (n == from)
			(void)bad(t, "expected exponent");
	}
	if (is_letter(peek(l, n)) || peek(l, n) == '.')
		(void)bad(t, "illegal number format");
	return n;
}

static int hex_digit(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the escape at the start of s (a backslash), 0 when it is none. */
static size_t escape_len(const uint8_t *p, size_t n, bool template)
{
	if (n < 2)
		return 0;
	if (p[1] == 'u') {
		for (size_t i = 2; i < 6; i++)
			if (i >= n || hex_digit(p[i]) < 0)
				return 0;
		return 6;
	}
	return (p[1] && strchr("\\\"/bfnrt", p[1])) || (template && p[1] == '{') ? 2 : 0;
}

/* From byte `from` on to the closing quote; a template's part ends before an expression too. Sets inner, answers the length. */
static size_t quoted(const struct lexer *l, struct token *t, size_t from, bool template)
{
	const uint8_t quote = t->raw ? '`' : '"';
	bool control = false;
	size_t n = from;

	while (n < l->r.n && l->r.p[n] != quote && !(template && l->r.p[n] == '{')) {
		uint8_t c = l->r.p[n];
		size_t esc = 1;

		if (!t->raw && c == '\n')
			break;
		if (t->raw && template && c == '\\' && peek(l, n + 1) == '{')
			esc = 2;
		if (!t->raw && c == '\\') {
			esc = escape_len(l->r.p + n, l->r.n - n, template);
			if (esc == 0)
				return (void)bad(t, "illegal escape sequence"), n + 1;
		}
		control |= c < 0x20;
		n += esc;
	}
	t->inner = (struct span){ l->r.p + from, n - from };
	if (n >= l->r.n || (!t->raw && l->r.p[n] == '\n'))
		return (void)bad(t, "non-terminated string"), n;
	if (control && !t->raw) /* a JSON string has none; newer OPA lets them pass where there are no escapes, regorus does not */
		(void)bad(t, "illegal character in string");
	t->open = l->r.p[n] == '{';
	return n + 1;
}

static size_t symbol(const struct lexer *l, struct token *t)
{
	uint8_t a = peek(l, 0), b = peek(l, 1);

	t->kind = TOK_SYMBOL;
	t->sym = a;
	if (a == '.' && is_digit(b))
		(void)bad(t, "illegal number format");
	if (b == '=' && (a == ':' || a == '=' || a == '!' || a == '<' || a == '>')) {
		t->sym = SYM2(a, b);
		return 2;
	}
	if (!a || !strchr("[]{}(),:+-*/%&|=<>;.", a))
		(void)bad(t, a == '!' ? "illegal ! character" : a == '$' ? "illegal $ character" : "illegal token");
	return 1;
}

static size_t scan(const struct lexer *l, struct token *t)
{
	uint8_t c = peek(l, 0);

	if (is_letter(c))
		return t->kind = TOK_IDENT, ident_len(l);
	if (is_digit(c))
		return number(l, t);
	if (c == '"' || c == '`') {
		t->raw = c == '`';
		t->kind = t->raw ? TOK_RAW : TOK_STRING;
		return quoted(l, t, 1, false);
	}
	if (c == '$' && (peek(l, 1) == '"' || peek(l, 1) == '`')) {
		t->raw = peek(l, 1) == '`';
		t->kind = TOK_TEMPLATE;
		return quoted(l, t, 2, true);
	}
	return symbol(l, t);
}

static void finish(struct lexer *l, struct token *t, size_t n)
{
	t->text = (struct span){ l->r.p, n };
	if (t->kind == TOK_IDENT || t->kind == TOK_NUMBER || t->kind == TOK_SYMBOL)
		take_ascii(l, n);
	else
		take(l, n);
	t->end = l->r.off;
}

struct token lex_next(struct lexer *l)
{
	struct token t = { .kind = TOK_END };

	if (l->bad) {
		t.at = l->bad_at;
		return *bad(&t, l->bad);
	}
	skip_blank(l, &t);
	t.at = here(l);
	finish(l, &t, l->r.n > 0 ? scan(l, &t) : 0);
	return t;
}

struct token lex_template(struct lexer *l, bool raw)
{
	struct token t = { .kind = TOK_TEMPLATE, .at = here(l), .raw = raw };

	finish(l, &t, quoted(l, &t, 0, true));
	return t;
}

static uint32_t hex4(const uint8_t *p)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)hex_digit(p[i]);
	return v;
}

/* \uXXXX, with the second half of a surrogate pair if it follows; bytes read. */
static size_t unicode(const uint8_t *p, size_t n, uint32_t *c)
{
	*c = hex4(p + 2);
	if (*c < 0xd800 || *c > 0xdfff)
		return 6;
	if (*c < 0xdc00 && n >= 12 && escape_len(p + 6, n - 6, false) == 6 && p[6] == '\\') {
		uint32_t low = hex4(p + 8);

		if (low >= 0xdc00 && low <= 0xdfff) {
			*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
			return 12;
		}
	}
	*c = 0xfffd;
	return 6;
}

/* Reads one escape to out; bytes read, 0 when malformed. */
static size_t unescape(const uint8_t *p, size_t n, bool template, uint8_t out[static 4], size_t *n_out)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	size_t len = escape_len(p, n, template);
	const char *hit;
	uint32_t c;

	if (len == 0)
		return 0;
	if (len == 6) {
		len = unicode(p, n, &c);
		*n_out = utf8_put(c, out);
		return len;
	}
	hit = strchr(from, p[1]);
	out[0] = hit ? (uint8_t)to[hit - from] : p[1];
	*n_out = 1;
	return len;
}

bool lex_string(struct heap *h, struct token t, struct val *out)
{
	const struct span s = t.inner;
	bool template = t.kind == TOK_TEMPLATE;
	size_t n = 0, len;
	uint8_t *buf;

	if ((t.raw && !template) || !memchr(s.p, '\\', s.n)) {
		*out = val_str_borrow(h, s);
		return true;
	}
	buf = heap_alloc(h, s.n);
	if (!buf)
		return *out = VAL_UNDEF, true;
	for (size_t i = 0; i < s.n; i += len) {
		size_t put = 1;

		len = 1;
		buf[n] = s.p[i];
		if (t.raw && s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '{') {
			len = 2;
			buf[n] = '{';
		} else if (!t.raw && s.p[i] == '\\') {
			uint8_t c[4];

			len = unescape(s.p + i, s.n - i, template, c, &put);
			if (len == 0)
				return false;
			memcpy(buf + n, c, put);
		}
		n += put;
	}
	*out = val_str_borrow(h, (struct span){ buf, n });
	return true;
}
