import type { Credential } from '../../db/schema/credentials.ts';
import { readEcrPages } from './ecr-pages.ts';

/** ECR's DescribeRepositories. */
export async function* listEcrRepositories(
  credential: Credential,
  registry: URL,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr');
  const list = {
    credential,
    registry,
    what: 'the repositories',
    right: 'ecr:DescribeRepositories',
    advice: 'Or give the names with discovery: LIST.',
  };
  const pages = readEcrPages(
    list,
    (client, page) => client.send(new DescribeRepositoriesCommand(page), { abortSignal: signal }),
    signal,
  );
  for await (const { repositories = [] } of pages)
    yield repositories.flatMap(({ repositoryName }) => repositoryName ?? []);
}
