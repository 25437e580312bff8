import { defineEntity, p } from '@mikro-orm/postgresql';
import { key } from './columns/columns.ts';

/** What clients have pulled from a repository on a day. */
export const PullDay = defineEntity({
  name: 'PullDay',
  properties: {
    /** In UTC. */
    day: p.date().primary(),
    repositoryId: key,
    /** Manifests. */
    pulls: p.bigint('number'),
    /** Of manifests and blobs. */
    bytes: p.bigint('number'),
  },
});

export const pullsTables = [PullDay];
