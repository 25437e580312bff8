import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { HashAnswer, HashQuestion } from './hash-thread.ts';

/** The thread of hash-thread.ts. */
const hashes = new Map<number, Hash>();

parentPort?.on('message', (question: HashQuestion) => {
  const { number, id, kind } = question;
  const answer: HashAnswer = { number };
  if (kind === 'begin') hashes.set(id, createHash(question.algorithm));
  else if (kind === 'update') hashes.get(id)?.update(question.chunk);
  else {
    answer.digest = kind === 'digest' ? hashes.get(id)?.digest('hex') : undefined;
    hashes.delete(id);
  }
  parentPort?.postMessage(answer, []);
});
