import { defineEntity, p } from '@mikro-orm/postgresql';
import { keptOutcomes } from '../../selection/tag-outcome.ts';
import { absenceReasons } from './columns/absence-reasons.ts';
import { key } from './columns/columns.ts';

/* Staging rows of syncs. Migration 0010 describes the tables. */

export const SyncName = defineEntity({
  name: 'SyncName',
  properties: {
    taskId: key,
    listing: p.integer().primary(),
    firstPosition: p.integer().primary(),
    names: p.array().columnType('text[]'),
  },
});

/** Set if the commit leaves the tag as the repository has it. */
const kept = {
  outcome: p.enum(keptOutcomes).nullable(),
  code: p.text().nullable(),
  reason: p.text().nullable(),
};

export const SyncTag = defineEntity({
  name: 'SyncTag',
  properties: {
    taskId: key,
    name: p.text().primary(),
    manifestId: p.bigint('number').nullable(),
    ...kept,
    digest: p.text().nullable(),
  },
});

export const SyncRoot = defineEntity({
  name: 'SyncRoot',
  properties: {
    taskId: key,
    manifestId: key,
    name: p.text().primary(),
    isRemoved: p.boolean().default(false),
    ...kept,
  },
});

export const SyncFailure = defineEntity({
  name: 'SyncFailure',
  properties: {
    taskId: key,
    kind: p.enum(['manifest', 'blob'] as const).primary(),
    contentId: key,
    code: p.text(),
    reason: p.text(),
  },
});

export const SyncWalked = defineEntity({
  name: 'SyncWalked',
  properties: { taskId: key, name: p.text().primary() },
});

export const SyncListed = defineEntity({
  name: 'SyncListed',
  properties: {
    taskId: key,
    listing: p.integer().primary(),
    name: p.text().primary(),
    manifestId: p.bigint('number').nullable(),
  },
});

export const SyncCompanion = defineEntity({
  name: 'SyncCompanion',
  properties: { taskId: key, name: p.text().primary(), isSelected: p.boolean().default(false) },
});

export const SyncAsked = defineEntity({
  name: 'SyncAsked',
  properties: { taskId: key, manifestId: key },
});

export const SyncAbsent = defineEntity({
  name: 'SyncAbsent',
  properties: {
    taskId: key,
    parentId: key,
    position: p.integer().primary(),
    reason: p.enum(absenceReasons),
  },
});

export const SyncBlob = defineEntity({
  name: 'SyncBlob',
  properties: {
    taskId: key,
    batch: p.integer().primary(),
    blobId: key,
    sizeBytes: p.bigint('number'),
    isDone: p.boolean().default(false),
    isEntry: p.boolean().default(false),
    isOptional: p.boolean().default(false),
    isAbsent: p.boolean().default(false),
    inlineManifestId: p.bigint('number').nullable(),
  },
});

export const SyncSigned = defineEntity({
  name: 'SyncSigned',
  properties: { taskId: key, position: p.integer().primary(), manifestId: p.bigint('number') },
});

export const SyncProblem = defineEntity({
  name: 'SyncProblem',
  properties: { taskId: key, subjectDigest: p.text().primary(), reason: p.text() },
});

export const SyncSignature = defineEntity({
  name: 'SyncSignature',
  properties: { taskId: key, signatureId: key },
});

export const SyncSigner = defineEntity({
  name: 'SyncSigner',
  properties: { taskId: key, signatureId: key, rank: p.integer().default(1) },
});

export const stagingTables = [
  SyncName,
  SyncTag,
  SyncRoot,
  SyncFailure,
  SyncWalked,
  SyncListed,
  SyncCompanion,
  SyncAsked,
  SyncAbsent,
  SyncBlob,
  SyncSigned,
  SyncProblem,
  SyncSignature,
  SyncSigner,
];
