import { Arg, Ctx, FieldResolver, Int, Query, Resolver, Root } from 'type-graphql';
import { findDigests, findRepositories, findTags } from '../../../db/reads/search.ts';
import type { FoundTag } from '../../../db/reads/search.ts';
import type { RequestContext } from '../context.ts';
import { badUserInput, checkFirst } from '../errors.ts';
import { isStorableText } from '../page-arguments.ts';
import { RepositoryType, toRepositoryType } from '../repositories/repository.type.ts';
import { TaskType, toTaskType } from '../tasks/task.type.ts';
import { SearchHitType } from './search.type.ts';
import type { SearchHitKind } from './search.type.ts';

const longestText = 255;
/** Shorter beginnings are names rather than digests. */
const digestBeginning = /^(?:sha(?:256|512):[0-9a-f]{1,128}|[0-9a-f]{7,64})$/;
const taskNumber = /^[1-9][0-9]{0,14}$/;

@Resolver(() => SearchHitType)
export class SearchResolver {
  @Query(() => [SearchHitType], {
    description:
      'Repositories, tags of their latest versions, digests and tasks that the caller may read: the task with this number, then repositories, ' +
      'then tags and digests. An empty text finds nothing.',
  })
  async search(
    @Arg('text', () => String, {
      description:
        'A part of a name, the beginning of a tag, the beginning of a digest (from 7 hexadecimal digits), or the number of a task (`taskId` in the log); ' +
        'at most 255 characters.',
    })
    text: string,
    @Arg('first', () => Int, { description: 'How many of each kind, 1 to 100.' }) first: number,
    @Ctx() { em, loaders }: RequestContext,
  ): Promise<SearchHitType[]> {
    const wanted = text.trim();
    checkFirst(first);
    if (wanted.length > longestText)
      throw badUserInput(`text has ${wanted.length} characters; at most ${longestText} are accepted.`);
    if (wanted === '' || !isStorableText(wanted)) return [];
    const { visibility } = loaders;
    const beginning = wanted.includes(':') ? wanted : `sha256:${wanted}`;
    const page = { text: wanted, first };
    const task = taskNumber.test(wanted) ? await loaders.tasks.load(Number(wanted)) : undefined;
    const [repositories, tags, digests] = [
      await findRepositories(em, visibility, page),
      await findTags(em, visibility, page),
      digestBeginning.test(wanted) ? await findDigests(em, visibility, { text: beginning, first }) : [],
    ];
    return [
      ...(task === undefined ? [] : [toHit('TASK', { taskId: task.id })]),
      ...repositories.map((repositoryId) => toHit('REPOSITORY', { repositoryId })),
      ...tags.map((found) => toHit('TAG', found)),
      ...digests.map((found) => toHit('DIGEST', found)),
    ];
  }

  @FieldResolver(() => RepositoryType, { nullable: true, description: 'The repository; null for tasks.' })
  async repository(
    @Root() { repositoryId }: SearchHitType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<RepositoryType | null> {
    const row = repositoryId === undefined ? undefined : await loaders.repositories.load(repositoryId);
    return row === undefined ? null : toRepositoryType(row);
  }

  @FieldResolver(() => TaskType, { nullable: true, description: 'The task; null for all others.' })
  async task(
    @Root() { taskId }: SearchHitType,
    @Ctx() { loaders }: RequestContext,
  ): Promise<TaskType | null> {
    const row = taskId === undefined ? undefined : await loaders.tasks.load(taskId);
    return row === undefined ? null : toTaskType(row);
  }
}

function toHit(kind: SearchHitKind, found: Partial<FoundTag> & { readonly taskId?: number }): SearchHitType {
  const { repositoryId, taskId, tag = null, digest = null } = found;
  return Object.assign(new SearchHitType(), { kind, repositoryId, taskId, tag, digest });
}
