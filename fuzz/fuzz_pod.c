#include <stdlib.h>

#include "cli/pod.h"
#include "fmt/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct json_doc *doc = NULL;
	struct pod pod = { .n_volumes = 77 };
	struct err e = { 0 };

	if (yaml_parse((struct span){ p, n }, POD_TEXT_MAX, &doc, &e) != COFFER_OK)
		return 0;
	if (pod_read(json_root(doc), &pod, &e) != COFFER_OK) {
		if (pod.n_volumes != 77 || e.rc == COFFER_OK)
			abort();
	} else {
		if (pod.n_containers == 0 || pod.n_containers > POD_CONTAINERS_MAX)
			abort();
		for (size_t i = 0; i < pod.n_containers; i++)
			for (size_t k = 0; k < pod.container[i].n_mounts; k++)
				if (!pod_volume(&pod, pod.container[i].mount[k].volume))
					abort();
	}
	json_free(doc);
	return 0;
}
