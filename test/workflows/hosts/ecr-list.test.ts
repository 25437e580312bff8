/** ECR's list of images, which AWS's API answers, and the syncs that use it. Registry and API are one scripted server. */
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { sampleAnswers } from '../../support/upstream/sample-answers.ts';
import { send } from '../../support/upstream/fake-upstream.ts';
import type { Answer } from '../../support/upstream/fake-upstream.ts';
import { insertCredential } from '../../support/credentials/open-credentials.ts';
import { useDirectStage } from '../../support/sync/direct-stage.ts';
import { upstreamName } from '../../support/sync/stage.ts';
import { listedTags } from '../../support/upstream/listings.ts';
import { testSecret } from '../../support/test-secret.ts';

const opened = useDirectStage();
const tagCount = 120;
const pageSize = 100;
const password = testSecret('ecr-token');

beforeAll(() => {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith('AWS_')))
    vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', testSecret('aws-secret-key'));
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** What AWS is asked, by operation. */
interface Asked {
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
}

function withEcr(repository: ReturnType<typeof createSampleRepository>, asked: Asked[]): Answer {
  const plain = sampleAnswers(repository);
  return async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.', 2)[1];
    if (operation !== undefined) {
      const body = (await json(request)) as Asked['body'];
      asked.push({ operation, body });
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answers[operation]?.(repository, body)));
    } else if (request.headers.authorization === undefined) {
      const challenge = 'Basic realm="https://ecr.example/",service="ecr.amazonaws.com"';
      send(request, response, { status: 401, headers: { 'www-authenticate': challenge } });
    } else if (typeof plain === 'function') await plain(request, response);
  };
}

const answers: Readonly<
  Record<string, (repository: ReturnType<typeof createSampleRepository>, body: Asked['body']) => object>
> = {
  GetAuthorizationToken: () => ({
    authorizationData: [{ authorizationToken: Buffer.from(`AWS:${password}`).toString('base64') }],
  }),
  DescribeImages: (repository, { nextToken }) => {
    const tags = listedTags(repository, new Map());
    const start = Number(nextToken ?? 0);
    const page = tags.slice(start, start + pageSize);
    return {
      imageDetails: page.map(({ name, digest, mediaType }) => ({
        imageDigest: digest,
        imageTags: [name],
        imageManifestMediaType: mediaType,
      })),
      ...(start + pageSize < tags.length && { nextToken: String(start + pageSize) }),
    };
  },
};

test('unchanged tags of ECR cost pages of DescribeImages and a sample; a user name and password cost a HEAD each', async () => {
  const repository = createSampleRepository();
  for (let n = 0; n < tagCount; n += 1)
    addImage(repository, { seed: `ecr-${n}`, layers: [100], tag: `t${n}` });
  const asked: Asked[] = [];
  const scene = await opened.stage.open({ repository, upstream: { fallback: withEcr(repository, asked) } });
  vi.stubEnv('AWS_ENDPOINT_URL_ECR', scene.upstream.url);
  const { harness } = opened.stage;
  const ecr = await insertCredential(harness.em(), harness.secrets, { kind: 'ECR', hosts: ['127.0.0.1'] });
  await harness.updateRemote(scene.ids.remoteId, { credentialId: ecr });
  const heads = async (): Promise<number> => {
    scene.upstream.requests.length = 0;
    expect(await opened.direct.run(scene.ids, false)).toBe(undefined);
    const { requests } = scene.upstream;
    return new Set(requests.filter(({ method }) => method === 'HEAD').map(({ path }) => path)).size;
  };
  await heads();
  expect(await heads()).toBe(2);
  const pages = asked.filter(({ operation }) => operation === 'DescribeImages').map(({ body }) => body);
  const first = { maxResults: 1_000, repositoryName: upstreamName, filter: { tagStatus: 'TAGGED' } };
  expect(pages).toEqual([first, { ...first, nextToken: '100' }]);
  addImage(repository, { seed: 'ecr-moved', layers: [100], tag: 't7' });
  expect(await heads()).toBeLessThan(7);

  const typed = await insertCredential(
    harness.em(),
    harness.secrets,
    { kind: 'STATIC', username: 'AWS' },
    password,
  );
  await harness.updateRemote(scene.ids.remoteId, { credentialId: typed });
  asked.length = 0;
  expect(await heads()).toBe(tagCount);
  expect(asked).toEqual([]);
});
