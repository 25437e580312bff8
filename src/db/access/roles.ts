/** What may be granted; each may what those before it may. */
export const roles = ['reader', 'pusher', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];
