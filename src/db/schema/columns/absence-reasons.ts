/** Why a version lacks a child of an index: the platforms of the remote leave it out, or the upstream itself lacks it. */
export const absenceReasons = ['BY_RULE', 'UPSTREAM'] as const;
export type AbsenceReason = (typeof absenceReasons)[number];
