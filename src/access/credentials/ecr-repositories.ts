import type { Credential } from '../../db/schema/credentials.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { describeAwsFailure, openEcrClient } from './ecr-client.ts';

/** ECR sends no more. */
const pageSize = 1_000;
const pagesAtMost = 1_000;

/** ECR's DescribeRepositories, of the account that the registry's host names, by `nextToken`. */
export async function* listEcrRepositories(
  credential: Credential,
  registry: URL,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr');
  const account = /^(\d{12})\./.exec(registry.hostname)?.[1];
  const client = await openEcrClient(credential, registry);
  try {
    let nextToken: string | undefined;
    for (let page = 1; page === 1 || nextToken !== undefined; page += 1) {
      if (page > pagesAtMost) throw new RangeError('the list does not end');
      const command = new DescribeRepositoriesCommand({
        maxResults: pageSize,
        ...(account === undefined ? {} : { registryId: account }),
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      const answer = await client.send(command, { abortSignal: signal });
      yield (answer.repositories ?? []).flatMap(({ repositoryName }) => repositoryName ?? []);
      nextToken = answer.nextToken;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || error.name === 'TidemarkError') throw error;
    const { message, retryable } = describeAwsFailure(error, credential, 'ecr:DescribeRepositories');
    throw new TidemarkError(
      'CREDENTIAL_UNAVAILABLE',
      `AWS gave no list of the repositories of ${registry.host} with the credential ${quoteValue(credential.name)} ${message} Or give the names with discovery: LIST.`,
      { retryable },
    );
  } finally {
    client.destroy();
  }
}
