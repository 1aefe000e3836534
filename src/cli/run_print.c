/* coffer run --print: a machine as it would be started, and what that measures as. */
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "cli/launch_out.h"
#include "cli/run_int.h"
#include "fmt/enc.h"

static void print_text(const char *line, const struct hw_facts *f)
{
	(void)printf("%s\n", line);
	for (size_t i = 0; i < f->n_regs; i++) {
		char hex[2 * sizeof(f->reg[i].v) + 1];

		hex_text((struct span){ f->reg[i].v, f->reg[i].n }, hex);
		(void)printf("%s %s\n", f->reg[i].name, hex);
	}
}

static enum coffer_rc print_json(const struct vm_line *l, const struct hw_facts *f, const char *shape, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct json_wr j = jw_open(&w, true);

	jw_obj(&j);
	jw_name(&j, "argv");
	jw_arr(&j);
	for (size_t i = 0; i < l->n; i++)
		jw_text(&j, l->argv[i]);
	jw_arr_end(&j);
	jw_name(&j, "launch");
	launch_json(&j, f, shape);
	jw_obj_end(&j);
	TRY(wr_done(&w, "launch", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc run_print(struct run *r, struct err *e)
{
	CLEANUP(run_vm_paths_clear) struct run_vm_paths p = { .cmdline = NULL };
	CLEANUP(vsock_guest_close) struct vsock_guest channel = VSOCK_GUEST_NONE;
	CLEANUP(vm_line_clear) struct vm_line line = { .n = 0 };
	CLEANUP(freep) char *text = NULL;
	struct hw_facts f;
	char shape[VM_SHAPE_MAX];

	if (r->machine.tee == VM_SWTPM)
		TRY(run_vm_host(r, e)); /* whose line depends on its KVM */
	TRY(run_vm_firmware(r, e));
	TRY(run_place(r, e));
	TRY(run_vm_paths(r, cli_opt(r->cli, "binding") != NULL, &p, e));
	TRY(run_vm_draft(r, e));
	TRY(run_vm_channel(r, false, &channel, e));
	TRY(vm_measure(&r->machine, &f, e));
	TRY(vm_line_make(&r->machine, &line, e));
	vm_shape(&r->machine, shape);
	if (r->cli->json)
		return print_json(&line, &f, shape, e);
	text = vm_line_text(&line);
	if (!text)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	print_text(text, &f);
	return COFFER_OK;
}
