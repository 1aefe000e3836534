#include "proto/pb.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"

struct budget { size_t left; bool out; };

static void *budget_alloc(void *arg, size_t n)
{
	struct budget *b = arg;

	if (n > b->left) {
		b->out = true;
		return NULL;
	}
	b->left -= n;
	return malloc(n ? n : 1);
}

static void budget_free(void *arg, void *p)
{
	(void)arg;
	free(p);
}

static enum coffer_rc known_only(const ProtobufCMessage *m, struct err *e);

static enum coffer_rc field_known(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, struct err *e)
{
	const uint8_t *at = (const uint8_t *)m + f->offset;
	const ProtobufCMessage *const *many;
	const void *p;
	size_t n;

	if (f->type != PROTOBUF_C_TYPE_MESSAGE)
		return COFFER_OK;
	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&p, at, sizeof(p));
		return p ? known_only(p, e) : COFFER_OK;
	}
	memcpy(&n, (const uint8_t *)m + f->quantifier_offset, sizeof(n));
	memcpy(&p, at, sizeof(p));
	many = p;
	for (size_t i = 0; i < n; i++)
		TRY(known_only(many[i], e));
	return COFFER_OK;
}

/* Recursion ends with the schema, in which no message holds itself. */
static enum coffer_rc known_only(const ProtobufCMessage *m, struct err *e)
{
	if (m->n_unknown_fields > 0)
		return err_set(e, COFFER_E_INPUT, "%s: field %u is not part of the protocol here", m->descriptor->short_name,
		    m->unknown_fields[0].tag);
	for (unsigned i = 0; i < m->descriptor->n_fields; i++)
		TRY(field_known(m, &m->descriptor->fields[i], e));
	return COFFER_OK;
}

enum coffer_rc pb_unpack(const ProtobufCMessageDescriptor *d, struct span in, ProtobufCMessage **out, struct err *e)
{
	struct budget b = { .left = PB_MEMORY_MAX };
	ProtobufCAllocator a = { budget_alloc, budget_free, &b };
	CLEANUP(pb_freep) ProtobufCMessage *m = NULL;

	m = protobuf_c_message_unpack(d, &a, in.n, in.n ? in.p : (const uint8_t *)"");
	if (!m && b.out)
		return err_set(e, COFFER_E_LIMIT, "%s: more than %u bytes when unpacked", d->short_name, PB_MEMORY_MAX);
	if (!m)
		return err_set(e, COFFER_E_INPUT, "%s: malformed message", d->short_name);
	TRY(known_only(m, e));
	*out = MOVE(m);
	return COFFER_OK;
}

void pb_free(ProtobufCMessage *m)
{
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
}

void pb_pack(const ProtobufCMessage *m, struct wr *w)
{
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *p = n <= w->max ? malloc(n + 1) : NULL;

	if (!p) {
		w->bad = true;
		return;
	}
	(void)protobuf_c_message_pack(m, p);
	wr_put(w, (struct span){ p, n });
	explicit_bzero(p, n);
	free(p);
}
