import type { Viewer } from '../access/viewer.ts';
import type { Em } from '../db/open-database.ts';
import { Distribution } from '../db/schema/distributions.ts';
import { isBasePathTaken } from '../db/distributions/distributions.ts';
import { lockDistribution, moveDistribution } from '../db/distributions/point-distribution.ts';
import type { DistributionTarget, LockedDistribution } from '../db/distributions/point-distribution.ts';
import { quoteValue } from '../oci/error.ts';
import { checkPullThrough, lacksPullThrough, lockGiven, pinnedPullThrough } from './distribution-target.ts';
import type { Target } from './distribution-target.ts';
import { checkInteger, invalid, mistake, noSuchId, notNull } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import { done, inTransaction, refused } from './operation.ts';
import type { Operator, Outcome, Reference } from './operation.ts';
import { lacksNames, lacksRole, newNameOf, seen } from './permit.ts';
import { checkRepositoryName } from './repositories.ts';
import { lockNamedPolicy } from './signature-policies.ts';

export const defaultNotFoundSeconds = 60;
/** Fields in seconds, and their maximum: a year, and a day. */
const lifetimes = [
  ['tagTtlSeconds', 31_536_000],
  ['notFoundTtlSeconds', 86_400],
] as const;

/** In an update, undefined keeps a field. */
export interface DistributionFields {
  readonly basePath?: string | null | undefined;
  readonly private?: boolean | null | undefined;
  readonly pullThrough?: boolean | null | undefined;
  readonly tagTtlSeconds?: number | null | undefined;
  readonly notFoundTtlSeconds?: number | null | undefined;
  readonly signaturePolicy?: Reference | null | undefined;
}

/** Needs the role maintainer for the base path, and reader for the target. */
export async function createDistribution(
  operator: Operator,
  fields: DistributionFields & Target & { readonly basePath: string },
  { isAccessOn }: { readonly isAccessOn: boolean },
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const { basePath, pullThrough } = fields;
  return inTransaction(
    operator,
    async (em) => {
      const lacking = lacksRole(viewer, 'maintainer', basePath, 'basePath');
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = [...(await checkBasePath(em, basePath)), ...checkLifetimes(fields)];
      const target = await lockGiven(em, viewer, fields, mistakes);
      if (target !== undefined && pullThrough === true)
        mistakes.push(...(await checkPullThrough(em, viewer, target)));
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      if (target === undefined || mistakes.length > 0) return refused(...mistakes);
      const row = em.create(Distribution, {
        basePath,
        repositoryId: target.repositoryId,
        version: target.version,
        isPrivate: fields.private ?? isAccessOn,
        isDecided: typeof fields.private === 'boolean' || isAccessOn,
        pullThrough: pullThrough ?? false,
        tagTtlSeconds: fields.tagTtlSeconds ?? null,
        notFoundTtlSeconds: fields.notFoundTtlSeconds ?? defaultNotFoundSeconds,
        signaturePolicyId: signaturePolicyId ?? null,
        pointedBy: viewer.identity,
      });
      await em.persist(row).flush();
      return done(row.id);
    },
    () => basePathTaken(basePath),
  );
}

/** Needs the role maintainer for the base path, and for a new one. */
export async function updateDistribution(
  operator: Operator,
  distribution: Reference,
  fields: DistributionFields,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  const { basePath, pullThrough } = fields;
  return inTransaction(
    operator,
    async (em) => {
      const row = await findLocked(em, viewer, distribution);
      const newPath = newNameOf(basePath, row?.basePath);
      const names = { field: distribution.field, nameField: 'basePath' };
      const lacking = lacksNames(viewer, row?.basePath, newPath, names);
      if (lacking.length > 0) return refused(...lacking);
      const mistakes = row === undefined ? [notFound(distribution)] : [];
      mistakes.push(...checkCleared(fields), ...checkLifetimes(fields));
      if (row !== undefined && pullThrough === true)
        mistakes.push(...(await checkPullThrough(em, viewer, row)));
      if (newPath !== undefined) {
        mistakes.push(...(await checkBasePath(em, newPath)));
        if (row?.isOwn === true) mistakes.push(invalid('basePath', ownStays(row, 'rename that')));
      }
      const signaturePolicyId = await lockNamedPolicy(em, viewer, fields.signaturePolicy, mistakes);
      if (row === undefined || mistakes.length > 0) return refused(...mistakes);
      const changes = {
        ...(signaturePolicyId === undefined ? {} : { signaturePolicyId }),
        ...(typeof basePath === 'string' ? { basePath } : {}),
        ...(typeof fields.private === 'boolean' ? { isPrivate: fields.private, isDecided: true } : {}),
        ...(typeof pullThrough === 'boolean' ? { pullThrough } : {}),
        ...(fields.tagTtlSeconds === undefined ? {} : { tagTtlSeconds: fields.tagTtlSeconds }),
        ...(typeof fields.notFoundTtlSeconds === 'number'
          ? { notFoundTtlSeconds: fields.notFoundTtlSeconds }
          : {}),
      };
      if (Object.keys(changes).length > 0)
        await em.nativeUpdate(Distribution, { id: row.id }, { ...changes, updatedAt: new Date() });
      return done(row.id);
    },
    () => basePathTaken(basePath ?? ''),
  );
}

/** Needs the role maintainer for the base path. The distribution at a repository's own name stays. */
export async function deleteDistribution(
  operator: Operator,
  distribution: Reference,
): Promise<Outcome<undefined>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const row = await findLocked(em, viewer, distribution);
    if (row === undefined) return refused(notFound(distribution));
    const lacking = lacksRole(viewer, 'maintainer', row.basePath, distribution.field);
    if (lacking.length > 0) return refused(...lacking);
    if (row.isOwn) {
      const why = ownStays(row, 'delete that, or make this one private');
      return refused(mistake('IN_USE', [distribution.field], why));
    }
    await em.nativeDelete(Distribution, { id: row.id });
    return done(undefined);
  });
}

/** Needs the role maintainer for the base path, and reader for the target. */
export async function pointDistribution(
  operator: Operator,
  distribution: Reference,
  given: Target,
): Promise<Outcome<number>> {
  const { viewer } = operator;
  return inTransaction(operator, async (em) => {
    const mistakes: Mistake[] = [];
    const target = await lockGiven(em, viewer, given, mistakes);
    const row = await findLocked(em, viewer, distribution);
    const lacking =
      row === undefined ? [] : lacksRole(viewer, 'maintainer', row.basePath, distribution.field);
    if (lacking.length > 0) return refused(...lacking);
    if (row === undefined) mistakes.unshift(notFound(distribution));
    if (row !== undefined && target !== undefined)
      mistakes.push(
        ...(await checkMove(em, viewer, {
          row,
          target,
          field: given.version === undefined ? 'repositoryId' : 'versionId',
        })),
      );
    if (row === undefined || target === undefined || mistakes.length > 0) return refused(...mistakes);
    await moveDistribution(em, row, target, viewer.identity);
    return done(row.id);
  });
}

interface Move {
  readonly row: LockedDistribution;
  readonly target: DistributionTarget;
  /** The field of the input that names the target. */
  readonly field: string;
}

async function checkMove(em: Em, viewer: Viewer, { row, target, field }: Move): Promise<Mistake[]> {
  const mistakes: Mistake[] = [];
  const isOther = target.repositoryId !== row.repositoryId;
  if (row.isOwn && isOther)
    mistakes.push(
      invalid(
        field,
        `${quoteValue(row.basePath)} is the own name of a repository and serves that one, at whichever version. ` +
          'Serve another repository at a distribution of another base path (distributionCreate).',
      ),
    );
  if (row.pullThrough && isOther) mistakes.push(...(await lacksPullThrough(em, viewer, target, field)));
  if (row.pullThrough && target.version !== null) mistakes.push(invalid('versionId', pinnedPullThrough));
  return mistakes;
}

/** Undefined where the viewer cannot read it. */
async function findLocked(
  em: Em,
  viewer: Viewer,
  { key }: Reference,
): Promise<LockedDistribution | undefined> {
  const row = key === undefined ? undefined : await lockDistribution(em, key);
  return seen(viewer, row, ({ basePath }) => basePath) ?? undefined;
}

function checkCleared({ basePath, pullThrough, ...fields }: DistributionFields): Mistake[] {
  return [
    notNull('basePath', basePath),
    notNull('private', fields.private),
    notNull('pullThrough', pullThrough),
    notNull('notFoundTtlSeconds', fields.notFoundTtlSeconds),
  ].flatMap((found) => found ?? []);
}

function checkLifetimes(fields: DistributionFields): Mistake[] {
  return lifetimes.flatMap(([field, most]) => {
    const seconds = fields[field];
    return typeof seconds === 'number' ? (checkInteger(field, seconds, [0, most]) ?? []) : [];
  });
}

async function checkBasePath(em: Em, basePath: string): Promise<Mistake[]> {
  const found = checkRepositoryName(basePath, 'basePath');
  if (found !== undefined) return [found];
  return (await isBasePathTaken(em, basePath)) ? [basePathTaken(basePath)] : [];
}

function basePathTaken(basePath: string): Mistake {
  return mistake(
    'ALREADY_EXISTS',
    ['basePath'],
    `There is a distribution at ${quoteValue(basePath)}; choose another base path, or point that one (distributionPoint).`,
  );
}

function ownStays(row: LockedDistribution, instead: string): string {
  return `The distribution at ${quoteValue(row.basePath)} is at its repository's own name and stays as long as the repository; ${instead}.`;
}

function notFound(named: Reference): Mistake {
  return noSuchId('distribution', 'distributions', named);
}
