/*
 * view.c - what the elements of a dataset become.
 */
#include "feed/feed.h"

static bool find_int(uint32_t size, bool is_signed, enum quern_dtype *out)
{
	switch (size) {
	case 1:
		*out = is_signed ? QUERN_I8 : QUERN_U8;
		return true;
	case 2:
		*out = is_signed ? QUERN_I16 : QUERN_U16;
		return true;
	case 4:
		*out = is_signed ? QUERN_I32 : QUERN_U32;
		return true;
	case 8:
		*out = is_signed ? QUERN_I64 : QUERN_U64;
		return true;
	default:
		return false;
	}
}

static bool find_float(uint32_t size, enum quern_dtype *out)
{
	*out = size == 8 ? QUERN_F64 : QUERN_F32;
	return size == 2 || size == 4 || size == 8;
}

/* The type of the values before CF decoding. _Unsigned is one of the CF attributes: without
   decoding the type is the signed one of the file. */
static bool find_packed(const struct qn_dataset *d, bool raw, enum quern_dtype *out)
{
	switch (d->type.class) {
	case QN_INT:
		return find_int(d->type.size, true, out);
	case QN_UINT:
		return find_int(d->type.size, raw && d->cf.as_unsigned, out);
	case QN_FLOAT:
		return find_float(d->type.size, out);
	case QN_TEXT:
		*out = QUERN_TEXT;
		return true;
	default:
		return false;
	}
}

static bool has_cf(const struct qn_cf *cf)
{
	return cf->has_fill || cf->has_min || cf->has_max || cf->has_scale || cf->nmissing > 0;
}

static enum quern_status refuse(const struct qn_dataset *d, struct quern_message *err)
{
	char names[QN_MEMBER_NAMES_NBYTES];

	if (d->nmembers == 0)
		return qn_error_set(err, QUERN_ERR_DATA,
				    "%s: dataset %s%s%s has elements of type %s (%u bytes); quern "
				    "takes integers of 1 to 8 bytes, floating-point numbers of up "
				    "to 8, and text of up to %d",
				    d->file, d->path, d->column[0] ? ", member " : "", d->column,
				    d->type.name, d->type.size, QN_MAX_TEXT_NBYTES);
	qn_dataset_member_names(d, names);
	return qn_error_set(err, QUERN_ERR_USAGE,
			    "%s: dataset %s has elements of type compound (%u bytes): choose a "
			    "member with --column: %s",
			    d->file, d->path, d->type.size, names);
}

enum quern_status qn_view_init(const struct qn_dataset *d, bool raw, struct qn_view *view,
			       struct quern_message *err)
{
	enum quern_dtype packed;

	if (!find_packed(d, raw, &packed))
		return refuse(d, err);
	view->packed = packed;
	view->decode = !raw && has_cf(&d->cf) && packed != QUERN_TEXT;
	view->dtype = view->decode && d->cf.has_scale ? QUERN_F64 : packed;
	return QUERN_OK;
}

size_t qn_view_size(enum quern_dtype t)
{
	switch (t) {
	case QUERN_I8:
	case QUERN_U8:
		return 1;
	case QUERN_I16:
	case QUERN_U16:
		return 2;
	case QUERN_I32:
	case QUERN_U32:
	case QUERN_F32:
		return 4;
	default:
		return 8;
	}
}

bool qn_dtype_holds(enum quern_dtype t, int64_t v)
{
	static const struct {
		int64_t least, most;
	} range[QUERN_NDTYPES] = {
		[QUERN_I8] = { INT8_MIN, INT8_MAX },	[QUERN_U8] = { 0, UINT8_MAX },
		[QUERN_I16] = { INT16_MIN, INT16_MAX }, [QUERN_U16] = { 0, UINT16_MAX },
		[QUERN_I32] = { INT32_MIN, INT32_MAX }, [QUERN_U32] = { 0, UINT32_MAX },
		[QUERN_I64] = { INT64_MIN, INT64_MAX }, [QUERN_U64] = { 0, INT64_MAX },
	};

	return v >= range[t].least && v <= range[t].most;
}
