/*
 * seed.h - the inputs of the fuzz targets, for seeds.c that makes them:
 *
 *	index	uint32 address of the object header, uint8 dimensions - 1, uint8 bytes of an element
 *		- 1, uint8 filters, uint8 raw edges; for each of SEED_DIMS dimensions uint16 shape,
 *		uint16 limit (0xffff: none), uint16 chunk - 1; the file
 *	filter	uint16 number of the filter, uint8 parameters, each uint32; uint8 bytes of an element,
 *		uint32 bytes that are wanted; the stored bytes
 *	unpack	uint8 what (0: flat form, 1: answer with a description, 2: with a listing, 3: with
 *		sources; 5: 1, of a path without its first slash); the bytes
 *	select	uint8 which dataset and calendar; units and a newline, or nothing; the text
 *	program	uint8 bit 0: NaN is missing, the rest / 2 % 3: what is wanted; the text
 *	sums	the text, without its last line
 *
 * All numbers are little-endian.
 */
#ifndef QN_TESTS_FUZZ_SEED_H
#define QN_TESTS_FUZZ_SEED_H

#define SEED_DIMS	    3
#define SEED_FILE	    "f"
#define SEED_PATH	    "/x"
#define SEED_FILE_NBYTES    100000
#define SEED_SOURCES_DIMS   2
#define SEED_SOURCES_EXTENT 24

#endif
