/**
 * Issue 13, "What must be shown": one request of a mirror sync that is answered wrongly, once or always, never costs anything that the upstream
 * still serves: tags, manifests, blobs, signatures. FAULT_RUNS and FAULT_SEED say how many, and which.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { absences, wrongAnswers, wrongNames } from '../support/upstream/wrong-answers.ts';
import { readSeed, useDirectStage } from '../support/sync/direct-stage.ts';
import { openSignedScene, variants } from './signed-scene.ts';
import type { SignedScene, Variant } from './signed-scene.ts';

const runs = Number(process.env['FAULT_RUNS'] ?? 150);
const seed = readSeed('FAULT_SEED');
/** Most of the time is waited for answers that do not come. */
const lanesAVariant = 4;
const readTimeoutSeconds = 0.5;
const tellEvery = 500;

const opened = useDirectStage();

interface Fault {
  /** Which request of an undisturbed sync, by its number. */
  readonly request: number;
  readonly name: string;
  readonly isAlways: boolean;
}

interface Lane {
  readonly signed: SignedScene;
  /** Runs a mirror sync with the fault, and answers how it ended. */
  run(fault: Fault): Promise<{ readonly told: string; readonly code: string; readonly lost: string[] }>;
}

async function openLane(variant: Variant): Promise<Lane> {
  let fault: { readonly route: string; readonly name: string; readonly isAlways: boolean } | undefined;
  const signed = await openSignedScene(opened.stage, variant, {
    signer: opened.signer,
    interfere: ({ method, path }) => {
      if (fault === undefined || `${method} ${path}` !== fault.route) return undefined;
      const answer = wrongAnswers[fault.name];
      if (!fault.isAlways) fault = undefined;
      return answer;
    },
  });
  const { scene, accompaniments } = signed;
  expect(await opened.direct.run(scene.ids, false)).toBe(undefined);
  scene.upstream.requests.length = 0;
  expect(await opened.direct.run(scene.ids, true)).toBe(undefined);
  const routes = scene.upstream.requests.map(({ method, path }) => `${method} ${path}`);
  const whole = await signed.readContent();
  await signed.setReadTimeout(readTimeoutSeconds);
  for (const { items } of accompaniments) expect(whole).toEqual(expect.arrayContaining([...items]));
  /** What has one address only is not served any more where that always answers that it is not there. */
  const isUnserved = ({ name, isAlways }: Fault, route: string, item: string) =>
    isAlways &&
    absences.has(name) &&
    item.startsWith('signature ') &&
    accompaniments.some(({ items, paths }) => items.includes(item) && paths.includes(route.slice(4)));
  return {
    signed,
    async run(wish) {
      scene.upstream.requests.length = 0;
      const route = routes[wish.request % routes.length] ?? '';
      fault = { ...wish, route };
      const code = (await opened.direct.run(scene.ids, true)) ?? 'COMPLETED';
      fault = undefined;
      const told = `${variant}: ${route} answered ${wish.name} ${wish.isAlways ? 'always' : 'once'} (FAULT_SEED=${seed})`;
      // what a wrong answer brings is no loss: the next sync finds that it is not there
      const content = new Set(await signed.readContent());
      const missing = whole.filter((one) => !content.has(one));
      const lost = missing.filter((one) => !isUnserved(wish, route, one));
      if (missing.length > 0 && lost.length === 0) await restore(scene.ids, signed, whole);
      return { told, code, lost };
    },
  };
}

async function restore(
  ids: { repositoryId: number; remoteId: number },
  signed: SignedScene,
  whole: readonly string[],
): Promise<void> {
  await signed.setReadTimeout(null);
  expect(await opened.direct.run(ids, true)).toBe(undefined);
  expect(await signed.readContent()).toEqual(expect.arrayContaining([...whole]));
  await signed.setReadTimeout(readTimeoutSeconds);
}

test(
  'one request of a mirror sync that is answered wrongly, once or always, costs nothing',
  async () => {
    const faults = fc.sample(
      fc.record({
        request: fc.nat(1_000_000),
        name: fc.constantFrom(...wrongNames),
        isAlways: fc.boolean(),
      }),
      { seed, numRuns: runs },
    );
    const outcomes = new Map<string, number>();
    let done = 0;
    const tell = (what: string) =>
      process.stdout.write(
        `${new Date().toISOString()} ${what}, FAULT_SEED=${seed}: ${JSON.stringify(Object.fromEntries(outcomes))}\n`,
      );
    const kinds = Array.from({ length: lanesAVariant }, () => variants).flat();
    await Promise.all(
      kinds.map(async (variant, number) => {
        const lane = await openLane(variant);
        for (const fault of faults.filter((_, at) => at % kinds.length === number)) {
          const { told, code, lost } = await lane.run(fault);
          expect({ told, lost }).toEqual({ told, lost: [] });
          outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
          done += 1;
          if (done % tellEvery === 0) tell(`${done} of ${runs} single faults`);
        }
        await lane.signed.scene.upstream.close();
      }),
    );
    expect(done).toBe(runs);
    if (process.env['FAULT_RUNS'] !== undefined) tell(`all ${runs} single faults, nothing lost`);
  },
  120_000 + runs * 1_000,
);
