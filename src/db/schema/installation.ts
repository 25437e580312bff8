import { defineEntity, p } from '@mikro-orm/postgresql';
import { createdAt } from './columns/columns.ts';

export const Installation = defineEntity({
  name: 'Installation',
  properties: {
    onlyRow: p.boolean().primary().default(true),
    /** Part of every id at Temporal. */
    id: p.text(),
  },
});

/** A rotation of the secrets' key that is under way. */
export const SecretRotation = defineEntity({
  name: 'SecretRotation',
  properties: { keyId: p.text().primary(), begunAt: createdAt },
});

export const installationTables = [Installation, SecretRotation];
