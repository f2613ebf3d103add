#include "select/progression.h"

#include "base/mem.h"

uint64_t qn_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* The inverse of a modulo m, which have no common factor, by Euclid's extended algorithm. */
static uint64_t inverse(uint64_t a, uint64_t m)
{
	__int128 t = 0, next = 1, r = m, rest = a % m;

	while (rest) {
		__int128 q = r / rest, old = t;

		t = next;
		next = old - q * next;
		old = r;
		r = rest;
		rest = old - q * rest;
	}
	return (uint64_t)(t < 0 ? t + m : t);
}

/* The smallest i with (start + i * step) % modulus == residue; false: there is none. */
static bool first_congruent(uint64_t start, uint64_t step, uint64_t residue, uint64_t modulus,
			    uint64_t *i)
{
	uint64_t g = qn_gcd(step, modulus), m = modulus / g;
	uint64_t apart = (residue % modulus + modulus - start % modulus) % modulus;

	if (apart % g)
		return false;
	if (m == 1)
		*i = 0;
	else
		*i = (uint64_t)((unsigned __int128)(apart / g) * inverse(step / g % m, m) % m);
	return true;
}

bool qn_box_meet(const struct quern_box *at, const struct quern_box *selection, int d,
		 struct qn_progression *out)
{
	uint64_t low = selection->start[d], step = selection->step[d];
	uint64_t high = low + (selection->count[d] - 1) * step;
	uint64_t begin = at->start[d], last = begin + (at->count[d] - 1) * at->step[d];

	if (!selection->count[d] || last < low || begin > high ||
	    !first_congruent(begin, at->step[d], low, step, &out->first))
		return false;
	out->step = step / qn_gcd(step, at->step[d]);
	if (begin < low) {
		uint64_t from = qn_ceil_div(low - begin, at->step[d]);

		if (out->first < from)
			out->first += qn_ceil_div(from - out->first, out->step) * out->step;
	}
	last = qn_min_u64(at->count[d] - 1, (high - begin) / at->step[d]);
	if (out->first > last)
		return false;
	out->count = (last - out->first) / out->step + 1;
	return true;
}
