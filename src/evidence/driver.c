/* The platforms there are. */
#include "base/str.h"
#include "evidence/driver.h"

static const struct tee_driver *const drivers[] = { &tee_snp, &tee_tdx, &tee_sgx, &tee_az_snp, &tee_az_tdx, &tee_tpm, &tee_swtpm,
	&tee_cca, &tee_csv, &tee_nvidia, &tee_sample };

const struct tee_driver *tee_driver_at(size_t i)
{
	return i < sizeof(drivers) / sizeof(drivers[0]) ? drivers[i] : NULL;
}

const struct tee_driver *tee_driver_find(struct span name)
{
	const struct tee_driver *d;

	for (size_t i = 0; (d = tee_driver_at(i)); i++)
		if (span_eq_str(name, d->name))
			return d;
	return NULL;
}
