/*
 * check.h - the invariants of structures, checked where they are worked on. A structure NAME whose header
 * says what always holds has
 *
 *	bool qn_NAME_is_valid(const struct qn_NAME *x, const char **why);
 *
 * which tells the first invariant that is broken: "FILE:LINE: what should hold". Builds for debugging
 * (make DEBUG=1) and with sanitizers (SAN=) call it at the beginning and the end of the operations
 * of its module, and abort when it is false; in other builds QN_ASSERT_VALID is nothing.
 */
#ifndef QN_BASE_CHECK_H
#define QN_BASE_CHECK_H

#include <stdbool.h>

#define QN_CHECK_TEXT(x)  #x
#define QN_CHECK_WORDS(x) QN_CHECK_TEXT(x)

/* In an is_valid: what should hold, in words. */
#define QN_HOLDS(condition, words)                                               \
	do {                                                                     \
		if (!(condition)) {                                              \
			*why = __FILE__ ":" QN_CHECK_WORDS(__LINE__) ": " words; \
			return false;                                            \
		}                                                                \
	} while (0)

/* Writes what is broken to standard error, with the place where it was noticed, and aborts. */
_Noreturn void qn_check_failed(const char *what, const char *why, const char *file, int line);

#ifdef QN_DEBUG
#define QN_ASSERT_VALID(name, ...)                                           \
	do {                                                                 \
		const char *why_not = "";                                    \
                                                                             \
		if (!qn_##name##_is_valid(__VA_ARGS__, &why_not))            \
			qn_check_failed(#name, why_not, __FILE__, __LINE__); \
	} while (0)
#else
#define QN_ASSERT_VALID(name, ...) ((void)0)
#endif

#endif
