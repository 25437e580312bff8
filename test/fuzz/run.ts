/** `npm run fuzz`: each parser of untrusted text under generated inputs; `-- --minutes 30`, `--seed 7`, `--target head`. */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { FuzzFigures, FuzzOrder } from './fuzz-worker.ts';
import { budgetMs, inputMaxLength } from './target.ts';
import { targets } from './targets.ts';

/** An input that has not returned by then never will. */
const hangMs = 20_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    target: { type: 'string', multiple: true },
  },
});
const chosen = targets.map(({ name }) => name).filter((name) => values.target?.includes(name) ?? true);
const seed = Number(values.seed);
const milliseconds = (Number(values.minutes) * 60_000) / chosen.length;
if (chosen.length === 0 || !Number.isSafeInteger(seed) || !(milliseconds > 0))
  throw new Error(
    `Expected --minutes and --seed as numbers, and --target of ${targets.map(({ name }) => name).join(', ')}.`,
  );

function attackOn(target: string): Promise<FuzzFigures> {
  const progress = new SharedArrayBuffer(8 + 2 * inputMaxLength);
  const counters = new Int32Array(progress, 0, 2);
  const order: FuzzOrder = { target, seed, milliseconds, progress };
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), { workerData: order });
  return new Promise((resolve, reject) => {
    let seen = -1;
    const watch = setInterval(() => {
      const count = Atomics.load(counters, 0);
      if (count === seen && count > 0) {
        const text = new Uint16Array(progress, 8, counters[1]);
        const input = String.fromCharCode(...text);
        const failure = `did not return within ${hangMs / 1_000} s`;
        resolve({ target, inputs: count, slowestMs: hangMs, slowest: input, failures: [{ input, failure }] });
        void worker.terminate();
      }
      seen = count;
    }, hangMs);
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => clearInterval(watch));
  });
}

let failed = 0;
console.log(
  `seed ${seed}, ${(milliseconds / 1_000).toFixed(1)} s a target, ${budgetMs} ms of processor time an input`,
);
for (const target of chosen) {
  const { inputs, slowestMs, slowest, failures } = await attackOn(target);
  const shown = JSON.stringify(slowest.length > 60 ? `${slowest.slice(0, 60)}…` : slowest);
  console.log(
    `${target.padEnd(12)} ${String(inputs).padStart(9)} inputs, slowest ${slowestMs.toFixed(1)} ms (${slowest.length} characters, ${shown}), ${failures.length} failures`,
  );
  for (const { input, failure } of failures) console.log(`  ${failure}\n  input: ${JSON.stringify(input)}`);
  failed += failures.length;
}
console.log(failed === 0 ? 'fuzz: ok' : `fuzz: ${failed} FAILED; add what was found to test/fuzz/corpus/`);
process.exitCode = failed === 0 ? 0 : 1;
