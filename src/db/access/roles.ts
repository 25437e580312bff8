/** Each role includes those before it. */
export const roles = ['reader', 'pusher', 'maintainer', 'admin'] as const;
export type Role = (typeof roles)[number];
