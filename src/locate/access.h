/*
 * access.h - which hosts can read which members, and from where: found by looking, on every host.
 *
 * Members that all hosts see alike share a set of homes (plan/plan.h). A host that has the file on a
 * disk or in memory of its own is a home. Where not all of the others see the file on storage that
 * they share, those that do are homes of tier QN_HOME_SHARED.
 */
#ifndef QN_LOCATE_ACCESS_H
#define QN_LOCATE_ACCESS_H

#include "cluster/team.h"
#include "plan/plan.h"

struct qn_access {
	struct qn_homes homes;
	uint32_t *set; /* owned: of each member; NULL: there is one host, which reads all */
};

struct qn_subject;
struct qn_where;

/* Fills where->access. QUERN_ERR_DATA: hosts see different files under the path of a member (identity.h),
   or no host sees it. Collective. */
enum quern_status qn_access_find(const struct qn_team *team, const struct qn_subject *subject,
				 struct qn_where *where, struct quern_message *err);
void qn_access_fini(struct qn_access *access);

/* From where a host reads a member: QN_DISK for any disk of its own, QN_MEMORY, QN_SHARED; QN_NTIERS
   when it cannot. Not collective. */
enum qn_tier qn_access_tier(const struct qn_access *access, uint32_t member, uint32_t host);

#endif
