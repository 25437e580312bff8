import { visibilityOf } from '../access/viewer.ts';
import type { Role } from '../db/access/roles.ts';
import { readNamed } from '../db/reads/read-named.ts';
import { Repository } from '../db/schema/repositories.ts';
import { readVersions } from '../db/reads/read-versions.ts';
import type { VersionKey } from '../db/reads/read-versions.ts';
import {
  copyContent,
  removeContent,
  restoreVersion,
  tagManifest,
  untag,
} from '../db/versions/change-content.ts';
import { ContentRefusedError } from '../db/versions/content-draft.ts';
import type { ContentChanged, ContentMistake } from '../db/versions/content-draft.ts';
import { mistake, noSuchId } from './mistakes.ts';
import type { Mistake } from './mistakes.ts';
import { done, refused } from './operation.ts';
import type { Operator, Outcome, Reference } from './operation.ts';
import { lacksRole } from './permit.ts';
import { repositoryNotFound } from './references.ts';

/** What a change has made. */
export interface ChangedRepository {
  readonly repositoryId: number;
  /** Null when nothing had changed. */
  readonly createdVersion: number | null;
}

/** A version that a caller names. */
export interface VersionReference {
  /** Undefined where the text is no id of a version. */
  readonly key: VersionKey | undefined;
  readonly text: string;
}

/** No row has this key. An unknown id is looked up as this one, so that all other mistakes are found with it. */
const nowhere = 0;

/** Needs the role pusher. */
export async function tagRepository(
  operator: Operator,
  repository: Reference,
  { tag, digest }: { readonly tag: string; readonly digest: string },
): Promise<Outcome<ChangedRepository>> {
  return change(operator, { repository, role: 'pusher' }, (repositoryId) =>
    tagManifest(operator.em, { repositoryId, tag, digest }),
  );
}

/** Needs the role maintainer. */
export async function untagRepository(
  operator: Operator,
  repository: Reference,
  tag: string,
): Promise<Outcome<ChangedRepository>> {
  return change(operator, { repository, role: 'maintainer' }, (repositoryId) =>
    untag(operator.em, { repositoryId, tag }),
  );
}

/** Needs the role pusher, and reader for the source. A source that the caller cannot read is absent. */
export async function copyToRepository(
  operator: Operator,
  repository: Reference,
  { source, tags }: { readonly source: VersionReference; readonly tags: readonly string[] | null },
): Promise<Outcome<ChangedRepository>> {
  const { em, viewer } = operator;
  const [version] =
    source.key === undefined ? [] : await readVersions(em, visibilityOf(viewer), [source.key]);
  return change(operator, { repository, role: 'pusher' }, (repositoryId) =>
    copyContent(em, {
      repositoryId,
      source: version ?? { repositoryId: nowhere, number: nowhere },
      tags,
      usableRemotes: visibilityOf(viewer, 'maintainer'),
    }),
  );
}

/** Needs the role maintainer. */
export async function removeFromRepository(
  operator: Operator,
  repository: Reference,
  content: { readonly tags: readonly string[]; readonly digests: readonly string[] },
): Promise<Outcome<ChangedRepository>> {
  return change(operator, { repository, role: 'maintainer' }, (repositoryId) =>
    removeContent(operator.em, { repositoryId, ...content }),
  );
}

/** Needs the role maintainer. */
export async function restoreRepository(
  operator: Operator,
  { key = { repositoryId: nowhere, number: nowhere }, text }: VersionReference,
): Promise<Outcome<ChangedRepository>> {
  const repository = { key: key.repositoryId, field: 'versionId', text };
  return change(operator, { repository, role: 'maintainer' }, (repositoryId) =>
    restoreVersion(operator.em, { repositoryId, number: key.number }),
  );
}

export function versionNotFound(field: string, text: string): Mistake {
  return noSuchId('version', "a repository's versions", { field, text });
}

interface Asked {
  readonly repository: Reference;
  /** The role that the caller needs for the repository. */
  readonly role: Role;
}

async function change(
  { em, viewer }: Operator,
  asked: Asked,
  write: (repositoryId: number) => Promise<ContentChanged>,
): Promise<Outcome<ChangedRepository>> {
  const { repository, role } = asked;
  const [found] =
    repository.key === undefined
      ? []
      : await readNamed(em, visibilityOf(viewer), Repository, [repository.key]);
  const lacking = found === undefined ? [] : lacksRole(viewer, role, found.name, repository.field);
  if (lacking.length > 0) return refused(...lacking);
  try {
    const repositoryId = found?.id ?? nowhere;
    const { createdVersion } = await write(repositoryId);
    return done({ repositoryId, createdVersion });
  } catch (error) {
    if (!(error instanceof ContentRefusedError)) throw error;
    return refused(...error.mistakes.map((one) => toMistake(one, repository)));
  }
}

function toMistake({ code, field, message }: ContentMistake, repository: Reference): Mistake {
  if (code !== 'NOT_FOUND') return mistake(code, field, message);
  if (repository.field === 'versionId') return versionNotFound('versionId', repository.text);
  return field[0] === 'repositoryId' ? repositoryNotFound(repository) : mistake(code, field, message);
}
