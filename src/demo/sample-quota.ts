/** A quota as Docker Hub announces it, for a window of six hours that slides. */
export const sampleQuota = {
  'ratelimit-limit': '200;w=21600',
  'ratelimit-remaining': '143;w=21600',
};
