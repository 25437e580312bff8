/** An image and an index with signatures and referrers in every way that registries have for them, on an upstream whose answers can be replaced. */
import { sql } from 'kysely';
import type { Remote } from '../../src/db/schema/remotes.ts';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import { digestBytes } from '../../src/oci/digest-bytes.ts';
import { digestHex } from '../../src/oci/digest.ts';
import type { Descriptor } from '../../src/oci/manifest/descriptor.ts';
import { atomicPayload } from '../support/signatures/atomic-signature.ts';
import type { Signer } from '../support/signatures/atomic-signature.ts';
import { json } from '../support/upstream/fake-upstream.ts';
import type { Answer } from '../support/upstream/fake-upstream.ts';
import { sampleAnswers } from '../support/upstream/sample-answers.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  signByReferrer,
  signByTag,
} from '../support/signatures/signed-sample.ts';
import { give } from '../support/upstream/wrong-answers.ts';
import type { Scene, Stage } from '../support/sync/stage.ts';

export const variants = ['API', 'fallback tags', 'exact names', 'signature store', 'extension'] as const;
export type Variant = (typeof variants)[number];

const filters: Record<Variant, Partial<Remote>> = {
  API: {},
  'fallback tags': { includeTags: ['v*', 'multi'] },
  'exact names': { includeTags: ['v1', 'multi'] },
  'signature store': { includeTags: ['v1'] },
  extension: { includeTags: ['v1'] },
};

/** What accompanies an image, and the paths whose right answers show it. */
export interface Accompaniment {
  /** As `readContent` has them. */
  readonly items: readonly string[];
  readonly paths: readonly string[];
}

export interface SignedScene {
  readonly scene: Scene;
  readonly variant: Variant;
  readonly images: readonly string[];
  readonly accompaniments: readonly Accompaniment[];
  /** What is in the latest version, by name. */
  readContent(): Promise<string[]>;
  /** Until this is set, an answer has all the time that a busy machine takes. */
  setReadTimeout(seconds: number | null): Promise<void>;
}

/** Answers instead of the upstream; undefined where that is to answer. */
export type Interference = (request: {
  readonly method: string;
  readonly path: string;
}) => Answer | undefined;

let opened = 0;

export async function openSignedScene(
  stage: Stage,
  variant: Variant,
  { signer, interfere }: { readonly signer: Signer; readonly interfere: Interference },
): Promise<SignedScene> {
  opened += 1;
  const sample = await createSample(`${process.pid}-${opened}`, variant, signer);
  const serve = serveSample(sample, variant);
  const fallback: Answer = (request, response) => {
    const answer = interfere({ method: request.method ?? '', path: request.url ?? '' });
    return give(answer ?? serve, request, response);
  };
  const remote = { ...filters[variant], maxRetries: 1, downloadConcurrency: 6 };
  const scene = await stage.open({ repository: sample.repository, upstream: { fallback }, remote });
  if (variant === 'signature store')
    await stage.harness.updateRemote(scene.ids.remoteId, { sigstore: `${scene.upstream.url}/sigs` });
  return {
    scene,
    variant,
    images: sample.images,
    accompaniments: sample.accompaniments,
    readContent: () => readContent(stage, scene.ids.repositoryId),
    setReadTimeout: (sockReadTimeout) =>
      stage.harness.updateRemote(scene.ids.remoteId, { sockReadTimeout, updatedAt: new Date() }),
  };
}

interface Sample {
  readonly repository: SampleRepository;
  readonly images: readonly string[];
  readonly accompaniments: readonly Accompaniment[];
  /** By path. */
  readonly atomic: ReadonlyMap<string, Answer>;
}

async function createSample(name: string, variant: Variant, signer: Signer): Promise<Sample> {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: name, layers: [60], tag: 'v1' });
  if (variant === 'signature store' || variant === 'extension') {
    const atomic = await signAtomically(image, variant, signer);
    return { repository, ...atomic, images: [`tag v1 ${image.digest}`] };
  }
  const child = addImage(repository, { seed: `${name}-child`, layers: [50] });
  const index = addIndex(repository, { manifests: [child], tag: 'multi' });
  const other = addImage(repository, { seed: `${name}-two`, layers: [40], tag: 'v2' });
  const accompaniments = [image, child].map((subject): Accompaniment => {
    const signature = signByTag(repository, subject);
    const tag = companionName(subject, '.sig');
    return {
      items: [`tag ${tag} ${signature.digest}`, ...itemsOf(repository, signature)],
      paths: [`/manifests/${tag}`, `/manifests/${signature.digest}`],
    };
  });
  const referrers = [signByReferrer(repository, index), attach(repository, index, 'application/spdx+json')];
  const fallback = `/manifests/${companionName(index)}`;
  if (variant === 'fallback tags') {
    const list = addIndex(repository, { manifests: referrers, tag: companionName(index) });
    const items = referrers.flatMap((referrer) => itemsOf(repository, referrer));
    accompaniments.push({
      items: [`tag ${companionName(index)} ${list.digest}`, `manifest ${list.digest}`, ...items],
      paths: [fallback, `/manifests/${list.digest}`],
    });
  } else
    for (const referrer of referrers)
      accompaniments.push({
        items: itemsOf(repository, referrer),
        paths: [`/referrers/${index.digest}`, `/manifests/${referrer.digest}`],
      });
  const others = variant === 'exact names' ? [] : [`tag v2 ${other.digest}`];
  const images = [`tag v1 ${image.digest}`, `tag multi ${index.digest}`, ...others];
  return { repository, images, accompaniments, atomic: new Map() };
}

async function signAtomically(
  { digest }: Descriptor,
  variant: Variant,
  signer: Signer,
): Promise<Pick<Sample, 'atomic' | 'accompaniments'>> {
  const signatures = [
    await signer.sign(atomicPayload(digest)),
    await signer.sign(atomicPayload(digest, { creator: 'b' })),
  ];
  const list = `/extensions/v2/library/app/signatures/${digest}`;
  const named = signatures.map((content, at) => ({
    content,
    path:
      variant === 'extension' ? list : `/sigs/library/app@${digest.replace(':', '=')}/signature-${at + 1}`,
    item: `signature ${digest}@${digestHex(digestBytes(content)).slice(0, 32)}`,
  }));
  const accompaniments = named.map(({ path, item }) => ({ items: [item], paths: [path] }));
  const entries = signatures.map((content) => ({
    schemaVersion: 2,
    type: 'atomic',
    content: content.toString('base64'),
  }));
  const atomic = new Map<string, Answer>(
    variant === 'extension'
      ? [[list, json({ signatures: entries })]]
      : named.map(({ path, content }) => [path, { body: content }]),
  );
  return { atomic, accompaniments };
}

function itemsOf(repository: SampleRepository, { digest }: Descriptor): string[] {
  const text = repository.manifests.get(digest)?.bytes.toString() ?? '{}';
  const { config, layers } = JSON.parse(text) as { config: Descriptor; layers: Descriptor[] };
  return [`manifest ${digest}`, ...[config, ...layers].map((blob) => `blob ${blob.digest}`)];
}

function serveSample({ repository, atomic }: Sample, variant: Variant): Answer {
  const others = variant === 'fallback tags' ? sampleAnswers(repository) : answersWithReferrers(repository);
  return (request, response) => {
    const path = request.url ?? '';
    if (variant === 'extension' && path === '/v2/')
      return give(json({}, { 'x-registry-supports-signatures': '1' }), request, response);
    return give(atomic.get(path) ?? others, request, response);
  };
}

async function readContent(stage: Stage, repositoryId: number): Promise<string[]> {
  const found = await sql<{ what: string }>`
    select 'tag ' || t.name || ' ' || m.digest as what from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.removed_in is null
    union all
    select p.kind || ' ' || coalesce(m.digest, b.digest, s.name) from membership p
      left join manifest m on p.kind = 'manifest' and m.id = p.content_id
      left join blob b on p.kind = 'blob' and b.id = p.content_id
      left join signature s on p.kind = 'signature' and s.id = p.content_id
    where p.repository_id = ${repositoryId} and p.removed_in is null`.execute(kysely(stage.harness.em()));
  return found.rows.map(({ what }) => what).sort();
}
