/* net's wire to fetch, with this test as fetch; the messages and the cache's file, cut and bent everywhere. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/fetch/cache.h"
#include "cofferd/net/collateral.h"
#include "os/ipc.h"
#include "tests/t.h"

static const uint8_t der[] = { 0x30, 2, 5, 0 };
static const char pem[] = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

static struct vendor_item item(const char *key)
{
	struct vendor_item i = { 0 };
	struct err e = { 0 };

	CHECK(vendor_item_parse(span_of(key), &i, &e) == COFFER_OK);
	return i;
}

#define X16  "0123456789abcdef"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

static const char *const keys[] = { "amd/vcek/milan/" X128 "/3-0-8-115", "amd/vcek/genoa/" X128 "/255-0-8-115",
	"amd/vcek/turin/" X16 "/1-2-3-4-5", "amd/vcek/milan/cert_chain", "amd/vcek/turin/crl", "amd/vlek/genoa/cert_chain",
	"amd/vlek/milan/crl", "intel/tdx/tcb/00906ed50000", "intel/sgx/tcb/00906ed50000", "intel/tdx/qe", "intel/sgx/qe",
	"intel/pckcrl/platform", "intel/pckcrl/processor", "intel/rootcrl" };
#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* ---- items ---- */

static void item_has_one_spelling(void)
{
	for (size_t k = 0; k < KEYS; k++) {
		struct vendor_item i = item(keys[k]);
		char again[VENDOR_KEY_MAX];

		vendor_item_key(&i, again);
		CHECK(strcmp(again, keys[k]) == 0);
		for (size_t n = 0; n < strlen(keys[k]); n++) {
			struct vendor_item j = { .hwid_n = 77 };
			struct err e = { 0 };

			if (vendor_item_parse((struct span){ (const uint8_t *)keys[k], n }, &j, &e) != COFFER_OK)
				CHECK(j.hwid_n == 77);
			else /* "…-11" of "…-115" */
				CHECK(j.kind == VENDOR_VCEK && keys[k][n - 1] != '-');
		}
	}
}

static void item_refuses_what_is_no_key(void)
{
	static const char *const bad[] = { "", "/", "amd", "amd/", "amd/vcek", "amd/vcek/milan", "amd/vcek/Milan/crl",
		"amd/vcek/milan/crl/", "amd/vcek/milan//crl", "amd/vcek/rome/crl", "amd/xcek/milan/crl",
		"amd/vlek/milan/" X128 "/3-0-8-115", "amd/vcek/milan/" X16 "/3-0-8-115", "amd/vcek/turin/" X128 "/1-2-3-4-5",
		"amd/vcek/milan/" X128 "/1-2-3-4-5", "amd/vcek/turin/" X16 "/1-2-3-4", "amd/vcek/turin/" X16 "/1-2-3-4-256",
		"amd/vcek/turin/" X16 "/01-2-3-4-5", "amd/vcek/turin/0123456789ABCDEF/1-2-3-4-5",
		"amd/vcek/turin/" X16 "/1-2-3-4-5/x", "amd/vcek/milan/crl?x", "intel", "intel/rootcrl/", "intel/pckcrl/other",
		"intel/pckcrl", "intel/tdx/tcb", "intel/tdx/tcb/00906ED50000", "intel/tdx/tcb/00906ed5000",
		"intel/tdx/tcb/00906ed500000", "intel/tdx/tcb/../../../x", "intel/snp/qe", "intel/tdx/qe/x", "http://x/rootcrl" };

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		struct vendor_item i = { .hwid_n = 77 };
		struct err e = { 0 };

		CHECK(vendor_item_parse(span_of(bad[k]), &i, &e) == COFFER_E_INPUT && i.hwid_n == 77);
	}
}

static void shape_refuses_other_forms(void)
{
	static const uint8_t forms[][6] = { { 0x30, 3, 5, 0 }, { 0x30, 1, 5, 0 }, { 0x31, 2, 5, 0 }, { 0x30, 0x80, 5, 0 },
		{ 0x30, 0x85, 5, 0 }, { 0x30, 0x84, 0xff, 0xff } };
	struct vendor_item crl = item("intel/rootcrl"), chain = item("amd/vcek/milan/cert_chain"), qe = item("intel/sgx/qe"),
			   tcb = item("intel/tdx/tcb/00906ed50000");
	const char *doc = "{\"enclaveIdentity\":{},\"signature\":\"\"}\n";

	CHECK(vendor_shape_ok(&crl, SPAN(der)) && vendor_shape_ok(&chain, span_of(pem)) && vendor_shape_ok(&qe, span_of(doc)));
	CHECK(
	    !vendor_shape_ok(&chain, SPAN(der)) && !vendor_shape_ok(&crl, span_of(pem)) && !vendor_shape_ok(&tcb, span_of(doc)));
	CHECK(!vendor_shape_ok(&crl, (struct span){ 0 }) && !vendor_shape_ok(&chain, (struct span){ 0 }) &&
	      !vendor_shape_ok(&qe, (struct span){ 0 }));
	for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++)
		CHECK(!vendor_shape_ok(&crl, (struct span){ forms[k], 4 }));
}

/* ---- messages and file ---- */

static void request_and_reply_read_as_written_and_not_cut(void)
{
	for (size_t k = 0; k < KEYS; k++) {
		CLEANUP(wr_close) struct wr w = wr_open(1024);
		struct fetch_req q = { 7, 86400, 250, item(keys[k]) }, r;
		char again[VENDOR_KEY_MAX];
		struct err e = { 0 };

		fetch_req_write(&w, &q);
		CHECK(fetch_req_read(wr_span(&w), &r, &e) == COFFER_OK && r.id == 7 && r.max_age == 86400 && r.wait_ms == 250);
		vendor_item_key(&r.item, again);
		CHECK(strcmp(again, keys[k]) == 0);
		for (size_t n = 0; n < w.n; n++)
			CHECK(fetch_req_read((struct span){ w.p, n }, &r, &e) == COFFER_E_INPUT);
		wr_u8(&w, 0);
		CHECK(fetch_req_read(wr_span(&w), &r, &e) == COFFER_E_INPUT);
	}
}

static enum coffer_rc reply_again(const struct fetch_reply *r)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct fetch_reply got;
	struct err e = { 0 };

	fetch_reply_write(&w, r);
	for (size_t n = 0; n < w.n; n++)
		CHECK(fetch_reply_read((struct span){ w.p, n }, &got, &e) == COFFER_E_INPUT);
	return fetch_reply_read(wr_span(&w), &got, &e);
}

static void reply_has_a_body_or_a_reason(void)
{
	const struct span body = SPAN(der), why = span_of("why");

	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_HAVE, 5, body, body, { 0 } }) == COFFER_OK);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_PENDING, 0, { 0 }, { 0 }, why }) == COFFER_OK);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_HAVE, 5, { 0 }, { 0 }, { 0 } }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_HAVE, 5, body, { 0 }, why }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_UNAVAILABLE, 0, { 0 }, { 0 }, { 0 } }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_UNAVAILABLE, 0, { 0 }, body, why }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_UNAVAILABLE, 9, { 0 }, { 0 }, why }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, FETCH_UNAVAILABLE, 0, { 0 }, { 0 }, span_of("a\nb") }) == COFFER_E_INPUT);
	CHECK(reply_again(&(struct fetch_reply){ 1, (enum fetch_status)3, 0, { 0 }, { 0 }, why }) == COFFER_E_INPUT);
}

static void question_to_a_witness_reads_as_written_and_not_cut(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_POST_MAX + 64);
	struct fetch_post q = { 7, 250, 3, span_of("old 0\n\nnote\n") }, r;
	struct fetch_posted got;
	struct err e = { 0 };

	fetch_post_write(&w, &q);
	CHECK(fetch_post_read(wr_span(&w), &r, &e) == COFFER_OK && r.id == 7 && r.wait_ms == 250 && r.witness == 3 && span_eq(r.body, q.body));
	for (size_t n = 0; n < w.n; n++)
		CHECK(fetch_post_read((struct span){ w.p, n }, &r, &e) == COFFER_E_INPUT);
	wr_u8(&w, 0);
	CHECK(fetch_post_read(wr_span(&w), &r, &e) == COFFER_E_INPUT);
	CHECK(fetch_posted_read((struct span){ (const uint8_t *)"\x01\x99" "7\n", 4 }, &got, &e) == COFFER_OK && got.status == 409 && span_eq_str(got.body, "7\n"));
	CHECK(fetch_posted_read((struct span){ (const uint8_t *)"\x00\xc8", 2 }, &got, &e) == COFFER_OK && got.status == 200 && got.body.n == 0);
	CHECK(fetch_posted_read((struct span){ (const uint8_t *)"\x00\x63", 2 }, &got, &e) == COFFER_E_INPUT);
	CHECK(fetch_posted_read((struct span){ (const uint8_t *)"\x03\xe8", 2 }, &got, &e) == COFFER_E_INPUT);
	CHECK(fetch_posted_read((struct span){ (const uint8_t *)"\x01", 1 }, &got, &e) == COFFER_E_INPUT);
}

static void file_reads_as_written_and_not_bent(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct fetch_file f = { item("intel/pckcrl/platform"), 1000, SPAN(der), span_of(pem) }, g;
	struct err e = { 0 };

	fetch_file_write(&w, &f);
	CHECK(fetch_file_read(wr_span(&w), &g, &e) == COFFER_OK && g.fetched_at == 1000 && span_eq(g.body, f.body) &&
	      span_eq(g.issuers, f.issuers));
	for (size_t n = 0; n < w.n; n++) {
		CHECK(fetch_file_read((struct span){ w.p, n }, &g, &e) == COFFER_E_INPUT);
		w.p[n] ^= 1;
		CHECK(fetch_file_read(wr_span(&w), &g, &e) == COFFER_E_INPUT);
		w.p[n] ^= 1;
	}
}

static void file_of_another_form_is_refused(void)
{
	const struct fetch_file bad[] = { { item("intel/pckcrl/platform"), 1, span_of(pem), span_of(pem) },
		{ item("intel/pckcrl/platform"), 1, SPAN(der), { 0 } }, { item("intel/rootcrl"), 1, SPAN(der), span_of(pem) },
		{ item("intel/rootcrl"), -1, SPAN(der), { 0 } } };

	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
		CLEANUP(wr_close) struct wr w = wr_open(4096);
		struct fetch_file g;
		struct err e = { 0 };

		fetch_file_write(&w, &bad[k]);
		CHECK(fetch_file_read(wr_span(&w), &g, &e) == COFFER_E_INPUT);
	}
}

/* ---- the cache's bound ---- */

static struct cache cache = { .dir = -1, .offline = -1 };

static bool has(const char *key)
{
	CLEANUP(cache_hit_clear) struct cache_hit h = { 0 };
	struct vendor_item i = item(key);
	bool stale;

	return cache_find(&cache, &(struct cache_want){ &i, 10000, 10000 }, &h, &stale);
}

static void cache_drops_the_oldest_where_room_is_wanted(void)
{
	static const char *const crls[] = { "amd/vcek/milan/crl", "amd/vcek/genoa/crl", "amd/vcek/turin/crl" };
	char dir[] = "/tmp/coffer-test-cache.XXXXXX";
	struct err e = { 0 };
	int64_t at[] = { 300, 100, 200 };

	CHECK(mkdtemp(dir) && chdir(dir) == 0);
	CHECK(cache_open(&cache, -1, &e) == COFFER_OK);
	cache.bytes_max = 250; /* a file has 82 to 83 bytes */
	for (size_t k = 0; k < 3; k++)
		CHECK(cache_put(&cache, &(struct fetch_file){ item(crls[k]), at[k], SPAN(der), { 0 } }, &e) == COFFER_OK);
	CHECK(has(crls[0]) && has(crls[1]) && has(crls[2]) && cache.n == 3);
	CHECK(cache_put(&cache, &(struct fetch_file){ item(crls[1]), 400, SPAN(der), { 0 } }, &e) == COFFER_OK &&
	      cache.n == 3); /* again: in its place */
	CHECK(cache_put(&cache, &(struct fetch_file){ item("intel/rootcrl"), 500, SPAN(der), { 0 } }, &e) == COFFER_OK);
	CHECK(has(crls[0]) && has(crls[1]) && !has(crls[2]) && has("intel/rootcrl") && cache.bytes <= cache.bytes_max);
	cache.bytes_max = 50;
	CHECK(cache_put(&cache, &(struct fetch_file){ item(crls[2]), 600, SPAN(der), { 0 } }, &e) == COFFER_E_LIMIT &&
	      has(crls[0]));
	cache_close(&cache);
	cache = (struct cache){ .bytes_max = 50 };
	CHECK(cache_open(&cache, -1, &e) == COFFER_OK && cache.n == 0); /* a smaller bound holds for what is there too */
	cache_close(&cache);
	CHECK(chdir("/") == 0 && rmdir(dir) == 0);
}

/* ---- the wire ---- */

static struct collateral_wire wire;
static int fetch_end = -1;

static void open_wire(void)
{
	struct err e = { 0 };
	int sv[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	CHECK(collateral_init(&wire, sv[0], &e) == COFFER_OK);
	fetch_end = sv[1];
}

static void close_wire(void)
{
	(void)close(wire.fd);
	if (fetch_end >= 0)
		(void)close(fetch_end);
	fetch_end = -1;
}

static struct fetch_req take(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct fetch_req q = { 0 };
	struct err e = { 0 };
	uint8_t tag = 0;

	CHECK(ipc_recv(fetch_end, 1024, &tag, &w, &e) == COFFER_OK && tag == FETCH_GET &&
	      fetch_req_read(wr_span(&w), &q, &e) == COFFER_OK);
	return q;
}

static void give(const struct fetch_reply *r)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct err e = { 0 };

	fetch_reply_write(&w, r);
	CHECK(ipc_send(fetch_end, FETCH_REPLY, wr_span(&w), &e) == COFFER_OK);
}

struct asker {
	pthread_t t;
	struct vendor_item i;
	enum coffer_rc rc;
	struct collateral_doc d;
	struct err e;
};

static void *ask(void *arg)
{
	struct asker *a = arg;
	struct collateral_want w = { a->i, 60, clock_monotonic_ms() + 30000 };

	a->rc = collateral_get(&wire, &w, &a->d, &a->e);
	return NULL;
}

/* Both wait at once; the one asked first is answered last. */
static void wire_gives_each_thread_its_own_answer(void)
{
	struct asker a = { .i = item(keys[0]) }, b = { .i = item(keys[4]) };
	struct fetch_req qa, qb;

	open_wire();
	CHECK(pthread_create(&a.t, NULL, ask, &a) == 0);
	qa = take();
	CHECK(pthread_create(&b.t, NULL, ask, &b) == 0);
	qb = take();
	CHECK(qa.item.kind == VENDOR_VCEK && qb.item.kind == VENDOR_AMD_CRL && qa.max_age == 60 && qa.wait_ms > 0 &&
	      qa.wait_ms <= 30000);
	give(&(struct fetch_reply){ qb.id, FETCH_UNAVAILABLE, 0, { 0 }, { 0 }, span_of("the vendor has none") });
	CHECK(pthread_join(b.t, NULL) == 0 && b.rc == COFFER_E_NOTFOUND && strstr(b.e.msg, "the vendor has none"));
	give(&(struct fetch_reply){ qa.id, FETCH_HAVE, 77, SPAN(der), { 0 }, { 0 } });
	CHECK(pthread_join(a.t, NULL) == 0 && a.rc == COFFER_OK && a.d.r.fetched_at == 77 && span_eq(a.d.r.body, SPAN(der)));
	collateral_doc_clear(&a.d);
	close_wire();
}

struct poster { pthread_t t; enum coffer_rc rc; struct collateral_doc d; struct fetch_posted got; struct err e; };

static void *post_one(void *arg)
{
	struct poster *p = arg;

	p->rc = witness_post(&wire, &(struct witness_post){ 1, span_of("old 0\n\nx"), 20000 }, &p->d, &p->got, &p->e);
	return NULL;
}

static uint32_t take_post(void)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct fetch_post q = { 0 };
	struct err e = { 0 };
	uint8_t tag = 0;

	CHECK(ipc_recv(fetch_end, FETCH_POST_MAX + 64, &tag, &w, &e) == COFFER_OK && tag == FETCH_POST && fetch_post_read(wr_span(&w), &q, &e) == COFFER_OK);
	CHECK(q.witness == 1 && span_eq_str(q.body, "old 0\n\nx"));
	return q.id;
}

static void wire_carries_what_a_witness_answers(void)
{
	struct poster p = { .rc = COFFER_E_BUG };
	const struct span said = { (const uint8_t *)"\x01\x99" "5\n", 4 };

	open_wire();
	CHECK(pthread_create(&p.t, NULL, post_one, &p) == 0);
	give(&(struct fetch_reply){ take_post(), FETCH_HAVE, 0, said, { 0 }, { 0 } });
	CHECK(pthread_join(p.t, NULL) == 0 && p.rc == COFFER_OK && p.got.status == 409 && span_eq_str(p.got.body, "5\n"));
	collateral_doc_clear(&p.d);
	CHECK(pthread_create(&p.t, NULL, post_one, &p) == 0);
	give(&(struct fetch_reply){ take_post(), FETCH_UNAVAILABLE, 0, { 0 }, { 0 }, span_of("refused") });
	CHECK(pthread_join(p.t, NULL) == 0 && p.rc == COFFER_E_NOTFOUND && !strcmp(p.e.msg, "refused"));
	CHECK(pthread_create(&p.t, NULL, post_one, &p) == 0);
	give(&(struct fetch_reply){ take_post(), FETCH_HAVE, 0, span_of("\x01"), { 0 }, { 0 } });
	CHECK(pthread_join(p.t, NULL) == 0 && p.rc == COFFER_E_INPUT);
	close_wire();
}

static void wire_that_ends_wakes_who_waits(void)
{
	struct poster p = { .rc = COFFER_E_BUG };

	open_wire();
	CHECK(pthread_create(&p.t, NULL, post_one, &p) == 0);
	(void)take_post(); /* and no answer */
	collateral_end(&wire);
	CHECK(pthread_join(p.t, NULL) == 0 && p.rc == COFFER_E_UPSTREAM && collateral_dead(&wire));
	close_wire();
}

static void wire_tells_pending_from_gone(void)
{
	struct asker a = { .i = item(keys[0]) }, b = { .i = item(keys[0]) };

	open_wire();
	CHECK(pthread_create(&a.t, NULL, ask, &a) == 0);
	give(&(struct fetch_reply){ take().id, FETCH_PENDING, 0, { 0 }, { 0 }, span_of("on its way") });
	CHECK(pthread_join(a.t, NULL) == 0 && a.rc == COFFER_E_LIMIT && !collateral_dead(&wire));
	CHECK(pthread_create(&b.t, NULL, ask, &b) == 0);
	(void)take();
	(void)close(fetch_end);
	fetch_end = -1;
	CHECK(pthread_join(b.t, NULL) == 0 && b.rc == COFFER_E_UPSTREAM && collateral_dead(&wire));
	(void)ask(&b);
	CHECK(b.rc == COFFER_E_UPSTREAM);
	close_wire();
}

static void addresses_of_witnesses_are_whole_lines(void)
{
	static const char *const bad[] = { "\n", "http://a", "http://a\nhttp://b", "http://a\n\nhttp://b\n" };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct fetch_witnesses got = { .n = 7 };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(fetch_witnesses_read(span_of(bad[i]), &got, &e) == COFFER_E_INPUT && got.n == 7);
	CHECK(fetch_witnesses_read((struct span){ 0 }, &got, &e) == COFFER_OK && got.n == 0);
	for (unsigned i = 0; i < FETCH_WITNESSES_MAX; i++)
		wr_fmt(&w, "http://%u\n", i);
	CHECK(fetch_witnesses_read(wr_span(&w), &got, &e) == COFFER_OK && got.n == FETCH_WITNESSES_MAX && span_eq_str(got.url[23], "http://23"));
	for (size_t n = 1; n < w.n; n++) /* cut at the end of a line it is fewer */
		CHECK((fetch_witnesses_read((struct span){ w.p, n }, &got, &e) == COFFER_OK) == (w.p[n - 1] == '\n'));
	wr_str(&w, "http://25\n");
	CHECK(fetch_witnesses_read(wr_span(&w), &got, &e) == COFFER_E_INPUT);
}

static void wire_dies_of_an_answer_that_nobody_asked_for(void)
{
	struct asker a = { .i = item(keys[0]) };

	open_wire();
	CHECK(pthread_create(&a.t, NULL, ask, &a) == 0);
	give(&(struct fetch_reply){ take().id + 1, FETCH_HAVE, 77, SPAN(der), { 0 }, { 0 } });
	CHECK(pthread_join(a.t, NULL) == 0 && a.rc == COFFER_E_UPSTREAM && collateral_dead(&wire));
	close_wire();
}

int main(void)
{
	static const struct t_case cases[] = { T(item_has_one_spelling), T(item_refuses_what_is_no_key),
		T(shape_refuses_other_forms), T(request_and_reply_read_as_written_and_not_cut), T(reply_has_a_body_or_a_reason), T(question_to_a_witness_reads_as_written_and_not_cut),
		T(file_reads_as_written_and_not_bent), T(file_of_another_form_is_refused),
		T(cache_drops_the_oldest_where_room_is_wanted), T(wire_gives_each_thread_its_own_answer),
		T(addresses_of_witnesses_are_whole_lines), T(wire_carries_what_a_witness_answers), T(wire_that_ends_wakes_who_waits), T(wire_tells_pending_from_gone), T(wire_dies_of_an_answer_that_nobody_asked_for) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
