import type { RawBuilder } from 'kysely';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import type { Em } from '../open-database.ts';
import { makeVersion } from './publish-version.ts';
import type { Draft, Published } from './draft.ts';
import { kysely } from '../sql.ts';

export interface ContentMistake {
  readonly code: 'INVALID' | 'NOT_FOUND' | 'IN_USE' | 'REPOSITORY_IS_MIRRORED';
  /** Path inside the change, e.g. `['tags', '0']`. */
  readonly field: readonly string[];
  readonly message: string;
}

/** Nothing was changed. `code` and `message` are those of the first mistake. */
export class ContentRefusedError extends TidemarkError {
  readonly mistakes: readonly ContentMistake[];

  constructor(mistakes: readonly ContentMistake[]) {
    super(mistakes[0]?.code ?? 'INVALID', mistakes[0]?.message ?? '', { origin: 'caller' });
    this.mistakes = mistakes;
  }
}

export interface ContentDraft extends Draft {
  readonly name: string;
}

export interface ContentChanged {
  /** Null when nothing changed: no version was made. */
  readonly createdVersion: number | null;
}

export interface ContentChangeSteps {
  readonly repositoryId: number;
  readonly followers?: RawBuilder<unknown>;
  readonly copiedFrom?: number;
  /** Mistakes that do not depend on the repository. */
  readonly mistakes: readonly ContentMistake[];
  /** Whether it is allowed for mirrors. */
  readonly isForMirrors?: boolean;
  /** Mistakes for this repository. Its row is locked. */
  readonly check: (em: Em, draft: ContentDraft) => Promise<readonly ContentMistake[]>;
  /** Writes tags and untagged roots. Called without mistakes only. */
  readonly write: (em: Em, draft: ContentDraft) => Promise<void>;
  /** Its errors roll back the change. */
  readonly finish?: (em: Em, draft: ContentDraft, published: Published) => Promise<void>;
}

/**
 * Changes the content of a repository as a caller requests.
 * @throws ContentRefusedError with all mistakes; TidemarkError `CONTENT_INCOMPLETE`.
 */
export async function changeContent(em: Em, steps: ContentChangeSteps): Promise<ContentChanged> {
  const { createdVersion } = await makeVersion<ContentDraft>(em.fork(), {
    lock: async (transaction) => {
      const { draft, isMirrored } = await lockRepository(transaction, steps);
      const mistakes = [...steps.mistakes, ...(await steps.check(transaction, draft))];
      if (isMirrored && steps.isForMirrors !== true) mistakes.unshift(mirrored(draft));
      if (mistakes.length > 0) throw new ContentRefusedError(mistakes);
      return draft;
    },
    write: steps.write,
    ...(steps.finish === undefined ? {} : { finish: steps.finish }),
  });
  return { createdVersion };
}

async function lockRepository(
  em: Em,
  steps: ContentChangeSteps,
): Promise<{ readonly draft: ContentDraft; readonly isMirrored: boolean }> {
  const { repositoryId } = steps;
  const found = await kysely(em)
    .selectFrom('repository')
    .select(['name', 'latest', 'is_mirrored as isMirrored'])
    .where('id', '=', repositoryId)
    .forUpdate()
    .execute();
  const row = found[0];
  if (row === undefined)
    throw new ContentRefusedError([
      {
        code: 'NOT_FOUND',
        field: ['repositoryId'],
        message: 'The repository was not found. It may have been deleted.',
      },
      ...steps.mistakes,
    ]);
  const { name, latest, isMirrored } = row;
  const { followers, copiedFrom } = steps;
  const draft = {
    repositoryId,
    name,
    latest,
    number: latest + 1,
    taskId: null,
    ...(followers === undefined ? {} : { followers }),
    ...(copiedFrom === undefined ? {} : { copiedFrom }),
  };
  return { draft, isMirrored };
}

function mirrored({ name }: ContentDraft): ContentMistake {
  return {
    code: 'REPOSITORY_IS_MIRRORED',
    field: ['repositoryId'],
    message:
      `${quoteValue(name)} mirrors an upstream: its content changes by syncs only, so that it stays what the upstream has. ` +
      'Restore one of its versions (repositoryRestoreVersion), serve another one (distributionPoint), or copy what you need into ' +
      'a repository that is no mirror (repositoryCopyContent) and change it there.',
  };
}
