/** What distribution-spec says of pushing, a row a sentence. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addArtifact,
  addImage,
  addIndex,
  createSampleRepository,
  moveTag,
} from '../../../src/demo/sample-image.ts';
import { digestBytes } from '../../../src/oci/digest-bytes.ts';
import { mediaTypes } from '../../../src/oci/manifest/media-type.ts';
import { errorCode, startPushScene } from '../../support/api/push-scene.ts';
import type { PushScene } from '../../support/api/push-scene.ts';

let scene: PushScene;
beforeAll(async () => {
  scene = await startPushScene();
});
afterAll(() => scene?.close());
const absent = digestBytes(Buffer.from('nobody has this'));

describe('manifests', () => {
  test('each PUT makes one version, the same again none; a moved tag leaves what it was pullable by digest', async () => {
    const content = createSampleRepository();
    const first = addImage(content, { seed: 'first', layers: [500], tag: 'now' });
    const other = addImage(content, { seed: 'second', layers: [600] });
    for (const [blob, body] of content.blobs) await scene.pushBlob('moves', blob, body);
    const put = (reference: string, image: string) => {
      const document = [...content.manifests.values()].find((one) => one.digest === image);
      return scene.send('PUT', `/v2/moves/manifests/${reference}`, {
        headers: { 'content-type': mediaTypes.ociManifest },
        body: document?.bytes,
      });
    };
    const versions = [];
    for (const image of [first.digest, first.digest, other.digest]) {
      const answer = await put('now', image);
      expect([answer.status, answer.headers['docker-content-digest']]).toEqual([201, image]);
      expect(answer.headers.location).toBe(`/v2/moves/manifests/${image}`);
      versions.push(await scene.latest('moves'));
    }
    expect(versions).toEqual([1, 1, 2]);
    const tagged = await scene.send('HEAD', '/v2/moves/manifests/now');
    expect(tagged.headers['docker-content-digest']).toBe(other.digest);
    expect((await scene.send('HEAD', `/v2/moves/manifests/${first.digest}`)).status).toBe(200);
    expect((await scene.send('DELETE', '/v2/moves/manifests/now')).status).toBe(202);
    expect((await scene.send('DELETE', '/v2/moves/manifests/now')).status).toBe(404);
    expect((await scene.send('HEAD', `/v2/moves/manifests/${other.digest}`)).status).toBe(200);
    expect((await scene.send('DELETE', `/v2/moves/manifests/${other.digest}`)).status).toBe(202);
    expect((await scene.send('HEAD', `/v2/moves/manifests/${other.digest}`)).status).toBe(404);
    expect(await scene.latest('moves')).toBe(4);
  });

  test('an index keeps its manifests from being deleted before it', async () => {
    const content = createSampleRepository();
    const image = addImage(content, { seed: 'child', layers: [500] });
    const index = addIndex(content, { manifests: [image], tag: 'multi' });
    await scene.pushSample('indexes', content);
    const held = await scene.send('DELETE', `/v2/indexes/manifests/${image.digest}`);
    expect([held.status, errorCode(held)]).toEqual([405, 'UNSUPPORTED']);
    expect(String(held.body)).toContain(index.digest);
    for (const one of [index, image])
      expect((await scene.send('DELETE', `/v2/indexes/manifests/${one.digest}`)).status).toBe(202);
  });

  test('a subject that is absent is accepted and named; the referrers list has it', async () => {
    const content = createSampleRepository();
    const subject = { mediaType: mediaTypes.ociManifest, digest: absent, size: 10 };
    const artifact = addArtifact(content, { seed: 'sbom', artifactType: 'application/sbom', subject });
    for (const [blob, body] of content.blobs) await scene.pushBlob('subjects', blob, body);
    const answer = await scene.send('PUT', `/v2/subjects/manifests/${artifact.digest}`, {
      headers: { 'content-type': mediaTypes.ociManifest },
      body: content.manifests.get(artifact.digest)?.bytes,
    });
    expect([answer.status, answer.headers['oci-subject']]).toEqual([201, absent]);
    expect(String((await scene.send('GET', `/v2/subjects/referrers/${absent}`)).body)).toContain(
      artifact.digest,
    );
  });

  test('pushing to a name that is unknown creates the repository and lists it', async () => {
    const content = createSampleRepository();
    moveTag(content, 'v2', addImage(content, { seed: 'new', layers: [500], tag: 'v1' }));
    await scene.pushSample('brand/new', content);
    const { data } = await scene.api.graphql(
      '{ repositories(first: 50, name: "brand/*") { nodes { name } } }',
    );
    expect(data?.repositories.nodes).toEqual([{ name: 'brand/new' }]);
    expect(String((await scene.send('GET', '/v2/brand/new/tags/list')).body)).toContain('["v1","v2"]');
  });
});
