import type { ECRClient } from '@aws-sdk/client-ecr';
import type { Credential } from '../../db/schema/credentials.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';
import { describeAwsFailure, openEcrClient } from './ecr-client.ts';

/** ECR sends no more. */
const pageSize = 1_000;
const pagesAtMost = 1_000;

export interface EcrList {
  readonly credential: Credential;
  readonly registry: URL;
  /** What is listed, for people: `the repositories`. */
  readonly what: string;
  /** The permission that the list needs. */
  readonly right: string;
  /** What else a person can do. */
  readonly advice: string;
}

/** The fields that all lists of ECR take. The account is that of the registry's host. */
export interface EcrPage {
  readonly maxResults: number;
  readonly registryId?: string;
  readonly nextToken?: string;
}

/** A list of ECR, page by page. @throws TidemarkError `CREDENTIAL_UNAVAILABLE` */
export async function* readEcrPages<Answer extends { readonly nextToken?: string | undefined }>(
  { credential, registry, what, right, advice }: EcrList,
  send: (client: ECRClient, page: EcrPage) => Promise<Answer>,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  const registryId = /^(\d{12})\./.exec(registry.hostname)?.[1];
  const account = registryId === undefined ? {} : { registryId };
  const client = await openEcrClient(credential, registry);
  try {
    let nextToken: string | undefined;
    for (let page = 1; page === 1 || nextToken !== undefined; page += 1) {
      if (page > pagesAtMost) throw new RangeError('the list does not end');
      const next = nextToken === undefined ? {} : { nextToken };
      const answer = await send(client, { maxResults: pageSize, ...account, ...next });
      yield answer;
      nextToken = answer.nextToken;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || error.name === 'TidemarkError') throw error;
    const { message, retryable } = describeAwsFailure(error, credential, right);
    throw new TidemarkError(
      'CREDENTIAL_UNAVAILABLE',
      `AWS gave no list of ${what} of ${registry.host} with the credential ${quoteValue(credential.name)} ${message} ${advice}`,
      { retryable },
    );
  } finally {
    client.destroy();
  }
}
