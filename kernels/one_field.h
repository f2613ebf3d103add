/*
 * one_field.h - kernels of which the result has one field: `mean`, `max` and their like.
 */
#ifndef QN_KERNELS_ONE_FIELD_H
#define QN_KERNELS_ONE_FIELD_H

#include "kernels.h"

/* Defines qn_kernel_WORD, of which emit_WORD emits the field; the slots besides are initializers. */
#define QN_ONE_FIELD_KERNEL(word, field, sentence, ...)                            \
	static const char *const *fields_of_##word(const void *self)               \
	{                                                                          \
		static const char *const fields[] = { field, NULL };               \
                                                                                   \
		(void)self;                                                        \
		return fields;                                                     \
	}                                                                          \
	const struct quern_kernel qn_kernel_##word = { .abi = QUERN_KERNEL_ABI,    \
						       .name = #word,              \
						       .doc = sentence,            \
						       .repeats = true,            \
						       .fields = fields_of_##word, \
						       .emit = emit_##word,        \
						       __VA_ARGS__ }

#endif
