/** Outcomes with which the commit leaves a tag as the repository has it. */
export const keptOutcomes = ['TOO_YOUNG', 'NOT_VERIFIED', 'NO_PLATFORM', 'FAILED'] as const;
export type KeptOutcome = (typeof keptOutcomes)[number];

/** Outcomes that are told tag by tag. */
export const listedOutcomes = ['ADDED', 'MOVED', 'REMOVED', ...keptOutcomes] as const;

/** What a sync did with a tag. The outcomes that are not listed are only counted. */
export const tagOutcomes = [...listedOutcomes, 'UNCHANGED', 'FILTERED', 'BEYOND_NEWEST'] as const;
export type TagOutcome = (typeof tagOutcomes)[number];
