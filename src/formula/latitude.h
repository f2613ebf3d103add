/*
 * latitude.h - the cosine of the latitude, which is what cells of a regular grid weigh.
 */
#ifndef QN_FORMULA_LATITUDE_H
#define QN_FORMULA_LATITUDE_H

#include "formula/operand.h"

#define QN_COSLAT "coslat"

/*
 * Fills an operand with cosines. The latitude is the coordinate of a dimension, or a dataset that the attribute
 * `coordinates` names, of any number of dimensions, with standard_name latitude or units degrees_north; in degrees
 * unless its units are radians. QUERN_ERR_USAGE: there is none, or more than one. Every rank returns the same
 * status. Collective.
 */
enum quern_status qn_coslat_find(const struct qn_subject *subject, const struct qn_team *team,
				 struct qn_operand *out, struct quern_message *err);

#endif
