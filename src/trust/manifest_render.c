#include "base/own.h"
#include "fmt/toml.h"
#include "trust/manifest.h"

#define AA_MAX 4096

/* docs/protocol/statements.md, Initdata. A change of one byte here changes what every register must hold. */
enum coffer_rc manifest_render(const struct manifest *m, struct wr *initdata, struct err *e)
{
	CLEANUP(wr_close) struct wr aa = wr_open(AA_MAX);

	wr_str(&aa, "[token_configs.kbs]\nurl = ");
	toml_write_string(&aa, m->service_url);
	wr_str(&aa, "\n");
	TRY(wr_done(&aa, "initdata: aa.toml", e));
	wr_str(initdata, "version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n\"aa.toml\" = ");
	toml_write_string(initdata, wr_span(&aa));
	wr_str(initdata, "\n\"coffer.json\" = ");
	toml_write_string(initdata, wr_span(&m->canon));
	wr_str(initdata, "\n");
	return wr_done(initdata, "initdata", e);
}
