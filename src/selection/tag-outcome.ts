/** Outcomes with which the commit leaves a tag as the repository has it. */
export const keptOutcomes = ['TOO_YOUNG', 'NOT_VERIFIED', 'NO_PLATFORM', 'FAILED'] as const;
export type KeptOutcome = (typeof keptOutcomes)[number];

/** What a sync did with a tag. UNCHANGED, FILTERED and BEYOND_NEWEST are only counted. */
export const tagOutcomes = [
  'ADDED',
  'MOVED',
  'UNCHANGED',
  'REMOVED',
  'FILTERED',
  'BEYOND_NEWEST',
  ...keptOutcomes,
] as const;
export type TagOutcome = (typeof tagOutcomes)[number];
