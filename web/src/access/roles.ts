import type { Role } from '../session/viewer.ts';

export type { Role };

/** From the weakest to the strongest: each includes those before it. */
export const roles: { value: Role; label: string }[] = [
  { value: 'READER', label: 'reader' },
  { value: 'PUSHER', label: 'pusher' },
  { value: 'MAINTAINER', label: 'maintainer' },
  { value: 'ADMIN', label: 'admin' },
];
