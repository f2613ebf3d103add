/*
 * climate.h - the synthetic climate that mkclimate writes: a pure function of seed, place and time.
 */
#ifndef CLIMATE_H
#define CLIMATE_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NWAVES 5

enum field { T2M, PRECIP, U10, V10, NFIELDS };

/* What does not change from one time to the next. */
struct climate {
	uint64_t nlat, nlon;
	double hours;
	uint32_t seed;
	float *mean, *season, *day; /* [nlat, nlon] kelvin: annual mean, amplitudes */
	bool *masked;		    /* [nlat, nlon] */
	float *wave_cos[NWAVES], *wave_sin[NWAVES]; /* [nlon]; wave 0 goes round once */
	double wave_phase[NWAVES];
};

static _Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("mkclimate: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *allocate(uint64_t nelems, size_t size)
{
	void *p = calloc(nelems ? nelems : 1, size);

	if (!p)
		die("cannot allocate %ju elements of %zu bytes", (uintmax_t)nelems, size);
	return p;
}

/* A counter-based generator: the n-th number of a stream, so that any thread can make any
   value. Multipliers of the "lowbias32" mixer by C. Wellons (public domain). */
static inline uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x7feb352d);
	x ^= x >> 15;
	x *= UINT32_C(0x846ca68b);
	return x ^ x >> 16;
}

static double uniform(uint32_t seed, uint32_t n)
{
	return mix(mix(seed) + n) * 0x1p-32;
}

static double latitude(uint64_t nlat, uint64_t i)
{
	return nlat > 1 ? -90 + 180 * (double)i / (double)(nlat - 1) : 0;
}

static double longitude(uint64_t nlon, uint64_t j)
{
	return 360 * (double)j / (double)nlon;
}

/* Height of the ground in arbitrary units: a few random waves on the sphere. */
static double height(uint32_t seed, double lat, double lon)
{
	double h = 0;

	for (uint32_t w = 0; w < 6; w++) {
		double around = 1 + w % 3, along = 1 + w / 2;

		h += cos(around * lon + 2 * M_PI * uniform(seed, 100 + w)) *
		     cos(along * lat + 2 * M_PI * uniform(seed, 200 + w)) / (1 + 0.3 * w);
	}
	return h * (0.4 + 0.6 * cos(lat));
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The value that `percent` of the n values exceed. */
static float exceeded_by(const float *v, uint64_t n, double percent)
{
	float *sorted = allocate(n, sizeof(*sorted)), threshold;
	uint64_t rank = (uint64_t)((double)n * (1 - percent / 100));

	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*sorted), compare_floats);
	threshold = sorted[rank < n ? rank : n - 1];
	free(sorted);
	return threshold;
}

/* Mean and amplitudes at a place: land has larger seasons and days than the sea. */
static void set_place(struct climate *c, uint64_t place, double lat, bool land, double above)
{
	double polar = sin(lat) * sin(lat);

	c->mean[place] = (float)(301 - 48 * polar - (land ? 9 * above : 0));
	c->season[place] = (float)(-sin(lat) * (land ? 22 : 7));
	c->day[place] = (float)(cos(lat) * (land ? 6 : 0.8));
}

static void set_ground(struct climate *c, double missing)
{
	uint64_t nplaces = c->nlat * c->nlon;
	float *ground = allocate(nplaces, sizeof(*ground)), coast, peak;

	for (uint64_t p = 0; p < nplaces; p++)
		ground[p] = (float)height(c->seed, latitude(c->nlat, p / c->nlon) * M_PI / 180,
					  longitude(c->nlon, p % c->nlon) * M_PI / 180);
	coast = exceeded_by(ground, nplaces, 30);
	peak = exceeded_by(ground, nplaces, missing);
	for (uint64_t p = 0; p < nplaces; p++) {
		set_place(c, p, latitude(c->nlat, p / c->nlon) * M_PI / 180, ground[p] > coast,
			  ground[p] - coast);
		c->masked[p] = missing > 0 && ground[p] >= peak;
	}
	free(ground);
}

static void set_waves(struct climate *c)
{
	for (uint32_t w = 0; w < NWAVES; w++) {
		c->wave_cos[w] = allocate(c->nlon, sizeof(float));
		c->wave_sin[w] = allocate(c->nlon, sizeof(float));
		c->wave_phase[w] = 2 * M_PI * uniform(c->seed, 300 + w);
		for (uint64_t j = 0; j < c->nlon; j++) {
			double lon = longitude(c->nlon, j) * M_PI / 180;
			double number = w ? 2 * w + 1 : 1;

			c->wave_cos[w][j] = (float)cos(number * lon);
			c->wave_sin[w][j] = (float)sin(number * lon);
		}
	}
}

/* A climate on a grid, with times `hours` apart; `missing` percent of the places have no values. */
static void climate_init(struct climate *c, uint64_t nlat, uint64_t nlon, double hours,
			 double missing, uint64_t seed)
{
	uint64_t nplaces = nlat * nlon;

	memset(c, 0, sizeof(*c));
	c->nlat = nlat;
	c->nlon = nlon;
	c->hours = hours;
	c->seed = mix((uint32_t)seed ^ mix((uint32_t)(seed >> 32)));
	c->mean = allocate(nplaces, sizeof(float));
	c->season = allocate(nplaces, sizeof(float));
	c->day = allocate(nplaces, sizeof(float));
	c->masked = allocate(nplaces, sizeof(bool));
	set_ground(c, missing);
	set_waves(c);
}

static void climate_fini(struct climate *c)
{
	for (int w = 0; w < NWAVES; w++) {
		free(c->wave_cos[w]);
		free(c->wave_sin[w]);
	}
	free(c->masked);
	free(c->day);
	free(c->season);
	free(c->mean);
}

/* The weather of one circle of latitude at one time: travelling waves as one cosine and one sine
   coefficient each, fastest and strongest at middle latitudes. */
struct weather {
	float wave_cos[NWAVES], wave_sin[NWAVES]; /* entry 0: the sun */
	float season;
	uint32_t stream; /* of the noise */
};

static void weather_at(const struct climate *c, enum field field, uint64_t t, uint64_t i,
		       struct weather *w)
{
	static const double lead[NFIELDS] = { [PRECIP] = 1.2, [U10] = 0.5, [V10] = 2 };
	double lat = latitude(c->nlat, i) * M_PI / 180, days = (double)t * c->hours / 24;
	double storminess = 0.4 +
			    2.2 * fabs(sin(2 * lat)) * (1 + 0.4 * cos(2 * M_PI * days / 365.25));

	/* Warmest at three in the afternoon of local time, and in the middle of July. */
	w->wave_cos[0] = (float)cos(2 * M_PI * (days - 15. / 24));
	w->wave_sin[0] = (float)-sin(2 * M_PI * (days - 15. / 24));
	w->season = (float)cos(2 * M_PI * (days - 196) / 365.25);
	for (int n = 1; n < NWAVES; n++) {
		double phase = c->wave_phase[n] + lead[field] + 0.7 * n * sin(3 * lat) -
			       2 * M_PI * days / (2.5 + 2.1 * n);

		w->wave_cos[n] = (float)(storminess * cos(phase));
		w->wave_sin[n] = (float)(storminess * sin(phase));
	}
	w->stream = mix(mix(c->seed + (uint32_t)field) + (uint32_t)(t * c->nlat + i));
}

/* Sum of the waves and some noise, in units of storminess, at column j. */
static inline float turbulence(const struct climate *c, const struct weather *w, uint64_t j)
{
	uint32_t bits = mix(w->stream + (uint32_t)j);
	float x = (float)(int)((bits & 0xffff) + (bits >> 16)) * 0x1p-16f - 1;

	for (int n = 1; n < NWAVES; n++)
		x += w->wave_cos[n] * c->wave_cos[n][j] + w->wave_sin[n] * c->wave_sin[n][j];
	return x;
}

/* Temperatures (K) of columns j0..j0+n-1 of a circle, to 1/128 K: as models do, the bits that
   mean nothing are zero, which compresses well. */
static void t2m_row(const struct climate *c, const struct weather *w, uint64_t i, uint64_t j0,
		    size_t n, float *out)
{
	/* Adding and subtracting this rounds to a multiple of the last place of 2^16. */
	const float rounder = 0x1.8p16f;
	const float *mean = c->mean + i * c->nlon, *season = c->season + i * c->nlon;
	const float *day = c->day + i * c->nlon;

	for (size_t k = 0; k < n; k++) {
		uint64_t j = j0 + k;
		float sun = w->wave_cos[0] * c->wave_cos[0][j] + w->wave_sin[0] * c->wave_sin[0][j];
		float x = mean[j] + season[j] * w->season + day[j] * sun +
			  1.5f * turbulence(c, w, j);

		out[k] = (x + rounder) - rounder;
	}
}

/* Precipitation (mm a day): where the waves are high it rains, the more the warmer. */
static void precip_row(const struct climate *c, const struct weather *w, uint64_t i, uint64_t j0,
		       size_t n, float *out)
{
	const float *mean = c->mean + i * c->nlon;

	for (size_t k = 0; k < n; k++) {
		float x = turbulence(c, w, j0 + k) - 1.5f;

		out[k] = x > 0 ? x * x * (mean[j0 + k] - 240) * 0.05f : 0;
	}
}

/* Eastward wind (m/s; westerlies at middle latitudes, trades) or northward wind, to 1/128. */
static void wind_row(const struct climate *c, const struct weather *w, enum field field, uint64_t i,
		     uint64_t j0, size_t n, float *out)
{
	const float rounder = 0x1.8p16f;
	const double lat = latitude(c->nlat, i) * M_PI / 180;
	const float mean = field == U10 ? (float)(-6 * cos(3 * lat) * cos(lat)) : 0;

	for (size_t k = 0; k < n; k++)
		out[k] = (mean + 2.5f * turbulence(c, w, j0 + k) + rounder) - rounder;
}

#endif
