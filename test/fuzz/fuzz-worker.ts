import { parentPort, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { readCorpus } from './corpus.ts';
import { inputsOf } from './inputs.ts';
import { attack } from './target.ts';
import type { FuzzTarget } from './target.ts';
import { targets } from './targets.ts';

export interface FuzzOrder {
  readonly target: string;
  readonly seed: number;
  readonly milliseconds: number;
  /** The input that runs, in UTF-16; before it how many there were, and its length. For when it never returns. */
  readonly progress: SharedArrayBuffer;
}

export interface FuzzFigures {
  readonly target: string;
  inputs: number;
  slowestMs: number;
  slowest: string;
  readonly failures: { readonly input: string; readonly failure: string }[];
}

const batch = 250;
const failuresMost = 5;

export async function fuzz(target: FuzzTarget, order: FuzzOrder): Promise<FuzzFigures> {
  const figures: FuzzFigures = { target: target.name, inputs: 0, slowestMs: 0, slowest: '', failures: [] };
  const counters = new Int32Array(order.progress, 0, 2);
  const text = new Uint16Array(order.progress, 8);
  const run = async (input: string): Promise<void> => {
    for (let at = 0; at < input.length; at += 1) text[at] = input.charCodeAt(at);
    counters[1] = input.length;
    Atomics.add(counters, 0, 1);
    const { cpuMs, failure } = await attack(target, input);
    figures.inputs += 1;
    if (cpuMs > figures.slowestMs) Object.assign(figures, { slowestMs: cpuMs, slowest: input });
    if (failure !== undefined) figures.failures.push({ input, failure });
  };
  for (const input of readCorpus(target.name)) await run(input);
  // the engine compiles while the first inputs run: what they take says nothing of the parser
  if (figures.failures.length === 0) figures.slowestMs = 0;
  const inputs = inputsOf(target);
  const until = performance.now() + order.milliseconds;
  for (let round = 0; performance.now() < until && figures.failures.length < failuresMost; round += 1)
    for (const input of fc.sample(inputs, { numRuns: batch, seed: order.seed + round })) {
      await run(input);
      if (performance.now() > until || figures.failures.length >= failuresMost) break;
    }
  return figures;
}

if (parentPort !== null) {
  const order = workerData as FuzzOrder;
  const target = targets.find(({ name }) => name === order.target);
  if (target === undefined) throw new Error(`there is no target ${order.target}`);
  parentPort.postMessage(await fuzz(target, order), []);
}
