import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import { createdAt, autoId, timestamps } from './columns/columns.ts';
import type { Identity } from './columns/identity.ts';

/** `/v2/<basePath>/` serves a repository. Each repository has one distribution at its own name. */
export const Distribution = defineEntity({
  name: 'Distribution',
  properties: {
    id: autoId,
    /** A repository name by the OCI grammar. */
    basePath: p.text(),
    repositoryId: p.bigint('number'),
    /** The pinned version; null follows the latest. */
    version: p.integer().nullable(),
    isPrivate: p.boolean().default(false),
    /** Whether somebody chose `isPrivate` (`db/distributions/earlier-distributions.ts`). */
    isDecided: p.boolean().default(false),
    /** Whether a missing tag or digest is fetched from the repository's remote. */
    pullThrough: p.boolean().default(false),
    /** How long a tag is served without a question to the upstream; null asks only for missing tags. */
    tagTtlSeconds: p.integer().nullable(),
    /** How long the upstream's answer that it lacks a tag or digest is believed. */
    notFoundTtlSeconds: p.integer().default(60),
    /** Only content that this policy verifies is served. */
    signaturePolicyId: p.bigint('number').nullable(),
    /** The caller who set the target; null for the distribution at a repository's own name. */
    pointedBy: p.json<Identity>().nullable(),
    ...timestamps,
  },
});
export type Distribution = InferEntity<typeof Distribution>;

/** Target history of a distribution. */
export const DistributionMove = defineEntity({
  name: 'DistributionMove',
  properties: {
    id: autoId,
    distributionId: p.bigint('number'),
    movedAt: createdAt,
    fromRepositoryId: p.bigint('number').nullable(),
    fromVersion: p.integer().nullable(),
    toRepositoryId: p.bigint('number').nullable(),
    toVersion: p.integer().nullable(),
  },
});

export const distributionsTables = [Distribution, DistributionMove];
