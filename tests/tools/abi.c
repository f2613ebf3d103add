/*
 * abi.c - prints what programs and kernels that were compiled against the public headers rely on: sizes of structs,
 * offsets and sizes of their members, values of enumerators. tests/rules/abi.sh compares it with the list that is
 * kept. A member that is new here or there shows in the size of its struct.
 */
#include <stdio.h>

#include "quern.h"

#define CONSTANT(name) printf("%s %lld\n", #name, (long long)(name))
#define STRUCT(type)   printf("struct %s %zu\n", #type, sizeof(struct type))
#define MEMBER(type, member)                                                            \
	printf("struct %s.%s %zu %zu\n", #type, #member, offsetof(struct type, member), \
	       sizeof(((struct type *)0)->member))

static void print_results(void)
{
	CONSTANT(QUERN_TYPE_NONE);
	CONSTANT(QUERN_TYPE_INT64);
	CONSTANT(QUERN_TYPE_UINT64);
	CONSTANT(QUERN_TYPE_DOUBLE);
	CONSTANT(QUERN_TYPE_DECIMAL);
	CONSTANT(QUERN_TYPE_TEXT);
	CONSTANT(QUERN_NO_MPI);
	CONSTANT(QUERN_MAX_RESULT_DIMS);
	STRUCT(quern_field);
	MEMBER(quern_field, size);
	MEMBER(quern_field, name);
	MEMBER(quern_field, type);
	MEMBER(quern_field, ndims);
	MEMBER(quern_field, extent);
	MEMBER(quern_field, dim);
	MEMBER(quern_field, nvalues);
	MEMBER(quern_field, units);
	MEMBER(quern_field, calendar);
	STRUCT(quern_axis);
	MEMBER(quern_axis, size);
	MEMBER(quern_axis, name);
	MEMBER(quern_axis, extent);
	MEMBER(quern_axis, type);
	MEMBER(quern_axis, units);
	MEMBER(quern_axis, calendar);
	MEMBER(quern_axis, is_groups);
	MEMBER(quern_axis, has_dates);
}

static void print_options(void)
{
	CONSTANT(QUERN_OPT_FLAG);
	CONSTANT(QUERN_OPT_INT);
	CONSTANT(QUERN_OPT_SIZE);
	CONSTANT(QUERN_OPT_STRING);
	CONSTANT(QUERN_OPT_CHOICE);
	CONSTANT(QUERN_OPT_REALS);
	CONSTANT(QUERN_OPT_LIST);
	STRUCT(quern_option);
	MEMBER(quern_option, name);
	MEMBER(quern_option, letter);
	MEMBER(quern_option, type);
	MEMBER(quern_option, arg);
	MEMBER(quern_option, fallback);
	MEMBER(quern_option, min);
	MEMBER(quern_option, max);
	MEMBER(quern_option, doc);
}

static void print_constants(void)
{
	CONSTANT(QUERN_KERNEL_ABI);
	CONSTANT(QUERN_MAX_DIMS);
	CONSTANT(QUERN_TILE_NELEMS);
	CONSTANT(QUERN_MAX_SEGMENTS);
	CONSTANT(QUERN_OK);
	CONSTANT(QUERN_ERR_RUN);
	CONSTANT(QUERN_ERR_USAGE);
	CONSTANT(QUERN_ERR_DATA);
	CONSTANT(QUERN_ERR_INTERRUPTED);
	CONSTANT(QUERN_ERR_DENIED);
	CONSTANT(QUERN_I8);
	CONSTANT(QUERN_U8);
	CONSTANT(QUERN_I16);
	CONSTANT(QUERN_U16);
	CONSTANT(QUERN_I32);
	CONSTANT(QUERN_U32);
	CONSTANT(QUERN_I64);
	CONSTANT(QUERN_U64);
	CONSTANT(QUERN_F32);
	CONSTANT(QUERN_F64);
	CONSTANT(QUERN_TEXT);
	CONSTANT(QUERN_VALUE);
	CONSTANT(QUERN_WITH);
	CONSTANT(QUERN_WEIGHT);
	CONSTANT(QUERN_NROLES);
	CONSTANT(QUERN_SUM);
	CONSTANT(QUERN_MIN);
	CONSTANT(QUERN_MAX);
	CONSTANT(QUERN_MINLOC);
	CONSTANT(QUERN_MAXLOC);
	CONSTANT(QUERN_LEAST);
	CONSTANT(QUERN_EXACT);
	CONSTANT(QUERN_LIST);
	CONSTANT(QUERN_TALLY);
}

static void print_data(void)
{
	STRUCT(quern_box);
	MEMBER(quern_box, ndim);
	MEMBER(quern_box, start);
	MEMBER(quern_box, count);
	MEMBER(quern_box, step);
	STRUCT(quern_var);
	MEMBER(quern_var, dtype);
	MEMBER(quern_var, values);
	MEMBER(quern_var, valid);
	MEMBER(quern_var, nmissing);
	MEMBER(quern_var, text_nbytes);
	STRUCT(quern_tile);
	MEMBER(quern_tile, box);
	MEMBER(quern_tile, first);
	MEMBER(quern_tile, nelems);
	MEMBER(quern_tile, nvars);
	MEMBER(quern_tile, var);
	MEMBER(quern_tile, there);
	MEMBER(quern_tile, row);
	STRUCT(quern_segment);
	MEMBER(quern_segment, op);
	MEMBER(quern_segment, nwords);
	MEMBER(quern_segment, width);
	MEMBER(quern_segment, power);
	MEMBER(quern_segment, nfactors);
	MEMBER(quern_segment, nweights);
	MEMBER(quern_segment, dtype);
	STRUCT(quern_demand);
	MEMBER(quern_demand, whole);
	MEMBER(quern_demand, min_nelems);
}

static void print_input(void)
{
	STRUCT(quern_input);
	MEMBER(quern_input, ndim);
	MEMBER(quern_input, shape);
	MEMBER(quern_input, selection);
	MEMBER(quern_input, dtype);
	MEMBER(quern_input, nan_missing);
	MEMBER(quern_input, dims);
	MEMBER(quern_input, reduced);
	MEMBER(quern_input, options);
	MEMBER(quern_input, message);
	MEMBER(quern_input, text_nbytes);
	MEMBER(quern_input, kernel);
	MEMBER(quern_input, roles);
	MEMBER(quern_input, role_dtype);
	MEMBER(quern_input, has_row_weights);
	MEMBER(quern_input, nrows);
	MEMBER(quern_input, most_in_row);
}

static void print_kernel(void)
{
	STRUCT(quern_kernel);
	MEMBER(quern_kernel, abi);
	MEMBER(quern_kernel, name);
	MEMBER(quern_kernel, doc);
	MEMBER(quern_kernel, options);
	MEMBER(quern_kernel, takes_text);
	MEMBER(quern_kernel, has_row_states);
	MEMBER(quern_kernel, takes_row_weights);
	MEMBER(quern_kernel, follows);
	MEMBER(quern_kernel, takes);
	MEMBER(quern_kernel, needs);
	MEMBER(quern_kernel, against);
	MEMBER(quern_kernel, repeats);
	MEMBER(quern_kernel, open);
	MEMBER(quern_kernel, close);
	MEMBER(quern_kernel, demand);
	MEMBER(quern_kernel, is_pooled);
	MEMBER(quern_kernel, sample);
	MEMBER(quern_kernel, layout);
	MEMBER(quern_kernel, most_words);
	MEMBER(quern_kernel, most_values);
	MEMBER(quern_kernel, scratch);
	MEMBER(quern_kernel, absorb);
	MEMBER(quern_kernel, absorb_rows);
	MEMBER(quern_kernel, normalize);
	MEMBER(quern_kernel, review);
	MEMBER(quern_kernel, is_reviewed);
	MEMBER(quern_kernel, advance);
	MEMBER(quern_kernel, shared);
	MEMBER(quern_kernel, adopt);
	MEMBER(quern_kernel, share);
	MEMBER(quern_kernel, fields);
	MEMBER(quern_kernel, emit);
	MEMBER(quern_kernel, emit_rows);
}

int main(void)
{
	print_results();
	print_options();
	print_constants();
	print_data();
	print_input();
	print_kernel();
	return 0;
}
