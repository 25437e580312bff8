/** Issue 13, "What must be shown": side look-ups that are answered at random never cost an image. SIDE_RUNS and SIDE_SEED say how many, and which. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrongAnswers, wrongNames } from '../support/upstream/wrong-answers.ts';
import { readSeed, useDirectStage } from '../support/sync/direct-stage.ts';
import { openSignedScene, variants } from './signed-scene.ts';
import type { Accompaniment, SignedScene, Variant } from './signed-scene.ts';

const runs = Number(process.env['SIDE_RUNS'] ?? 15);
const seed = readSeed('SIDE_SEED');

/** Each waits for answers that do not come, most of the time. */
const lanes = 3;
/** Longer than a busy machine takes for a right answer. */
const readTimeoutSeconds = 2;

const opened = useDirectStage();

type Script = readonly (readonly [name: string, isRight: boolean])[];

interface RandomScene extends SignedScene {
  isWrong: boolean;
  /** Side look-ups of the last sync: the path, and whether the answer was right. */
  readonly answered: { readonly path: string; readonly isRight: boolean }[];
}

async function openRandom(variant: Variant, script: Script): Promise<RandomScene> {
  let at = 0;
  const sides = new Set<string>();
  const signed = await openSignedScene(opened.stage, variant, {
    signer: opened.signer,
    interfere: ({ path }) => {
      const isSide =
        path === '/v2/' ||
        /\/referrers\/|\/manifests\/sha256-|^\/sigs\/|^\/extensions\//.test(path) ||
        sides.has(path.replace('/v2/library/app', ''));
      if (!isSide) return undefined;
      const [name = '', isRight = true] = script[at % script.length] ?? [];
      at += 1;
      const answer = random.isWrong && !isRight ? wrongAnswers[name] : undefined;
      random.answered.push({ path, isRight: answer === undefined });
      return answer;
    },
  });
  for (const { paths } of signed.accompaniments) for (const path of paths) sides.add(path);
  const random: RandomScene = { ...signed, isWrong: true, answered: [] };
  return random;
}

/** Whether the upstream has said in several answers that it is not there, and in none that it is. */
function isDenied({ paths }: Accompaniment, { answered }: RandomScene): boolean {
  const about = answered.filter(({ path }) => paths.some((one) => path.endsWith(one)));
  return about.length > 1 && about.every(({ isRight }) => !isRight);
}

const property = () =>
  fc.asyncProperty(
    fc.constantFrom(...variants),
    fc.array(fc.tuple(fc.constantFrom(...wrongNames), fc.boolean()), { minLength: 8, maxLength: 24 }),
    async (variant, script) => {
      const random = await openRandom(variant, script);
      const { scene, images, accompaniments } = random;
      await random.setReadTimeout(readTimeoutSeconds);
      const sync = async (mirror: boolean) => {
        random.answered.length = 0;
        expect(await opened.direct.run(scene.ids, mirror)).toBe(undefined);
        const content = await random.readContent();
        expect(content).toEqual(expect.arrayContaining([...images]));
        return content;
      };
      await sync(false);
      random.isWrong = false;
      await random.setReadTimeout(null);
      const whole = await sync(false);
      for (const { items } of accompaniments) expect(whole).toEqual(expect.arrayContaining([...items]));
      random.isWrong = true;
      await random.setReadTimeout(readTimeoutSeconds);
      const content = new Set(await sync(true));
      const served = new Set(images);
      for (const one of accompaniments)
        if (!isDenied(one, random)) for (const item of one.items) served.add(item);
      expect([...served].filter((item) => !content.has(item))).toEqual([]);
      await scene.upstream.close();
    },
  );

test(
  'side look-ups that are answered at random lose, remove and fail nothing that the upstream still serves',
  async () => {
    await Promise.all(
      Array.from({ length: lanes }, (_, lane) =>
        fc.assert(property(), { seed: seed + lane, numRuns: Math.ceil(runs / lanes), endOnFailure: true }),
      ),
    );
  },
  120_000 + runs * 5_000,
);
