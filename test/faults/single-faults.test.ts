/**
 * Issue 13, "What must be shown": side look-ups that are answered wrongly never cost an image, and one request of a mirror sync that is
 * answered wrongly never costs anything that the upstream still serves. FAULT_RUNS and FAULT_SEED say how many, and which.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kysely } from '../../src/db/sql.ts';
import { addImage, addIndex, createSampleRepository } from '../../src/demo/sample-image.ts';
import type { SampleRepository } from '../../src/demo/sample-image.ts';
import type { Remote } from '../../src/db/entities.ts';
import { openDirectSync } from '../support/direct-sync.ts';
import type { DirectSync } from '../support/direct-sync.ts';
import type { Answer } from '../support/fake-upstream.ts';
import { sampleAnswers } from '../support/sample-answers.ts';
import {
  answersWithReferrers,
  attach,
  companionName,
  signByReferrer,
  signByTag,
} from '../support/signed-sample.ts';
import { give, wrongAnswers, wrongNames } from '../support/wrong-answers.ts';
import { openStage } from './scene.ts';
import type { Scene, Stage } from './scene.ts';

const runs = Number(process.env['FAULT_RUNS'] ?? 150);
const seed = Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 31));

let stage: Stage;
let direct: DirectSync;
beforeAll(async () => {
  stage = await openStage();
  direct = openDirectSync(stage.harness);
});
afterAll(async () => {
  await direct.close();
  await stage.close();
});

type Variant = 'with the API' | 'without the API' | 'exact names';
const variants: readonly Variant[] = ['with the API', 'without the API', 'exact names'];
const filters: Record<Variant, Partial<Remote>> = {
  'with the API': {},
  'without the API': { includeTags: ['v*', 'multi'] },
  'exact names': { includeTags: ['v1', 'multi'] },
};

/** An image, an index and their signatures, in all the ways that a registry of this kind has for them. */
function signedRepository(name: string, variant: Variant): SampleRepository {
  const repository = createSampleRepository();
  const image = addImage(repository, { seed: name, layers: [60], tag: 'v1' });
  const child = addImage(repository, { seed: `${name}-child`, layers: [50] });
  const index = addIndex(repository, { manifests: [child], tag: 'multi' });
  addImage(repository, { seed: `${name}-two`, layers: [40], tag: 'v2' });
  signByTag(repository, image);
  signByTag(repository, child);
  const referrers = [signByReferrer(repository, index), attach(repository, index, 'application/spdx+json')];
  if (variant === 'without the API')
    addIndex(repository, { manifests: referrers, tag: companionName(index) });
  return repository;
}

const serve = (repository: SampleRepository, variant: Variant): Answer =>
  variant === 'without the API' ? sampleAnswers(repository) : answersWithReferrers(repository);

/** What is in the latest version, by name. */
async function readContent({ repositoryId }: Scene['ids']): Promise<string[]> {
  const found = await sql<{ what: string }>`
    select 'tag ' || t.name || ' ' || m.digest as what from tag_membership t join manifest m on m.id = t.manifest_id
    where t.repository_id = ${repositoryId} and t.removed_in is null
    union all
    select p.kind || ' ' || coalesce(m.digest, b.digest, s.signed_digest || s.name) from membership p
      left join manifest m on p.kind = 'manifest' and m.id = p.content_id
      left join blob b on p.kind = 'blob' and b.id = p.content_id
      left join signature s on p.kind = 'signature' and s.id = p.content_id
    where p.repository_id = ${repositoryId} and p.removed_in is null`.execute(kysely(stage.harness.em()));
  return found.rows.map(({ what }) => what).sort();
}

async function open(repository: SampleRepository, variant: Variant, fallback: Answer): Promise<Scene> {
  const remote = { ...filters[variant], maxRetries: 1, sockReadTimeout: 0.4, downloadConcurrency: 6 };
  return stage.open({ repository, upstream: { fallback }, remote });
}

let opened = 0;

/** Requests for what only accompanies images. */
function isSide(path: string, referrers: ReadonlySet<string>): boolean {
  if (path === '/v2/' || path.includes('/referrers/') || path.includes('/manifests/sha256-')) return true;
  const digest = /\/manifests\/(sha256:[0-9a-f]+)$/.exec(path)?.[1];
  return digest !== undefined && referrers.has(digest);
}

test(
  'no answer to a side look-up loses, removes or fails an image',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...variants),
        fc.array(fc.tuple(fc.constantFrom(...wrongNames), fc.boolean()), { minLength: 8, maxLength: 24 }),
        async (variant, script) => {
          opened += 1;
          const repository = signedRepository(`side-${process.pid}-${opened}`, variant);
          const good = serve(repository, variant);
          const referrers = new Set(
            [...repository.manifests.values()].flatMap(({ digest, bytes }) =>
              bytes.includes('"subject"') ? [digest] : [],
            ),
          );
          let isWrong = true;
          let at = 0;
          const scene = await open(repository, variant, async (request, response) => {
            const [name = '', answersWell = true] = script[at % script.length] ?? [];
            const side = isSide((request.url ?? '').split('?', 1)[0] ?? '', referrers);
            if (side) at += 1;
            const answer = side && isWrong && !answersWell ? wrongAnswers[name] : good;
            await give(answer ?? good, request, response);
          });
          const images = ['v1', 'v2', 'multi'].filter((tag) => tag !== 'v2' || variant !== 'exact names');
          const expectImages = async () => {
            const content = await readContent(scene.ids);
            for (const tag of images) expect(content).toContain(`tag ${tag} ${repository.tags.get(tag)}`);
          };
          expect(await direct.run(scene.ids, false)).toBe(undefined);
          await expectImages();
          isWrong = false;
          expect(await direct.run(scene.ids, false)).toBe(undefined);
          await expectImages();
          isWrong = true;
          expect(await direct.run(scene.ids, true)).toBe(undefined);
          await expectImages();
          await scene.upstream.close();
        },
      ),
      { seed, numRuns: Math.ceil(runs / 10), endOnFailure: true },
    );
  },
  120_000 + runs * 300,
);

test(
  'one request of a mirror sync that is answered wrongly, once or always, costs nothing',
  async () => {
    const random = fc.sample(
      fc.record({
        request: fc.nat(1_000_000),
        name: fc.constantFrom(...wrongNames),
        isAlways: fc.boolean(),
      }),
      { seed, numRuns: runs },
    );
    const outcomes = new Map<string, number>();
    let done = 0;
    const tell = (count: number) =>
      process.stdout.write(
        `${count} single faults, FAULT_SEED=${seed}: ${JSON.stringify(Object.fromEntries(outcomes))}\n`,
      );
    // most of the time is waited for answers that do not come
    const lanes = [...variants, ...variants, ...variants];
    await Promise.all(
      lanes.map(async (variant, lane) => {
        opened += 1;
        const repository = signedRepository(`single-${process.pid}-${opened}`, variant);
        const good = serve(repository, variant);
        let fault: { readonly route: string; readonly name: string; readonly isAlways: boolean } | undefined;
        const scene = await open(repository, variant, async (request, response) => {
          const isHit = fault !== undefined && `${request.method} ${request.url}` === fault.route;
          const answer = isHit ? wrongAnswers[fault?.name ?? ''] : undefined;
          if (isHit && fault?.isAlways === false) fault = undefined;
          await give(answer ?? good, request, response);
        });
        expect(await direct.run(scene.ids, false)).toBe(undefined);
        scene.upstream.requests.length = 0;
        expect(await direct.run(scene.ids, true)).toBe(undefined);
        const routes = scene.upstream.requests.map(({ method, path }) => `${method} ${path}`);
        const whole = await readContent(scene.ids);
        for (const { request, name, isAlways } of random.filter((_, at) => at % lanes.length === lane)) {
          scene.upstream.requests.length = 0;
          const route = routes[request % routes.length] ?? '';
          fault = { route, name, isAlways };
          const code = await direct.run(scene.ids, true);
          fault = undefined;
          outcomes.set(code ?? 'COMPLETED', (outcomes.get(code ?? 'COMPLETED') ?? 0) + 1);
          done += 1;
          if (done % 1_000 === 0) tell(done);
          const told = `${variant}: ${route} answered ${name} ${isAlways ? 'always' : 'once'} (FAULT_SEED=${seed})`;
          // what a wrong answer brings is no loss: the next sync finds that it is not there
          const content = new Set(await readContent(scene.ids));
          const lost = whole.filter((one) => !content.has(one));
          expect({ told, lost }).toEqual({ told, lost: [] });
        }
      }),
    );
    expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(runs);
    if (process.env['FAULT_RUNS'] !== undefined) tell(runs);
  },
  120_000 + runs * 1_000,
);
