/** Descriptions of the budgets of a remote, shared by its type and its inputs (docs/budgets.md). */
export const budgetText = {
  bytesPerSecond:
    'The bandwidth of all downloads of blobs together, over all workers and the pulls that fetch on demand: a rate such as 20MB/s, or a timetable ' +
    'such as "06:00-22:00 20MB/s, else off (Europe/Berlin)". `off` is no limit; the default time zone is UTC; null: no limit.',
  syncWindows:
    'The times in which syncs may run, such as "Mon-Fri 22:00-06:00 (Europe/Berlin)" or "Sat-Sun". Outside of them, a sync waits, and a running one ' +
    'pauses. Pulls that fetch on demand do not wait. The default time zone is UTC; null: always.',
  reserveRequests:
    "Manifest requests of the registry's announced quota that syncs leave to others, at least 1. Only for registries that send RateLimit headers; " +
    'null: none.',
} as const;
