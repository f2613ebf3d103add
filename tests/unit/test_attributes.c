/*
 * test_attributes.c - what the attributes of tests/attributes.h come to: which values are missing,
 * and what is blamed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "io/hdf5_format/alike.h"
#include "io/hdf5_library/ask.h"
#include "../tools/attributes.h"
#include "feed/cf.h"
#include "feed/feed.h"
#include "h5make.h"

static struct h5make m, other; /* in the other file each has the attributes of the next one */

static bool write_examples(const struct h5make *to, size_t shift)
{
	hid_t file = h5make_create(to, false, 0, 0);
	bool ok = file >= 0;

	for (size_t i = 0; ok && i < NEXAMPLES; i++) {
		struct example e = examples[i];

		memcpy(e.attribute, examples[(i + shift) % NEXAMPLES].attribute,
		       sizeof(e.attribute));
		ok = put_example(file, &e);
		if (!ok)
			print_error("%s cannot be written\n", e.path);
	}
	H5Fclose(file);
	return ok;
}

static int set_up(void **state)
{
	(void)state;
	return h5make_init(&m) && h5make_init(&other) && write_examples(&m, 0) &&
			       write_examples(&other, 1)
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	h5make_fini(&m);
	h5make_fini(&other);
	return 0;
}

/* The values in the type that kernels see before they are unpacked. */
static void fill(const struct example *e, enum quern_dtype t, void *out)
{
	for (int i = 0; i < NVALUES; i++) {
		double x = example_value(e, i);

		if (t == QUERN_F32)
			((float *)out)[i] = (float)x;
		else if (t == QUERN_I16)
			((int16_t *)out)[i] = (int16_t)x;
		else
			((uint8_t *)out)[i] = (uint8_t)(int)x;
	}
}

static void find_valid(const struct example *e, const struct qn_dataset *d, char *out)
{
	float values[NVALUES];
	double unpacked[NVALUES];
	uint64_t valid = 0;
	struct quern_message err = { .status = QUERN_OK };
	struct qn_cf_plan plan;
	struct qn_view view;
	struct quern_var var = { .values = values };

	assert_int_equal(qn_view_init(d, false, &view, &err), QUERN_OK);
	var.dtype = view.packed;
	fill(e, view.packed, values);
	qn_cf_plan_init(&plan, &d->cf, view.packed);
	qn_cf_apply(&plan, NVALUES, &valid, unpacked, &var);
	for (int i = 0; i < NVALUES; i++)
		if (!var.nmissing || (valid >> i & 1))
			*out++ = (char)('0' + i);
	*out = '\0';
}

static void test_examples(void **state)
{
	(void)state;
	for (size_t i = 0; i < NEXAMPLES; i++) {
		const struct example *e = &examples[i];
		struct quern_message err = { .status = QUERN_OK };
		struct qn_dataset d;
		char valid[NVALUES + 1];

		if (qn_hdf5_describe(m.file, e->path, NULL, true, &d, &err))
			fail_msg("%s", err.text);
		find_valid(e, &d, valid);
		if (strcmp(valid, e->valid))
			fail_msg("%s: valid are '%s', not '%s'", e->path, e->valid, valid);
		for (int k = 0; k < QN_NATTRIBUTES; k++)
			if (d.fault[k] != (e->fault && k == (int)e->blamed ? (int)e->fault : 0))
				fail_msg("%s: %s has the fault %d", e->path, qn_attribute_names[k],
					 d.fault[k]);
		qn_dataset_fini(&d);
	}
}

/* Takes over the description of a dataset for the one of its name in a file: as the library has that, or
   not at all. */
static bool take_over(const struct qn_dataset *d, const char *file)
{
	struct qn_h5_alike *alike = qn_h5_alike_new(d);
	struct quern_message err = { .status = QUERN_OK };
	struct qn_dataset taken, want;
	bool is = alike && qn_h5_alike_describe(alike, file, d->path, &taken);

	if (is) {
		assert_int_equal(qn_hdf5_describe(file, d->path, NULL, true, &want, &err), 0);
		if (memcmp(&taken.cf, &want.cf, sizeof(want.cf)) ||
		    memcmp(taken.fault, want.fault, sizeof(want.fault)) ||
		    memcmp(&taken.type, &want.type, sizeof(want.type)) ||
		    strcmp(taken.units, want.units))
			fail_msg("%s: another description", d->path);
		qn_dataset_fini(&want);
		free(taken.chunks);
	}
	qn_h5_alike_free(alike);
	return is;
}

static void test_taken_over(void **state)
{
	struct quern_message err = { .status = QUERN_OK };
	size_t ntaken = 0;

	(void)state;
	for (size_t i = 0; i < NEXAMPLES; i++) {
		struct qn_dataset d;

		assert_int_equal(qn_hdf5_describe(m.file, examples[i].path, NULL, true, &d, &err),
				 0);
		ntaken += take_over(&d, m.file);
		take_over(&d, other.file);
		qn_dataset_fini(&d);
	}
	assert_true(ntaken > NEXAMPLES * 3 / 4);
}

/* Every fault says what it is. */
static void test_texts(void **state)
{
	qn_faults fault = { 0 };

	(void)state;
	assert_null(qn_fault_text(fault, QN_UNITS));
	for (int i = 1; i < QN_NFAULTS; i++) {
		fault[QN_UNITS] = (uint8_t)i;
		assert_non_null(qn_fault_text(fault, QN_UNITS));
		assert_true(qn_faults_are_valid(fault));
	}
	fault[QN_UNITS] = QN_NFAULTS;
	assert_false(qn_faults_are_valid(fault));
	for (int i = 0; i < QN_NATTRIBUTES; i++)
		assert_non_null(qn_attribute_names[i]);
	/* The first one stays. */
	fault[QN_NAME] = QN_FAULT_CUT;
	qn_attribute_blame(fault, QN_NAME, QN_FAULT_NAN);
	assert_int_equal(fault[QN_NAME], QN_FAULT_CUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_taken_over),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
