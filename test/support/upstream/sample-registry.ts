/** A registry of several sample repositories on a real port. */
import { randomBytes } from 'node:crypto';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import { openFakeUpstream } from './fake-upstream.ts';
import { sampleAnswers } from './sample-answers.ts';

const absent = '{"errors":[{"code":"NAME_UNKNOWN","message":"none"}]}';

/** Serves what the repositories have, by name; other names are 404. */
export async function openRegistryOf(repositories: ReadonlyMap<string, SampleRepository>) {
  const upstream = await openFakeUpstream({
    fallback: async (request, response) => {
      const [, name = ''] = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(request.url ?? '') ?? [];
      const repository = repositories.get(name);
      const answer = repository === undefined ? undefined : sampleAnswers(repository);
      if (typeof answer === 'function') await answer(request, response);
      else response.writeHead(404, { 'content-type': 'application/json' }).end(absent);
    },
  });
  const asked = (name: string, reference = '') =>
    upstream.requests.filter(({ path }) => path.startsWith(`/v2/${name}/manifests/${reference}`)).length;
  return { upstream, asked };
}

/** Images `v1` and `v2` in each repository; `digests` has what `v1` is. */
export async function openSampleRegistry(...names: string[]) {
  const seed = randomBytes(6).toString('hex');
  const repositories = new Map<string, SampleRepository>();
  const digests: Record<string, string> = {};
  for (const name of names) {
    const repository = createSampleRepository();
    digests[name] = addImage(repository, { seed: `${seed} ${name}`, layers: [500], tag: 'v1' }).digest;
    addImage(repository, { seed: `${seed} ${name} 2`, layers: [500], tag: 'v2' });
    repositories.set(name, repository);
  }
  return { ...(await openRegistryOf(repositories)), repositories, digests };
}
