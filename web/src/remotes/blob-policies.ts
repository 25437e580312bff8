/** When blobs are fetched, in words. */
export const blobPolicies = [
  { value: 'IMMEDIATE' as const, label: 'Immediate: a sync fetches all blobs' },
  { value: 'ON_DEMAND' as const, label: 'On demand: layers at their first pull' },
  { value: 'STREAMED' as const, label: 'Streamed: layers at every pull, never stored' },
];
