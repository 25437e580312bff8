/** Remotes that take some platforms, and upstreams that lack some (docs/selection.md, "Platforms"). */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Repository } from '../../../src/db/schema/repositories.ts';
import { addArtifact, addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { formatPlatform } from '../../../src/oci/manifest/descriptor.ts';
import type { Descriptor } from '../../../src/oci/manifest/descriptor.ts';
import { openStageWithApi } from '../../support/sync/stage-with-api.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import type { HarnessApi } from '../../support/api/harness-api.ts';
import { openDirectSync } from '../../support/sync/direct-sync.ts';
import { platformSteps } from '../../support/sync/multi-arch.ts';

let stage: StageWithApi;
let api: HarnessApi;

beforeAll(async () => {
  stage = await openStageWithApi();
  ({ api } = stage);
});

afterAll(() => stage?.close());

const { rootsOf } = platformSteps(() => ({ stage, api }));

test('random indexes and platforms: each version has exactly what the rule takes', async () => {
  const { harness } = stage;
  const direct = openDirectSync(harness);
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x', 'linux/arm/v6'];
  const repository = createSampleRepository();
  const images = platforms.map((platform, at) => {
    const [os = '', architecture = '', variant] = platform.split('/');
    return addImage(repository, {
      seed: `random-platforms-${process.pid}-${at}`,
      layers: [100],
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    });
  });
  const scene = await stage.open({ repository });
  const { repositoryId, remoteId } = scene.ids;
  const [base] = images;
  const child = fc.record({
    at: fc.nat({ max: 3 }),
    depth: fc.nat({ max: 2 }),
    withAttestation: fc.boolean(),
  });
  const step = fc.record({
    tag: fc.constantFrom('a', 'b', 'c'),
    children: fc.array(child, { maxLength: 4 }),
    taken: fc.subarray(platforms.slice(1)),
    takesAll: fc.boolean(),
    mirror: fc.boolean(),
  });
  try {
    await fc.assert(
      fc.asyncProperty(step, async ({ tag, children, taken, takesAll, mirror }) => {
        const entries = children.flatMap(({ at, depth, withAttestation }) =>
          withParents(repository, images[at] as Descriptor, { depth, withAttestation }),
        );
        // the first image keeps the tag
        addIndex(repository, { manifests: [base as Descriptor, ...entries], tag });
        const rule = takesAll ? null : ['linux/amd64', ...taken];
        await harness.updateRemote(remoteId, { tagRules: rule === null ? {} : { platforms: rule } });
        expect(await direct.run({ repositoryId, remoteId }, mirror)).toBeUndefined();
        const { latest } = await harness.em().findOneOrFail(Repository, { id: repositoryId });
        const content = await harness.content(repositoryId, latest, 'manifest');
        const selected = closure(repository, [...repository.tags.values()], rule);
        // an additive sync keeps the former manifests of moved tags
        const kept = closure(repository, mirror ? [] : await rootsOf(repositoryId), null);
        expect([...selected].filter((digest) => !content.includes(digest))).toEqual([]);
        expect(content.filter((digest) => !selected.has(digest) && !kept.has(digest))).toEqual([]);
      }),
      { seed: 1612, numRuns: 12, endOnFailure: true },
    );
  } finally {
    await direct.close();
  }
});

/** An entry for an image, below indexes, and an attestation beside it. */
function withParents(
  repository: SampleRepository,
  subject: Descriptor,
  { depth, withAttestation }: { readonly depth: number; readonly withAttestation: boolean },
): Descriptor[] {
  const attestation = {
    ...addArtifact(repository, {
      seed: `attestation-${subject.digest}`,
      artifactType: 'application/vnd.attestation',
    }),
    annotations: { 'vnd.docker.reference.digest': subject.digest },
  };
  const entries = withAttestation ? [subject, attestation] : [subject];
  let below: Descriptor[] = entries;
  for (let level = 0; level < depth; level += 1) below = [addIndex(repository, { manifests: below })];
  return below;
}

/** The manifests below the roots that the platforms take. */
function closure(
  repository: SampleRepository,
  roots: readonly string[],
  platforms: readonly string[] | null,
): Set<string> {
  const reached = new Set<string>();
  const waiting = [...roots];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    if (reached.has(digest)) continue;
    reached.add(digest);
    const { manifests = [] } = JSON.parse(
      String(repository.manifests.get(digest as Digest)?.bytes ?? '{}'),
    ) as { manifests?: (Descriptor & { annotations?: Record<string, string> })[] };
    const isTaken = (platform: Descriptor['platform']) =>
      platforms === null || platform === undefined || platforms.includes(formatPlatform(platform));
    for (const entry of manifests) {
      const subject = manifests.find(
        (other) => other.digest === entry.annotations?.['vnd.docker.reference.digest'],
      );
      if (isTaken((subject ?? entry).platform)) waiting.push(entry.digest);
    }
  }
  return reached;
}
