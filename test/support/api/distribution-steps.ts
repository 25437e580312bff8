import { toGlobalId } from '../../../src/operations/global-id.ts';
import type { ApiUnderTest } from './api-server.ts';
import type { SampleContent } from './sample-repository.ts';

const fields = `distribution { id basePath private repository { name } version { number }
  moves(first: 10) { totalCount nodes { fromRepository { name } fromVersion { number } fromVersionNumber toRepository { name } toVersionNumber } } }`;

/** Steps of tests of distributions, on the API that is open when they run. */
export function distributionSteps(
  given: () => { readonly api: ApiUnderTest; readonly sample: SampleContent },
) {
  const mutate = (mutation: 'Create' | 'Update' | 'Point', input: object) =>
    given().api.mutate(`distribution${mutation}`, input, fields);

  const remove = (mutation: 'distributionDelete' | 'repositoryDelete', id: string) =>
    given().api.mutate(mutation, { id }, 'deletedId');

  async function ownOf(basePath: string): Promise<string> {
    const { data } = await given().api.graphql(
      'query ($basePath: String) { distribution(basePath: $basePath) { id } }',
      {
        basePath,
      },
    );
    return data.distribution.id;
  }

  async function catalog(): Promise<string[]> {
    const response = await fetch(`${given().api.url}/v2/_catalog`);
    return ((await response.json()) as { repositories: string[] }).repositories;
  }

  function repositoryId(): string {
    return toGlobalId('Repository', given().sample.repositoryId);
  }

  return { mutate, remove, ownOf, catalog, repositoryId };
}
