import { Repository } from '../../../src/db/schema/repositories.ts';
import { addArtifact, addImage, addIndex, createSampleRepository } from '../../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../../src/demo/sample-image.ts';
import type { StageWithApi } from './stage-with-api.ts';
import type { Scene } from './stage.ts';
import { pullPath } from '../api/pull.ts';
import type { HarnessApi } from '../api/harness-api.ts';

type Names = 'index' | 'amd64' | 'arm64' | 'amd64Attestation' | 'arm64Attestation' | 'chart';

let seeds = 0;

/** An index as BuildKit writes it, with a chart that has no platform. */
export function multiArch(): {
  readonly repository: SampleRepository;
  readonly digests: Record<Names, string>;
} {
  seeds += 1;
  const repository = createSampleRepository();
  const imageFor = (architecture: string) =>
    addImage(repository, {
      seed: `platforms-${seeds}-${architecture}`,
      layers: [1_000],
      platform: { os: 'linux', architecture },
    });
  const attestationOf = (subject: { readonly digest: string }, name: string) => ({
    ...addArtifact(repository, {
      seed: `${subject.digest}-${name}`,
      layers: [{ mediaType: 'application/vnd.in-toto+json', sizeBytes: 300 }],
    }),
    platform: { os: 'unknown', architecture: 'unknown' },
    annotations: { 'vnd.docker.reference.digest': subject.digest },
  });
  const amd64 = imageFor('amd64');
  const arm64 = imageFor('arm64');
  const amd64Attestation = attestationOf(amd64, 'amd64');
  const arm64Attestation = attestationOf(arm64, 'arm64');
  const chart = addArtifact(repository, { seed: `chart-${seeds}`, artifactType: 'application/vnd.chart' });
  const manifests = [amd64, arm64, amd64Attestation, arm64Attestation, chart];
  const index = addIndex(repository, { manifests, tag: 'multi' });
  const byName = { index, amd64, arm64, amd64Attestation, arm64Attestation, chart };
  const digests = Object.fromEntries(
    Object.entries(byName).map(([name, { digest }]) => [name, digest]),
  ) as unknown as Record<Names, string>;
  return { repository, digests };
}

export async function names({ harness, ids }: Scene, digests: Record<Names, string>): Promise<string[]> {
  const { latest } = await harness.em().findOneOrFail(Repository, { id: ids.repositoryId });
  const content = await harness.content(ids.repositoryId, latest, 'manifest');
  const byDigest = new Map(Object.entries(digests).map(([name, digest]) => [digest, name]));
  return content.map((digest) => byDigest.get(digest) ?? digest).sort();
}

export const only = (...platforms: string[]) => ({ tagRules: { platforms } });
export const amd64Names = ['amd64', 'amd64Attestation', 'chart', 'index'];
export const allNames = ['amd64', 'amd64Attestation', 'arm64', 'arm64Attestation', 'chart', 'index'];

/** What a version has, by the tests’ names. */
export function platformSteps(given: () => { readonly stage: StageWithApi; readonly api: HarnessApi }) {
  const pull = (name: string, reference: string) =>
    pullPath(given().api.url, `${name}/manifests/${reference}`);

  async function rootsOf(repositoryId: number): Promise<string[]> {
    const rows = await given()
      .stage.harness.em()
      .getConnection()
      .execute<{ digest: string }[]>(
        `select m.digest from root_membership r join manifest m on m.id = r.manifest_id
        where r.repository_id = ${repositoryId} and r.removed_in is null`,
      );
    return rows.map(({ digest }) => digest);
  }

  return { pull, rootsOf };
}
