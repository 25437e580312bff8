import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  copyContent,
  removeContent,
  restoreVersion,
  tagManifest,
  untag,
} from '../../../src/db/versions/change-content.ts';
import { toGlobalId } from '../../../src/operations/global-id.ts';
import { isTidemarkError } from '../../../src/oci/error.ts';
import { everything } from '../../../src/db/access/visibility.ts';
import { startApi } from '../../support/api/api-server.ts';
import type { ApiUnderTest } from '../../support/api/api-server.ts';
import { insertRepository } from '../../support/api/content.ts';
import { insertSample, readContent } from '../../support/api/sample-repository.ts';
import type { HeldContent, SampleContent } from '../../support/api/sample-repository.ts';
import { contentModel, diffQuery } from '../../support/api/content-model.ts';

let api: ApiUnderTest;
let samples: SampleContent[];
beforeAll(async () => {
  api = await startApi();
  samples = [await insertSample(api, 'diff/a'), await insertSample(api, 'diff/b')];
});
afterAll(() => api.close());

let sizes: Map<string, number>;

/** mulberry32: the same numbers from the same seed on every machine. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Model {
  readonly tags: Map<string, string>;
  /** `<name> <digest>`. */
  readonly roots: Set<string>;
}

interface Play {
  readonly repositoryId: number;
  readonly random: (below: number) => number;
  readonly versions: Model[];
}

/** Index → its images; what has no entry has no children. */
function childrenOf(digest: string): string[] {
  const sample = samples.find(({ digests }) => digests.list === digest);
  return sample === undefined ? [] : [sample.digests.amd, sample.digests.arm];
}

function manifestsOf({ tags, roots }: Model): Set<string> {
  const starts = [...tags.values(), ...[...roots].map((root) => root.split(' ')[1] ?? '')];
  return new Set(starts.flatMap((digest) => [digest, ...childrenOf(digest)]));
}

function setTag(model: Model, name: string, digest: string): void {
  const old = model.tags.get(name);
  if (old === digest) return;
  if (old !== undefined) model.roots.add(`${name} ${old}`);
  model.tags.set(name, digest);
  model.roots.delete(`${name} ${digest}`);
}

function pick<T>({ random }: Play, from: readonly T[]): T {
  const picked = from[random(from.length)];
  if (picked === undefined) throw new Error('nothing to pick from');
  return picked;
}

/** One random change, made and played; `expected` is null where it must be refused. */
async function step(
  play: Play,
): Promise<{ readonly expected: Model | null; readonly made: Promise<unknown> }> {
  const { repositoryId, random, versions } = play;
  const latest = versions.at(-1) ?? { tags: new Map(), roots: new Set() };
  const model: Model = { tags: new Map(latest.tags), roots: new Set(latest.roots) };
  const em = api.database.em;
  const present = [...manifestsOf(model)].sort();
  const name = pick(play, ['list', 'plain', 'also', 'x', 'y']);
  const kind = present.length === 0 ? 0 : random(7);
  if (kind <= 1) {
    const sample = pick(play, samples);
    const all = await readContent(api, sample.repositoryId, 1);
    const tags = random(3) === 0 ? null : [pick(play, ['list', 'plain', 'also'])];
    for (const [tag, digest] of Object.entries(all.tags))
      if (tags === null || tags.includes(tag)) setTag(model, tag, digest);
    if (tags === null) for (const root of all.roots) model.roots.add(root);
    const source = { repositoryId: sample.repositoryId, number: 1 };
    return {
      expected: model,
      made: copyContent(em, { repositoryId, source, tags, usableRemotes: everything }),
    };
  }
  if (kind <= 3) {
    const digest = pick(play, present);
    setTag(model, name, digest);
    return { expected: model, made: tagManifest(em, { repositoryId, tag: name, digest }) };
  }
  if (kind === 4) {
    const old = model.tags.get(name);
    model.tags.delete(name);
    if (old !== undefined) model.roots.add(`${name} ${old}`);
    return {
      expected: old === undefined ? null : model,
      made: untag(em, { repositoryId, tag: name }),
    };
  }
  if (kind === 5) {
    const digests = [pick(play, present)];
    const tags = model.tags.has(name) ? [name] : [];
    for (const tag of tags) model.tags.delete(tag);
    for (const [tag, digest] of model.tags) if (digests.includes(digest)) model.tags.delete(tag);
    for (const root of model.roots) if (digests.includes(root.split(' ')[1] ?? '')) model.roots.delete(root);
    const isHeld = digests.some((digest) => manifestsOf(model).has(digest));
    return { expected: isHeld ? null : model, made: removeContent(em, { repositoryId, tags, digests }) };
  }
  const number = 1 + random(versions.length);
  return {
    expected: versions[number - 1] ?? null,
    made: restoreVersion(em, { repositoryId, number }),
  };
}

function plain({ tags, roots }: Model) {
  return { tags: Object.fromEntries(tags), roots: [...roots].sort() };
}

const { diff, compare, readSizes } = contentModel(() => ({ api, samples, sizes }));

describe('random changes against a plain model', () => {
  test.each([1, 2, 3])('seed %i: every version, and every difference', async (seed) => {
    const repositoryId = await insertRepository(api, `random/${seed}`);
    const play: Play = { repositoryId, random: randomFrom(seed), versions: [] };
    for (let count = 0; count < 40; count += 1) {
      const { expected, made } = await step(play);
      const before = play.versions.at(-1);
      const outcome = await made.catch((error: unknown) => error);
      if (expected === null) {
        expect(isTidemarkError(outcome)).toBe(true);
        continue;
      }
      const isSame =
        before !== undefined && JSON.stringify(sorted(before)) === JSON.stringify(sorted(expected));
      expect(outcome).toEqual({ createdVersion: isSame ? null : play.versions.length + 1 });
      if (!isSame) play.versions.push(expected);
    }
    expect(play.versions.length).toBeGreaterThan(10);
    const contents = [];
    for (const [index, version] of play.versions.entries()) {
      const content = await readContent(api, repositoryId, index + 1);
      expect({ tags: content.tags, roots: content.roots }).toEqual(plain(version));
      expect(content.manifests).toEqual([...manifestsOf(version)].sort());
      expect(content.blobs).toEqual(await readBlobsOf(content.manifests));
      contents.push(content);
    }
    await checkCounts(repositoryId, contents);
    sizes = await readSizes();
    for (let count = 0; count < 25; count += 1) {
      const [one, other] = [play.random(contents.length), play.random(contents.length)];
      const [from, to] = [contents[one], contents[other]];
      if (from === undefined || to === undefined) throw new Error('no such version');
      expect(await diff([repositoryId, one + 1], [repositoryId, other + 1])).toEqual(compare(from, to));
    }
    const [sample] = samples;
    const [last] = contents.slice(-1);
    if (sample === undefined || last === undefined) throw new Error('nothing to compare');
    const across = compare(await readContent(api, sample.repositoryId, 1), last);
    expect(await diff([sample.repositoryId, 1], [repositoryId, contents.length])).toEqual(across);
    for (const change of ['ADDED', 'MOVED', 'REMOVED']) {
      const tags = across.tags.filter((tag) => tag.change === change);
      expect(await diff([sample.repositoryId, 1], [repositoryId, contents.length], change)).toEqual({
        ...across,
        totalCount: tags.length,
        tags,
      });
    }
  });

  test('costs three statements, whatever the distance', async () => {
    const [{ latest = 0 } = {}] = await api.sql("select latest from repository where name = 'random/1'");
    const [{ id = 0 } = {}] = await api.sql("select id from repository where name = 'random/1'");
    const ask = (to: number) =>
      api.graphql(diffQuery, {
        from: toGlobalId('RepositoryVersion', Number(id), 1),
        to: toGlobalId('RepositoryVersion', Number(id), to),
      });
    expect(await api.countStatements(() => ask(2))).toBe(3);
    expect(await api.countStatements(() => ask(Number(latest)))).toBe(3);
  });
});

async function readBlobsOf(manifests: readonly string[]): Promise<string[]> {
  const rows = await api.sql(
    `select distinct b.digest from manifest m join manifest_blob edge on edge.manifest_id = m.id join blob b on b.id = edge.blob_id
     where m.digest = any($1)`,
    [manifests],
  );
  return rows.map((row) => String(row['digest'])).sort();
}

function sorted({ tags, roots }: Model) {
  return [[...tags].sort(([a], [b]) => (a < b ? -1 : 1)), [...roots].sort()];
}

async function checkCounts(repositoryId: number, contents: readonly HeldContent[]): Promise<void> {
  const rows = await api.sql(
    `select counts->'present' as present from repository_version where repository_id = $1 order by number`,
    [repositoryId],
  );
  expect(rows.map((row) => row['present'])).toEqual(
    contents.map(({ tags, manifests, blobs }) => ({
      tags: Object.keys(tags).length,
      manifests: manifests.length,
      blobs: blobs.length,
      signatures: 0,
    })),
  );
}
