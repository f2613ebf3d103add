/*
 * attributes - writes the datasets of attributes.h.
 *
 *	attributes FILE		all of them; prints "DATASET VALID-VALUES BLAMED-ATTRIBUTE"
 */
#include <stdio.h>

#include "attributes.h"

int main(int argc, char **argv)
{
	hid_t file = argc == 2 ? H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT) : -1;
	bool ok = file >= 0;

	for (size_t i = 0; ok && i < NEXAMPLES; i++) {
		const struct example *e = &examples[i];

		ok = put_example(file, e);
		printf("%s %zu %s\n", e->path, strlen(e->valid),
		       e->fault ? qn_attribute_names[e->blamed] : "-");
	}
	if (!ok)
		fprintf(stderr, "usage: attributes FILE; or it cannot be written\n");
	H5Fclose(file);
	return !ok;
}
